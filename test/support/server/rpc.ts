/** Tool calls over plain HTTP, for tests that send more at once, or to a server that dies meanwhile, than a client would. */
export interface ToolAnswer {
  readonly session_id: string | null;
  readonly status: string;
  readonly error: string | null;
}

const headers = { "Content-Type": "application/json", Accept: "application/json, text/event-stream" };

/** @throws TypeError when no answer came, SyntaxError when it was cut off */
export async function callTool(url: string, name: string, args: unknown): Promise<ToolAnswer> {
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name, arguments: args } });
  const response = await fetch(url, { method: "POST", headers, body });
  const message = (await response.json()) as { result: { structuredContent: ToolAnswer } };
  return message.result.structuredContent;
}
