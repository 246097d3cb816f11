/** Owns what `/mcp` does with a request: limits, sessions, and the exchange with the MCP server. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AuthInfo } from "@modelcontextprotocol/sdk/server/auth/types.js";
import type { JSONRPCMessage } from "@modelcontextprotocol/sdk/types.js";
import type { Gate } from "../../auth/gate.ts";
import { isObject } from "../../tracker/canonical.ts";
import { isRefusal, isRequest, readMessage, rpcCodes } from "../http/body.ts";
import { addressOf, callerOf, isAccepted, unfitHeader, withToken } from "../http/caller.ts";
import type { Limit } from "../http/limits.ts";
import type { Peers } from "../http/peers.ts";
import { sendError, sendJson, sendNotAllowed, sendTooMany, tooManyRefusals } from "../http/respond.ts";
import type { Exchange } from "./exchange.ts";
import type { Sessions } from "./mcp-sessions.ts";

/** The gate; null where no call needs a token. */
export type Authenticate = Gate | null;

/** The one tool that asks nobody for a token. */
const openTool = "health_check";

/** What stands behind `/mcp`. */
export interface McpPath {
  readonly exchange: Exchange;
  readonly sessions: Sessions;
  readonly authenticate: Authenticate;
  /** Who of this machine is served. */
  readonly peers: Pick<Peers, "refusalOf">;
  /** Requests, and refused tokens, of each address. */
  readonly calls: Limit;
  readonly refusals: Limit;
}

const sessionHeader = "mcp-session-id";
/** The code that the SDK's transport has for it. */
const sessionNotFound = -32001;

export async function handleMcp(
  request: IncomingMessage,
  response: ServerResponse,
  query: string,
  path: McpPath,
): Promise<void> {
  const waitSeconds = await path.calls.take(addressOf(request));
  if (waitSeconds !== null) return sendTooMany(response, waitSeconds, "Too many calls");
  // The SDK hands it to the handlers of requests.
  const caller = callerOf(request);
  Object.assign(request, { auth: caller });
  const sessionId = request.headers[sessionHeader];
  if (request.method !== "POST") {
    if (sessionId === undefined) return sendNotAllowed(response, "POST");
    const foreign = await path.peers.refusalOf(request.socket);
    if (foreign !== null) return sendError(response, 403, rpcCodes.serverError, foreign);
    if (await path.sessions.continue(String(sessionId), request, response)) return;
    return sendError(response, 404, sessionNotFound, "Session not found");
  }
  await handlePost(request, response, { sessionId, query, caller }, path);
}

interface Post {
  readonly sessionId: string | string[] | undefined;
  readonly query: string;
  readonly caller: AuthInfo;
}

async function handlePost(request: IncomingMessage, response: ServerResponse, post: Post, path: McpPath) {
  const unfit = unfitHeader(request);
  if (unfit !== null) return sendError(response, unfit.status, rpcCodes.serverError, unfit.message);
  // Who closes its side behind the call is not to be waited for with the body unread, which would be lost.
  const message = await readMessage(request);
  if (message === null) return;
  const foreign = await path.peers.refusalOf(request.socket);
  if (foreign !== null) return sendError(response, 403, rpcCodes.serverError, foreign);
  if (isRefusal(message)) {
    if (message.status === 413) response.setHeader("Connection", "close");
    return sendError(response, message.status, message.code, message.message);
  }
  const { sessionId, query, caller } = post;
  const over = await refusedTooOften(message, caller, path);
  if (over !== null) return sendTooMany(response, over, tooManyRefusals);
  if (sessionId !== undefined) {
    if (await path.sessions.continue(String(sessionId), request, response, message)) return;
    return sendError(response, 404, sessionNotFound, "Session not found");
  }
  if (!isRequest(message)) {
    // Nobody waits for an answer, and no request that is under way is theirs.
    response.writeHead(202);
    response.end();
    return;
  }
  if (message.method === "initialize" && asksForSession(query)) {
    return openSession(request, response, message, caller, path);
  }
  sendJson(response, 200, await path.exchange(message, caller));
}

/** On a server with a secret, a session is for those who have shown a token: else strangers could take all there may be. */
async function openSession(
  request: IncomingMessage,
  response: ServerResponse,
  message: JSONRPCMessage,
  caller: AuthInfo,
  { authenticate, sessions, refusals }: McpPath,
): Promise<void> {
  if (authenticate !== null && !(await isAccepted(caller.token, authenticate))) {
    const waitSeconds = await refusals.take(caller.clientId);
    if (waitSeconds !== null) return sendTooMany(response, waitSeconds, tooManyRefusals);
    // A 401 would make clients look for an authorization server, and there is none.
    return sendError(response, 400, rpcCodes.serverError, "A session needs the header Authorization: Bearer TOKEN");
  }
  if (await sessions.open(request, response, message)) return;
  response.setHeader("Retry-After", "60");
  sendError(response, 503, rpcCodes.serverError, "No more sessions are allowed; call without one");
}

function asksForSession(query: string): boolean {
  return new URLSearchParams(query).get("session") === "true";
}

/** Whoever holds a good token is served, however often others behind the same address are refused. */
async function refusedTooOften(message: JSONRPCMessage, caller: AuthInfo, path: McpPath): Promise<number | null> {
  if (path.authenticate === null) return null;
  const gated = gatedPart(message);
  if (gated === null) return null;
  const waitSeconds = await path.refusals.look(caller.clientId);
  if (waitSeconds === null || (await isAccepted(withToken(gated, caller).token, path.authenticate))) return null;
  return waitSeconds;
}

/** @returns the part of a request in which it brings its token; null when the request does not go through the gate */
function gatedPart(message: JSONRPCMessage): Readonly<Record<string, unknown>> | null {
  if (!("method" in message)) return null;
  const { name, arguments: args, _meta: meta } = message.params ?? {};
  if (message.method === "tools/call") return name === openTool ? null : objectOf(args);
  return message.method === "resources/read" ? objectOf(meta) : null;
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return isObject(value) ? value : {};
}
