/**
 * What a server is like that is set up as the SDK's documents show it for clients without sessions: for every request a
 * new server with its tools and a new transport. Its tool keeps nothing, so that only the set-up is compared.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import { z } from "zod";
import { inputSchemas } from "../../src/server/tools.ts";

const output = z.object({ session_id: z.string().nullable(), status: z.string(), error: z.string().nullable() });

function createMcpServer(): McpServer {
  const server = new McpServer({ name: "per-request", version: "1" });
  const answer = { session_id: "shell-20260101-000000", status: "tracked", error: null };
  for (const [name, inputSchema] of Object.entries({
    track_session_start: inputSchemas.start,
    track_session_end: inputSchemas.end,
  })) {
    server.registerTool(name, { description: name, inputSchema, outputSchema: output }, async () => ({
      content: [{ type: "text" as const, text: JSON.stringify(answer) }],
      structuredContent: answer,
    }));
  }
  return server;
}

const http = createServer(async (request, response) => {
  const server = createMcpServer();
  const transport = new StreamableHTTPServerTransport();
  response.on("close", () => {
    void transport.close();
    void server.close();
  });
  await server.connect(transport as Transport);
  await transport.handleRequest(request, response);
});
http.listen(0, "127.0.0.1", () => {
  process.stderr.write(`url=http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp\n`);
});
