/** Owns the MCP server object: which requests it answers and how. For `server/` alone. */
import { Server } from "@modelcontextprotocol/sdk/server/index.js";
import { CallToolRequestSchema, ErrorCode, ListToolsRequestSchema, McpError } from "@modelcontextprotocol/sdk/types.js";
import type { JsonSchemaValidator, jsonSchemaValidator } from "@modelcontextprotocol/sdk/validation";
import { type ServedTool, serviceName } from "./tools.ts";

/**
 * Makes a server that is not yet connected. The low-level class is used because the high-level one would check the
 * arguments first and answer in its own words (contract section 4).
 */
export function createMcpServer(tools: ReadonlyMap<string, ServedTool>, version: string): Server {
  const server = new Server(
    { name: serviceName, title: "session-buddy", version },
    { capabilities: { tools: {} }, jsonSchemaValidator: noValidator },
  );
  server.setRequestHandler(ListToolsRequestSchema, async () => ({
    tools: [...tools.values()].map((tool) => tool.definition),
  }));
  server.setRequestHandler(CallToolRequestSchema, async ({ params }) => {
    const tool = tools.get(params.name);
    if (tool === undefined) throw new McpError(ErrorCode.InvalidParams, `Unknown tool: ${params.name}`);
    const result = await tool.run(params.arguments ?? {});
    return { content: [{ type: "text", text: JSON.stringify(result) }], structuredContent: result };
  });
  return server;
}

/** The SDK validates answers to elicitations, which this server never asks for; making its validator takes long. */
const noValidator: jsonSchemaValidator = {
  getValidator<T>(): JsonSchemaValidator<T> {
    return () => ({ valid: false, data: undefined, errorMessage: "nothing is elicited" });
  },
};
