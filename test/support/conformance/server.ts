/** A server with everything the MCP conformance suite asks for, to show what carries it: the transport is the caller's. */
import { Server } from "@modelcontextprotocol/sdk/server/index.js";
import {
  CallToolRequestSchema,
  CompleteRequestSchema,
  ErrorCode,
  GetPromptRequestSchema,
  ListPromptsRequestSchema,
  ListResourcesRequestSchema,
  ListResourceTemplatesRequestSchema,
  ListToolsRequestSchema,
  type LoggingLevel,
  LoggingLevelSchema,
  McpError,
  ReadResourceRequestSchema,
  SetLevelRequestSchema,
  SubscribeRequestSchema,
  UnsubscribeRequestSchema,
} from "@modelcontextprotocol/sdk/types.js";
import { promptOf, prompts, resourceOf, resources, resourceTemplates, text } from "./content.ts";
import { tools } from "./tools.ts";

const capabilities = { tools: {}, resources: { subscribe: true }, prompts: {}, completions: {}, logging: {} };

/** Makes a server for one session; it is not yet connected. */
export function createFixtureServer(): Server {
  const server = new Server({ name: "conformance-fixture", version: "1" }, { capabilities });
  serveTools(server);
  serveResources(server);
  server.setRequestHandler(ListPromptsRequestSchema, () => ({ prompts }));
  server.setRequestHandler(GetPromptRequestSchema, ({ params }) => promptOf(params.name, params.arguments ?? {}));
  server.setRequestHandler(CompleteRequestSchema, ({ params }) => {
    const values = ["paris", "park", "party"].filter((value) => value.startsWith(params.argument.value));
    return { completion: { values, total: values.length, hasMore: false } };
  });
  return server;
}

function serveTools(server: Server): void {
  let lowest: LoggingLevel = "debug";
  const rank = (level: LoggingLevel) => LoggingLevelSchema.options.indexOf(level);
  server.setRequestHandler(SetLevelRequestSchema, ({ params }) => {
    lowest = params.level;
    return {};
  });
  server.setRequestHandler(ListToolsRequestSchema, () => ({ tools: tools.map(({ definition }) => definition) }));
  server.setRequestHandler(CallToolRequestSchema, async ({ params }, extra) => {
    const tool = tools.find(({ definition }) => definition.name === params.name);
    if (tool === undefined) throw new McpError(ErrorCode.InvalidParams, `Unknown tool: ${params.name}`);
    const log = async (level: LoggingLevel, data: string) => {
      if (rank(level) < rank(lowest)) return;
      await extra.sendNotification({ method: "notifications/message", params: { level, data } });
    };
    return tool.run({ server, args: params.arguments ?? {}, extra, log }).catch((error: Error) => ({
      isError: true,
      content: [text(error.message)],
    }));
  });
}

function serveResources(server: Server): void {
  const subscribed = new Set<string>();
  server.setRequestHandler(ListResourcesRequestSchema, () => ({ resources }));
  server.setRequestHandler(ListResourceTemplatesRequestSchema, () => ({ resourceTemplates }));
  server.setRequestHandler(ReadResourceRequestSchema, ({ params }) => resourceOf(params.uri));
  server.setRequestHandler(SubscribeRequestSchema, ({ params }) => {
    subscribed.add(params.uri);
    return {};
  });
  server.setRequestHandler(UnsubscribeRequestSchema, ({ params }) => {
    subscribed.delete(params.uri);
    return {};
  });
}
