/**
 * What this server would be if it were set up as the SDK's documents show it for clients without sessions: for every
 * request a new server with its tools, and a new transport. The tools are the same, and so is the record behind them.
 */
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { createMcpExpressApp } from "@modelcontextprotocol/sdk/server/express.js";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import type { z } from "zod";
import { createAnswers } from "../../src/answers.ts";
import { openApp } from "../../src/app.ts";
import { resolveConfig } from "../../src/config.ts";
import { createLog } from "../../src/log.ts";
import { questionSchemas } from "../../src/server/questions.ts";
import { inputSchemas } from "../../src/server/tools.ts";

const log = createLog({ toStandardError: false, file: null });
const app = await openApp(await resolveConfig(process.env), log, null);
const answers = createAnswers(app, log);

const tools: readonly (readonly [name: string, inputSchema: z.ZodType, run: (args: unknown) => Promise<object>])[] = [
  ["track_session_start", inputSchemas.start, app.trackStart],
  ["track_session_end", inputSchemas.end, app.trackEnd],
  ["list_active_sessions", questionSchemas.active, answers.activeSessions],
  ["search_sessions", questionSchemas.search, answers.search],
  ["get_session", questionSchemas.session, answers.session],
  ["explain_session", questionSchemas.session, answers.explanation],
  ["session_stats", questionSchemas.stats, answers.stats],
];

function createMcpServer(): McpServer {
  const server = new McpServer({ name: "per-request", version: "1" });
  for (const [name, inputSchema, run] of tools) {
    server.registerTool(name, { description: name, inputSchema }, async (args: unknown) => {
      const answer = await run(args);
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
