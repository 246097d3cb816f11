/** HTTP requests as a program without the official client would send them, headers and all. */
import { type IncomingHttpHeaders, request } from "node:http";

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface HttpQuestion {
  readonly method?: string;
  /** A list stands for a header that comes more than once. */
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly body?: string;
  /** Called when the server has accepted the headers and waits for the body; the body is sent after it. */
  readonly beforeBody?: () => void | Promise<void>;
}

const mcpHeaders = { "Content-Type": "application/json", Accept: "application/json, text/event-stream" };

/** Sends one request on a connection of its own. A header of the question replaces one of MCP. */
export function ask(url: string, question: HttpQuestion = {}): Promise<HttpAnswer> {
  const { method = "POST", headers = {}, body = "", beforeBody } = question;
  const expect: Record<string, string> = beforeBody === undefined ? {} : { Expect: "100-continue" };
  return new Promise((resolve, reject) => {
    const asked = request(url, { method, agent: false, headers: { ...mcpHeaders, ...expect, ...headers } });
    asked.on("error", reject);
    asked.on("response", (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk;
      });
      response.on("error", reject);
      response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }));
    });
    if (beforeBody === undefined) asked.end(body);
    else asked.on("continue", () => void Promise.resolve(beforeBody()).then(() => asked.end(body), reject));
  });
}

/** @returns the text of a JSON-RPC request that calls a tool */
export function toolCall(id: number | string, name: string, args: unknown): string {
  return JSON.stringify({ jsonrpc: "2.0", id, method: "tools/call", params: { name, arguments: args } });
}
