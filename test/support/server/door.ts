/** MCP over plain HTTP, message by message: requests, sessions, and bytes as no HTTP library would send them. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { LATEST_PROTOCOL_VERSION } from "@modelcontextprotocol/sdk/types.js";
import { ask, type HttpAnswer, type HttpQuestion } from "./raw-http.ts";

type Headers = NonNullable<HttpQuestion["headers"]>;

/** The part of a JSON-RPC answer that tests look at. */
export interface RpcAnswer {
  readonly id: number | string | null;
  readonly result?: Readonly<Record<string, unknown>> & {
    readonly structuredContent?: {
      readonly status: string;
      readonly error: string | null;
      readonly session_id?: string;
    };
  };
  readonly error?: { readonly code: number; readonly message: string };
}

/** @returns the text of a JSON-RPC request */
export function rpc(id: number | string, method: string, params: unknown = {}): string {
  return JSON.stringify({ jsonrpc: "2.0", id, method, params });
}

export const initialize = rpc(0, "initialize", {
  protocolVersion: LATEST_PROTOCOL_VERSION,
  capabilities: {},
  clientInfo: { name: "test", version: "1" },
});

/** Reads an answer that came as JSON or as the one event of a stream. */
export function answerOf({ body, headers }: HttpAnswer): RpcAnswer {
  const isStream = String(headers["content-type"]).startsWith("text/event-stream");
  return JSON.parse(isStream ? (/^data: (.+)$/m.exec(body)?.[1] ?? "") : body);
}

/** Asks for a session. @param url - of the server's `/mcp` */
export function askForSession(url: string, headers: Headers = {}, body = initialize): Promise<HttpAnswer> {
  return ask(`${url}?session=true`, { headers, body });
}

/** @returns the headers that belong to a new session */
export async function openSession(url: string, headers: Headers = {}): Promise<{ readonly "Mcp-Session-Id": string }> {
  const answer = await askForSession(url, headers);
  assert.equal(answer.status, 200, answer.body);
  const id = answer.headers["mcp-session-id"];
  assert.match(String(id), /^[0-9a-f-]{36}$/);
  return { "Mcp-Session-Id": String(id) };
}

/** @returns a connection to the server of this address; errors of it are its end */
export async function dial(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  await once(socket, "connect");
  socket.on("error", () => {});
  return socket;
}

/** @returns all that the server sends until it closes the connection */
export async function heardUntilClosed(socket: Socket): Promise<string> {
  let text = "";
  socket.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk;
  });
  // Whoever is never let go fails here instead of waiting for ever.
  await once(socket, "close", { signal: AbortSignal.timeout(30_000) });
  return text;
}

/** Sends bytes as they are on a connection of its own. @returns what the server sends until it closes it */
export async function sendBytes(url: string, ...parts: readonly (string | Buffer)[]): Promise<string> {
  const socket = await dial(url);
  for (const part of parts) socket.write(part);
  return heardUntilClosed(socket);
}

/** @returns the head of a POST to `/mcp` that is the last on its connection */
export function head(url: string, ...lines: readonly string[]): string {
  const usual = ["Content-Type: application/json", "Accept: application/json", "Connection: close"];
  return [`POST /mcp HTTP/1.1`, `Host: ${new URL(url).host}`, ...usual, ...lines, "", ""].join("\r\n");
}
