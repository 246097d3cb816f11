/** Owns the forms in which the HTTP entrance answers by itself, all of them JSON. For `server/` alone. */
import type { ServerResponse } from "node:http";
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

export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body);
  response.writeHead(status, { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(text) });
  response.end(text);
}
