/** Owns the MCP server object: which requests it answers and how. */
import { Server } from "@modelcontextprotocol/sdk/server/index.js";
import {
  CallToolRequestSchema,
  ErrorCode,
  ListResourcesRequestSchema,
  ListResourceTemplatesRequestSchema,
  ListToolsRequestSchema,
  McpError,
  ReadResourceRequestSchema,
} from "@modelcontextprotocol/sdk/types.js";
import type { JsonSchemaValidator, jsonSchemaValidator } from "@modelcontextprotocol/sdk/validation";
import { z } from "zod";
import { isObject } from "../../tracker/canonical.ts";
import { escapeJson } from "../../wire/escape.ts";
import { withToken } from "../http/caller.ts";
import { ResourceError, type ServedResources } from "./resources.ts";
import type { ServedTool } from "./schema.ts";
import { serviceName } from "./tools.ts";

/** What a server offers, whatever carries it. */
export interface Service {
  readonly tools: ReadonlyMap<string, ServedTool>;
  readonly resources: ServedResources;
  readonly version: string;
  /** Told of every call or reading that the gate refused, and where it came from; not over standard input. */
  readonly onRefusal?: (address: string) => void;
}

/**
 * Makes a server that is not yet connected. The low-level class is used because the high-level one would check the
 * arguments first and answer in its own words (contract section 4).
 */
export function createMcpServer({ tools, resources, version, onRefusal }: Service): Server {
  const server = new Server(
    { name: serviceName, title: "session-buddy", version },
    { capabilities: { tools: {}, resources: {} }, jsonSchemaValidator: noValidator },
  );
  server.setRequestHandler(ListToolsRequestSchema, async () => ({
    tools: [...tools.values()].map((tool) => tool.definition),
  }));
  server.setRequestHandler(callSchema, async ({ params }, { authInfo }) => {
    const tool = tools.get(params.name);
    if (tool === undefined) throw new McpError(ErrorCode.InvalidParams, `Unknown tool: ${params.name}`);
    const { answer, failure } = await tool.run(withToken(params.arguments ?? {}, authInfo));
    if (failure?.startsWith("auth.") && authInfo !== undefined) onRefusal?.(authInfo.clientId);
    return { content: [{ type: "text", text: escapeJson(JSON.stringify(answer)) }], structuredContent: { ...answer } };
  });
  // Sessions are found by the tools; a list of them all would have no end.
  server.setRequestHandler(ListResourcesRequestSchema, async () => ({ resources: [] }));
  server.setRequestHandler(ListResourceTemplatesRequestSchema, async () => ({
    resourceTemplates: [...resources.templates],
  }));
  server.setRequestHandler(ReadResourceRequestSchema, async ({ params }, { authInfo }) => {
    try {
      return await resources.read(params.uri, withToken(params._meta ?? {}, authInfo));
    } catch (error) {
      if (error instanceof ResourceError && error.isRefusal && authInfo !== undefined) onRefusal?.(authInfo.clientId);
      throw error;
    }
  });
  return server;
}

/** As the SDK has it, but that arguments arrive as they were sent: its own schema leaves out one named `__proto__`. */
const callSchema = CallToolRequestSchema.extend({
  params: CallToolRequestSchema.shape.params.extend({
    arguments: z.custom<Record<string, unknown>>(isObject).optional(),
  }),
});

/** The SDK validates answers to elicitations, which this server never asks for; making its validator takes long. */
const noValidator: jsonSchemaValidator = {
  getValidator<T>(): JsonSchemaValidator<T> {
    return () => ({ valid: false, data: undefined, errorMessage: "nothing is elicited" });
  },
};
