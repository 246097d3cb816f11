/** Owns reading a request's body: its limits, and the one JSON-RPC message in it. For `server/` alone. */
import type { IncomingMessage } from "node:http";
import type {
  JSONRPCMessage,
  JSONRPCNotification,
  JSONRPCRequest,
  JSONRPCResponse,
} from "@modelcontextprotocol/sdk/types.js";
import { parseJson } from "../tracker/canonical.ts";

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
const notRpc = refusal(400, rpcCodes.invalidRequest, "Invalid Request: the body is no JSON-RPC 2.0 message");

/** Reads the message that a request brings. */
export async function readMessage(request: IncomingMessage): Promise<JSONRPCMessage | BodyRefusal> {
  const body = await readBody(request);
  if (body === null) {
    return refusal(413, rpcCodes.serverError, `The body is larger than ${largestBodyBytes} bytes`);
  }
  if (hasTooManyElements(body)) {
    return refusal(413, rpcCodes.serverError, `The body has more than ${mostElements} elements`);
  }
  const message = parsed(body.toString("utf8"));
  if (message === undefined) return notJson;
  if (Array.isArray(message)) {
    return refusal(400, rpcCodes.invalidRequest, "Batches are not served; send one message a request");
  }
  return isMessage(message) ? message : notRpc;
}

export function isRefusal(message: JSONRPCMessage | BodyRefusal): message is BodyRefusal {
  return "status" in message;
}

export function isRequest(message: JSONRPCMessage): message is JSONRPCRequest {
  return "method" in message && "id" in message;
}

/** @returns null when the body is over the limit */
function readBody(request: IncomingMessage): Promise<Buffer | null> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    request.on("data", (chunk: Buffer) => {
      length += chunk.length;
      if (length <= largestBodyBytes) chunks.push(chunk);
      if (length > largestDroppedBytes) resolve(null);
    });
    request.on("end", () => resolve(length > largestBodyBytes ? null : Buffer.concat(chunks, length)));
    request.on("error", reject);
    // A client that goes away in the middle of its body is not heard of otherwise.
    request.on("close", () => reject(new Error("the client went away")));
  });
}

const [quote, backslash, comma, openBrace, openBracket] = Buffer.from('"\\,{[');

/**
 * Reading many small elements blocks everybody else for long. Each but the first of a list or object follows a comma, so
 * that a body of so few bytes cannot have too many.
 */
function hasTooManyElements(body: Buffer): boolean {
  if (body.length <= mostElements) return false;
  let elements = 0;
  let isInString = false;
  for (let at = 0; at < body.length; at += 1) {
    const byte = body[at];
    if (isInString) {
      if (byte === backslash) at += 1;
      else if (byte === quote) isInString = false;
    } else if (byte === quote) isInString = true;
    else if (byte === comma || byte === openBrace || byte === openBracket) elements += 1;
  }
  return elements > mostElements;
}

function parsed(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
}

/** JSON-RPC 2.0, with ids as MCP has them: a string or an integer. */
function isMessage(value: unknown): value is JSONRPCRequest | JSONRPCNotification | JSONRPCResponse {
  if (typeof value !== "object" || value === null) return false;
  const { jsonrpc, id, method, params, result, error } = value as Record<string, unknown>;
  if (jsonrpc !== "2.0" || !(id === undefined || typeof id === "string" || Number.isInteger(id))) return false;
  if (method === undefined) return id !== undefined && (isObject(result) || isObject(error));
  return typeof method === "string" && (params === undefined || isObject(params));
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function refusal(status: number, code: number, message: string): BodyRefusal {
  return { status, code, message };
}
