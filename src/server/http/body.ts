/** Owns reading a request's body: its limits, and the one JSON-RPC message in it. */
import type { IncomingMessage } from "node:http";
import type {
  JSONRPCMessage,
  JSONRPCNotification,
  JSONRPCRequest,
  JSONRPCResponse,
} from "@modelcontextprotocol/sdk/types.js";
import { isObject, parseJson } from "../../tracker/canonical.ts";
import { withoutInexactNumbers } from "../../wire/numbers.ts";

/** Error codes of JSON-RPC 2.0, section 5.1. */
export const rpcCodes = { parseError: -32700, invalidRequest: -32600, serverError: -32000 } as const;

/** Why a body is not served: the HTTP status, and the JSON-RPC error. */
export interface BodyRefusal {
  readonly status: number;
  readonly code: number;
  readonly message: string;
}

export const largestBodyBytes = 256 * 1024;
/** So much of a body that is too large is read and dropped, because many clients read no answer before they have sent all. */
const largestDroppedBytes = 16 * 1024 * 1024;
/** Keys, values and items; an event with the largest metadata the contract allows has fewer. */
const mostElements = 10_000;
const notJson = refusal(400, rpcCodes.parseError, "Parse error: the body is not JSON");
const notRpc = refusal(400, rpcCodes.invalidRequest, "Invalid Request: the body is not a JSON-RPC 2.0 message");

/** Reads the message that a request brings. @returns null when the client went away before it had sent all of it */
export async function readMessage(request: IncomingMessage): Promise<JSONRPCMessage | BodyRefusal | null> {
  const body = await readJson(request);
  if (body === null) return null;
  if (body.refusal !== null) return body.refusal;
  const message = body.value;
  if (Array.isArray(message)) {
    return refusal(400, rpcCodes.invalidRequest, "Batches are not supported; send one message per request");
  }
  return isMessage(message) ? message : notRpc;
}

/** JSON that was read, or why it was not. */
export type ReadJson = { readonly value: unknown; readonly refusal: null } | { readonly refusal: BodyRefusal };

/** Reads the JSON that a request brings. @returns null when the client went away before it had sent all of it */
export async function readJson(request: IncomingMessage): Promise<ReadJson | null> {
  const body = await readBytes(request);
  return body === null || body.refusal !== null ? body : jsonOf(body.bytes);
}

/** A body as it was sent, or why it was not read. */
export type ReadBytes = { readonly bytes: Buffer; readonly refusal: null } | { readonly refusal: BodyRefusal };

/** Reads what a request brings. @returns null when the client went away before it had sent all of it */
export async function readBytes(request: IncomingMessage): Promise<ReadBytes | null> {
  const body = await readBody(request, largestBodyBytes);
  if (body === "gone") return null;
  if (body !== "too large") return { bytes: body, refusal: null };
  return { refusal: refusal(413, rpcCodes.serverError, `The body is larger than ${largestBodyBytes} bytes`) };
}

/** Reads the JSON of a body. */
export function jsonOf(body: Buffer): ReadJson {
  if (hasTooManyElements(body, mostElements)) {
    return { refusal: refusal(413, rpcCodes.serverError, `The body has more than ${mostElements} elements`) };
  }
  const value = parseBody(body);
  return value === undefined ? { refusal: notJson } : { value, refusal: null };
}

export function isRefusal(message: JSONRPCMessage | BodyRefusal): message is BodyRefusal {
  return "status" in message;
}

export function isRequest(message: JSONRPCMessage): message is JSONRPCRequest {
  return "method" in message && "id" in message;
}

/**
 * Reads a body as it was sent.
 *
 * @param largest - in bytes; of what is larger no more is kept
 * @returns `gone` when the client went away before it had sent all of it
 */
export function readBody(request: IncomingMessage, largest: number): Promise<Buffer | "too large" | "gone"> {
  return new Promise((resolve) => {
    if (request.destroyed) return resolve("gone");
    const chunks: Buffer[] = [];
    let length = 0;
    request.on("data", (chunk: Buffer) => {
      length += chunk.length;
      if (length <= largest) chunks.push(chunk);
      if (length > largestDroppedBytes) resolve("too large");
    });
    request.on("end", () => resolve(length > largest ? "too large" : Buffer.concat(chunks, length)));
    // A client that goes away in the middle of its body; after the end it changes nothing.
    request.on("error", () => resolve("gone"));
    request.on("close", () => resolve("gone"));
  });
}

const [quote, backslash, comma, openBrace, openBracket, closeBrace, closeBracket, space] = Buffer.from('"\\,{[}] ');

/**
 * Reading many small elements blocks everybody else for long. The first of a list or object follows its bracket, each
 * other one a comma, so that a body of so few bytes cannot have too many.
 */
export function hasTooManyElements(body: Buffer, most: number): boolean {
  if (body.length <= mostElements) return false;
  let elements = 0;
  let isInString = false;
  let hasJustOpened = false;
  for (let at = 0; at < body.length; at += 1) {
    const byte = body[at];
    if (isInString) {
      if (byte === backslash) at += 1;
      else if (byte === quote) isInString = false;
      continue;
    }
    // JSON's white space is all that is not above it.
    if (byte === undefined || byte <= (space ?? 0)) continue;
    const opens = byte === openBrace || byte === openBracket;
    if (opens || byte === comma) elements += 1;
    // An empty list or object has no first element.
    else if (hasJustOpened && (byte === closeBrace || byte === closeBracket)) elements -= 1;
    else if (byte === quote) isInString = true;
    hasJustOpened = opens;
  }
  return elements > most;
}

/** @returns undefined where it is no JSON */
export function parseBody(body: Buffer): unknown {
  try {
    return parseJson(withoutInexactNumbers(body.toString("utf8")));
  } catch {
    return undefined;
  }
}

/** JSON-RPC 2.0, with ids as MCP has them: a string or an integer, which must go back as it came. */
function isMessage(value: unknown): value is JSONRPCRequest | JSONRPCNotification | JSONRPCResponse {
  if (!isObject(value)) return false;
  const { jsonrpc, id, method, params, result, error } = value;
  if (jsonrpc !== "2.0" || !(id === undefined || typeof id === "string" || Number.isSafeInteger(id))) return false;
  if (method === undefined) return id !== undefined && (isObject(result) || isObject(error));
  return typeof method === "string" && (params === undefined || isObject(params));
}

function refusal(status: number, code: number, message: string): BodyRefusal {
  return { status, code, message };
}
