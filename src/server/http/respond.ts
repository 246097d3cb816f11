/** Owns the forms in which the HTTP entrance answers by itself, all of them JSON. */
import { type ServerResponse, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import type { FailureCode } from "../../wire/result.ts";
import { rpcCodes } from "./body.ts";

export function sendNotAllowed(response: ServerResponse, allowed: string): void {
  response.setHeader("Allow", allowed);
  sendError(response, 405, rpcCodes.serverError, `Method not allowed; this path serves ${allowed}`);
}

/** What there are too many of where tokens are refused. */
export const tooManyRefusals = "Too many refused tokens";

export function sendTooMany(response: ServerResponse, waitSeconds: number, what: string): void {
  response.setHeader("Retry-After", String(waitSeconds));
  sendError(response, 429, rpcCodes.serverError, `${what}; try again in ${waitSeconds} s`);
}

export function sendError(response: ServerResponse, status: number, code: number, message: string): void {
  sendJson(response, status, { jsonrpc: "2.0", id: null, error: { code, message } });
}

/** An answer of the JSON API; what is on record is for nobody's cache. */
export function sendAnswer(response: ServerResponse, status: number, answer: object): void {
  response.setHeader("Cache-Control", "no-store");
  response.setHeader("X-Content-Type-Options", "nosniff");
  if (status === 401) response.setHeader("WWW-Authenticate", 'Bearer realm="session-buddy"');
  sendJson(response, status, answer);
}

/** The same where nothing was asked of the record. */
export function sendRefusal(response: ServerResponse, status: number, error: string): void {
  sendAnswer(response, status, { status: "error", error });
}

export function sendWait(response: ServerResponse, status: 429 | 503, waitSeconds: number, what: string): void {
  response.setHeader("Retry-After", String(waitSeconds));
  sendRefusal(response, status, `${what}; try again in ${waitSeconds} s`);
}

export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body);
  response.writeHead(status, { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(text) });
  response.end(text);
}

/** What cannot be read as HTTP, by the code that Node.js has for it; anything else is a bad request. */
const unreadable: ReadonlyMap<string | undefined, number> = new Map([
  ["ERR_HTTP_REQUEST_TIMEOUT", 408],
  ["HPE_HEADER_OVERFLOW", 431],
  ["HPE_CHUNK_EXTENSIONS_OVERFLOW", 413],
]);

/** Answers what is not a request, and closes the connection. */
export function sendUnreadable(socket: Duplex, error: NodeJS.ErrnoException): void {
  const status = unreadable.get(error.code) ?? 400;
  const text = JSON.stringify({ error: STATUS_CODES[status] });
  socket.end(
    [
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
      "Connection: close",
      "Content-Type: application/json",
      `Content-Length: ${Buffer.byteLength(text)}`,
      "",
      text,
    ].join("\r\n"),
    () => socket.destroy(),
  );
}

/** @returns the HTTP status of an answer that failed in this way; 200 for one that did not */
export function statusOf(failure: FailureCode | null): number {
  if (failure === null) return 200;
  if (failure === "auth.scope") return 403;
  if (failure.startsWith("auth.")) return 401;
  if (failure === "invalid" || failure === "usage") return 400;
  return failure.startsWith("storage.") ? 503 : 500;
}
