/**
 * What this server would be if it were set up as the SDK's documents show it for clients without sessions: for every
 * request a new server with its tools, and a new transport. The tools are the same, and so is the record behind them,
 * whose commits requests share that wait together; with the argument `own-commits` each has a commit of its own.
 */
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { createMcpExpressApp } from "@modelcontextprotocol/sdk/server/express.js";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import { z } from "zod";
import { createAnswers } from "../../src/app/answers.ts";
import { openApp } from "../../src/app/app.ts";
import { createQuestions } from "../../src/app/questions.ts";
import { createTrack } from "../../src/app/track.ts";
import { resolveConfig } from "../../src/config/config.ts";
import { createLog } from "../../src/log.ts";
import type { ServedTool } from "../../src/server/mcp/schema.ts";
import { createTools, serviceName } from "../../src/server/mcp/tools.ts";

const hasOwnCommits = process.argv[2] === "own-commits";
const version = "0";
const log = createLog({ toStandardError: false, file: null });
const app = await openApp(await resolveConfig(process.env), log);
const answers = createAnswers(app, null, createQuestions(app));

let last: Promise<unknown> = Promise.resolve();

/** One after the other, so that no two wait together. */
function alone(run: ServedTool["run"]): ServedTool["run"] {
  return (args) => {
    const answer = last.then(() => run(args));
    last = answer.catch(() => {});
    return answer;
  };
}

const schemaOf = (schema: unknown) => z.fromJSONSchema(schema as Parameters<typeof z.fromJSONSchema>[0]);
const tools = [...createTools(createTrack(app, null), answers, version).values()].map(({ definition, run }) => {
  const schemas = { inputSchema: schemaOf(definition.inputSchema), outputSchema: schemaOf(definition.outputSchema) };
  const { name, title = "", description = "", annotations = {} } = definition;
  return { name, run: hasOwnCommits ? alone(run) : run, config: { title, description, annotations, ...schemas } };
});

function createMcpServer(): McpServer {
  const server = new McpServer({ name: serviceName, version });
  for (const { name, config, run } of tools) {
    server.registerTool(name, config, async (args: unknown) => {
      const { answer } = await run(args);
      return {
        content: [{ type: "text" as const, text: JSON.stringify(answer) }],
        structuredContent: { ...answer } as Record<string, unknown>,
      };
    });
  }
  return server;
}

/** What is used of the application that the SDK makes. */
interface Application {
  post(path: string, handle: (request: IncomingMessage & { body: unknown }, response: ServerResponse) => unknown): void;
  listen(port: number, host: string, done: () => void): Server;
}

const application: Application = createMcpExpressApp();
application.post("/mcp", async (request, response) => {
  const server = createMcpServer();
  const transport = new StreamableHTTPServerTransport();
  await server.connect(transport as Transport);
  await transport.handleRequest(request, response, request.body);
  response.on("close", () => {
    void transport.close();
    void server.close();
  });
});
const http = application.listen(0, "127.0.0.1", () => {
  process.stderr.write(`url=http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp\n`);
});
