/** Owns the MCP sessions of clients that ask for one: how many, how long, and which request belongs to which. */
import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Server } from "@modelcontextprotocol/sdk/server/index.js";
import {
  StreamableHTTPServerTransport,
  type StreamableHTTPServerTransportOptions,
} from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import type { JSONRPCMessage, RequestId } from "@modelcontextprotocol/sdk/types.js";
import { isRequest, rpcCodes } from "../http/body.ts";
import { sendError } from "../http/respond.ts";

/** What a session may need that this server does not, as a place for events that a client can ask for again. */
export type StreamOptions = Pick<StreamableHTTPServerTransportOptions, "eventStore" | "retryInterval">;

export interface SessionOptions {
  /** Makes the server of one session. */
  readonly createServer: () => Server;
  /** How many may be open at once, 0 or more. */
  readonly limit: number;
  /** How long a session lives without a request or an open stream, in milliseconds. */
  readonly idleMs: number;
  /** Called for each session; nothing by default. */
  readonly streamOptions?: () => StreamOptions;
}

export interface Sessions {
  /** How many are open. */
  readonly count: number;
  /**
   * Serves a request that opens a session.
   *
   * @returns false when there are as many as there may be
   */
  open(request: IncomingMessage, response: ServerResponse, message: JSONRPCMessage): Promise<boolean>;
  /**
   * Serves a request that belongs to a session.
   *
   * @param message - the body of a POST
   * @returns false when there is no such session, or no longer
   */
  continue(id: string, request: IncomingMessage, response: ServerResponse, message?: JSONRPCMessage): Promise<boolean>;
  /** Ends all sessions, their streams too. */
  close(): Promise<void>;
}

interface Session {
  readonly transport: StreamableHTTPServerTransport;
  /** Requests and streams that are not answered to their end. */
  openResponses: number;
  /** Ids of the requests among them. */
  readonly running: Set<RequestId>;
  /** When the last one ended, in milliseconds of the monotonic clock. */
  idleSinceMs: number;
}

/** How often idle sessions are looked for; a timer takes no more than 2^31 milliseconds. */
const shortestSweepMs = 10;
const longestSweepMs = 60_000;

export function createSessions(options: SessionOptions): Sessions {
  const sessions = new Map<string, Session>();
  const sweepMs = Math.min(longestSweepMs, Math.max(shortestSweepMs, options.idleMs / 4));
  const sweep = setInterval(() => endIdle(sessions, options.idleMs), sweepMs);
  sweep.unref();

  return {
    get count() {
      return sessions.size;
    },
    async open(request, response, message) {
      if (sessions.size >= options.limit) return false;
      const id = randomUUID();
      const transport = new StreamableHTTPServerTransport({
        ...options.streamOptions?.(),
        sessionIdGenerator: () => id,
      });
      const session: Session = { transport, openResponses: 0, running: new Set(), idleSinceMs: performance.now() };
      // Taken before anything is waited for, so that requests at once cannot be more than the limit.
      sessions.set(id, session);
      transport.onclose = () => void sessions.delete(id);
      try {
        // The SDK's class and its own interface disagree about undefined under exactOptionalPropertyTypes.
        await options.createServer().connect(transport as Transport);
        await serve(session, request, response, message);
      } finally {
        // What the transport refused, or did not get, has opened nothing.
        if (transport.sessionId === undefined) await transport.close();
      }
      return true;
    },
    async continue(id, request, response, message) {
      const session = sessions.get(id);
      if (session === undefined) return false;
      await serve(session, request, response, message);
      return true;
    },
    async close() {
      clearInterval(sweep);
      await Promise.all([...sessions.values()].map(({ transport }) => transport.close()));
    },
  };
}

/** Serves one request of a session; a stream that it opens counts as long as it is open. */
async function serve(
  session: Session,
  request: IncomingMessage,
  response: ServerResponse,
  message?: JSONRPCMessage,
): Promise<void> {
  const { transport, running } = session;
  session.idleSinceMs = performance.now();
  // Whoever has gone away already is not heard of again.
  if (response.destroyed) return;
  const id = message !== undefined && isRequest(message) ? message.id : null;
  // The SDK would answer one of two requests with the same id, and leave the other without an end.
  if (id !== null && running.has(id)) {
    return sendError(response, 400, rpcCodes.invalidRequest, "A request with this id is in progress");
  }
  if (id !== null) running.add(id);
  session.openResponses += 1;
  response.once("close", () => {
    if (id !== null) running.delete(id);
    session.openResponses -= 1;
    session.idleSinceMs = performance.now();
  });
  await transport.handleRequest(request, response, message);
  // A request that is cancelled gets no answer, and the SDK would leave its stream open.
  const cancelled = message === undefined ? null : cancelledIn(message);
  if (cancelled !== null) transport.closeSSEStream(cancelled);
}

/** @returns the id of the request that a notification takes back; null for any other message */
function cancelledIn(message: JSONRPCMessage): RequestId | null {
  if (!("method" in message) || "id" in message || message.method !== "notifications/cancelled") return null;
  const id = message.params?.requestId;
  return typeof id === "string" || typeof id === "number" ? id : null;
}

function endIdle(sessions: ReadonlyMap<string, Session>, idleMs: number): void {
  const nowMs = performance.now();
  for (const { transport, openResponses, idleSinceMs } of sessions.values()) {
    if (openResponses === 0 && nowMs - idleSinceMs > idleMs) void transport.close();
  }
}
