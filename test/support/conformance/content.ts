/** What the fixture server of the MCP conformance suite serves besides tools: prompts, resources, and tiny media. */
import { ErrorCode, type GetPromptResult, McpError, type ReadResourceResult } from "@modelcontextprotocol/sdk/types.js";

/** One red pixel. */
export const image = {
  type: "image" as const,
  data: "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR42mP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC",
  mimeType: "image/png",
};

/** A WAV file of no samples. */
export const audio = {
  type: "audio" as const,
  data: "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YQAAAAA=",
  mimeType: "audio/wav",
};

export function text(value: string) {
  return { type: "text" as const, text: value };
}

export function embedded(uri: string, mimeType: string, content: string) {
  return { type: "resource" as const, resource: { uri, mimeType, text: content } };
}

const argument = (name: string) => ({ name, description: `the ${name} of the prompt`, required: true });

export const prompts = [
  { name: "test_simple_prompt", description: "takes no arguments" },
  {
    name: "test_prompt_with_arguments",
    description: "repeats its arguments",
    arguments: [argument("arg1"), argument("arg2")],
  },
  {
    name: "test_prompt_with_embedded_resource",
    description: "embeds a resource",
    arguments: [argument("resourceUri")],
  },
  { name: "test_prompt_with_image", description: "shows an image" },
];

/** @throws McpError when there is no such prompt */
export function promptOf(name: string, args: Readonly<Record<string, string>>): GetPromptResult {
  const messages: Readonly<Record<string, readonly GetPromptResult["messages"][number]["content"][]>> = {
    test_simple_prompt: [text("This is a simple prompt for testing.")],
    test_prompt_with_arguments: [text(`Prompt with arguments: arg1='${args.arg1}', arg2='${args.arg2}'`)],
    test_prompt_with_embedded_resource: [
      embedded(String(args.resourceUri), "text/plain", "Embedded resource content for testing."),
      text("Please process the embedded resource above."),
    ],
    test_prompt_with_image: [image, text("Please analyze the image above.")],
  };
  const found = messages[name];
  if (found === undefined) throw new McpError(ErrorCode.InvalidParams, `Unknown prompt: ${name}`);
  return { messages: found.map((content) => ({ role: "user", content })) };
}

export const resources = [
  { uri: "test://static-text", name: "text", description: "a text", mimeType: "text/plain" },
  { uri: "test://static-binary", name: "binary", description: "an image", mimeType: image.mimeType },
  { uri: "test://watched-resource", name: "watched", description: "may be subscribed to", mimeType: "text/plain" },
];

export const resourceTemplates = [
  {
    uriTemplate: "test://template/{id}/data",
    name: "template",
    description: "data by id",
    mimeType: "application/json",
  },
];

/** @throws McpError when there is no such resource */
export function resourceOf(uri: string): ReadResourceResult {
  const id = /^test:\/\/template\/([^/]+)\/data$/.exec(uri)?.[1];
  if (id !== undefined) {
    const data = JSON.stringify({ id, templateTest: true, data: `Data for ID: ${id}` });
    return { contents: [{ uri, mimeType: "application/json", text: data }] };
  }
  const found = resources.find((resource) => resource.uri === uri);
  if (found === undefined) throw new McpError(ErrorCode.InvalidParams, "Resource not found", { uri });
  const { mimeType } = found;
  if (mimeType === image.mimeType) return { contents: [{ uri, mimeType, blob: image.data }] };
  return { contents: [{ uri, mimeType, text: "This is the content of the static text resource." }] };
}
