/** The tools that the MCP conformance suite calls: every kind of content, notifications, and requests to the client. */
import { setTimeout as pause } from "node:timers/promises";
import type { Server } from "@modelcontextprotocol/sdk/server/index.js";
import type { RequestHandlerExtra } from "@modelcontextprotocol/sdk/shared/protocol.js";
import type {
  CallToolResult,
  ElicitRequestFormParams,
  LoggingLevel,
  ServerNotification,
  ServerRequest,
  Tool,
} from "@modelcontextprotocol/sdk/types.js";
import { audio, embedded, image, text } from "./content.ts";

/** What a call can do beside answering. */
export interface Call {
  readonly server: Server;
  readonly args: Readonly<Record<string, unknown>>;
  readonly extra: RequestHandlerExtra<ServerRequest, ServerNotification>;
  /** Sends a log message with the answer, unless the client asked for severer ones alone. */
  log(level: LoggingLevel, data: string): Promise<void>;
}

export interface FixtureTool {
  readonly definition: Tool;
  run(call: Call): Promise<CallToolResult>;
}

type RequestedSchema = ElicitRequestFormParams["requestedSchema"];

/** Long enough for a client to see one message before the next; nothing is proven by it. */
const stepMs = 20;
const noArguments: Tool["inputSchema"] = { type: "object" };
const oneText = (name: string): Tool["inputSchema"] => ({
  type: "object",
  properties: { [name]: { type: "string" } },
  required: [name],
});

const defaults: RequestedSchema = {
  type: "object",
  properties: {
    name: { type: "string", default: "John Doe" },
    age: { type: "integer", default: 30 },
    score: { type: "number", default: 95.5 },
    status: { type: "string", enum: ["active", "inactive", "pending"], default: "active" },
    verified: { type: "boolean", default: true },
  },
};

const titled = (ordinal: string, values: readonly string[]) =>
  values.map((value, index) => ({ const: value, title: `${["First", "Second", "Third"][index]} ${ordinal}` }));

const enums: RequestedSchema = {
  type: "object",
  properties: {
    untitledSingle: { type: "string", enum: ["option1", "option2", "option3"] },
    titledSingle: { type: "string", oneOf: titled("Option", ["value1", "value2", "value3"]) },
    legacyEnum: { type: "string", enum: ["opt1", "opt2", "opt3"], enumNames: ["Option 1", "Option 2", "Option 3"] },
    untitledMulti: { type: "array", items: { type: "string", enum: ["option1", "option2", "option3"] } },
    titledMulti: { type: "array", items: { anyOf: titled("Choice", ["value1", "value2", "value3"]) } },
  },
};

const credentials: RequestedSchema = {
  type: "object",
  properties: { username: { type: "string" }, email: { type: "string" } },
  required: ["username", "email"],
};

/** Keywords of JSON Schema 2020-12 that must reach the client as they are. */
const schema2020: Tool["inputSchema"] = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  type: "object",
  $defs: {
    address: {
      $anchor: "addressDef",
      type: "object",
      properties: { street: { type: "string" }, city: { type: "string" } },
    },
  },
  properties: {
    name: { type: "string" },
    address: { $ref: "#/$defs/address" },
    contactMethod: { type: "string", enum: ["phone", "email"] },
    phone: { type: "string" },
    email: { type: "string" },
  },
  allOf: [{ anyOf: [{ required: ["phone"] }, { required: ["email"] }] }],
  if: { properties: { contactMethod: { const: "phone" } }, required: ["contactMethod"] },
  // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
  then: { required: ["phone"] },
  else: { required: ["email"] },
  additionalProperties: false,
};

function tool(name: string, inputSchema: Tool["inputSchema"], run: FixtureTool["run"]): FixtureTool {
  return { definition: { name, description: `what the conformance suite calls ${name}`, inputSchema }, run };
}

function answering(name: string, ...content: CallToolResult["content"]): FixtureTool {
  return tool(name, noArguments, async () => ({ content }));
}

function eliciting(name: string, inputSchema: Tool["inputSchema"], requestedSchema: RequestedSchema): FixtureTool {
  return tool(name, inputSchema, async ({ server, args, extra }) => {
    const message = String(args.message ?? "Please fill in the form");
    const options = { relatedRequestId: extra.requestId };
    const { action, content } = await server.elicitInput({ message, requestedSchema }, options);
    return { content: [text(`Elicitation completed: action=${action}, content=${JSON.stringify(content ?? {})}`)] };
  });
}

export const tools: readonly FixtureTool[] = [
  answering("test_simple_text", text("This is a simple text response for testing.")),
  answering("test_image_content", image),
  answering("test_audio_content", audio),
  answering(
    "test_embedded_resource",
    embedded("test://embedded-resource", "text/plain", "This is an embedded resource content."),
  ),
  answering(
    "test_multiple_content_types",
    text("Multiple content types test:"),
    image,
    embedded("test://mixed-content-resource", "application/json", '{"test":"data","value":123}'),
  ),
  tool("json_schema_2020_12_tool", schema2020, async () => ({ content: [text("valid")] })),
  tool("test_error_handling", noArguments, async () => {
    throw new Error("This tool intentionally returns an error for testing");
  }),
  tool("test_tool_with_logging", noArguments, async ({ log }) => {
    for (const message of ["Tool execution started", "Tool processing data", "Tool execution completed"]) {
      await log("info", message);
      await pause(stepMs);
    }
    return { content: [text("logged")] };
  }),
  tool("test_tool_with_progress", noArguments, async ({ extra }) => {
    const progressToken = extra._meta?.progressToken;
    for (const progress of [0, 50, 100]) {
      if (progressToken !== undefined) {
        const params = { progressToken, progress, total: 100 };
        await extra.sendNotification({ method: "notifications/progress", params });
      }
      await pause(stepMs);
    }
    return { content: [text(String(progressToken))] };
  }),
  tool("test_sampling", oneText("prompt"), async ({ server, args, extra }) => {
    const messages = [{ role: "user" as const, content: text(String(args.prompt)) }];
    const options = { relatedRequestId: extra.requestId };
    const { content } = await server.createMessage({ messages, maxTokens: 100 }, options);
    return { content: [text(`LLM response: ${content.type === "text" ? content.text : content.type}`)] };
  }),
  eliciting("test_elicitation", oneText("message"), credentials),
  eliciting("test_elicitation_sep1034_defaults", noArguments, defaults),
  eliciting("test_elicitation_sep1330_enums", noArguments, enums),
  tool("test_reconnection", noArguments, async ({ extra }) => {
    extra.closeSSEStream?.();
    await pause(stepMs);
    return { content: [text("Reconnected")] };
  }),
];
