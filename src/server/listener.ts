/** Owns the HTTP entrance: who may come in, the paths, and what each request gets. */
import { createServer, type Server as HttpServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Server as HttpsServer } from "node:https";
import type { Socket } from "node:net";
import type { Server } from "@modelcontextprotocol/sdk/server/index.js";
import type { PeerCheck } from "../app/peers.ts";
import { requireEverybody } from "../auth/scope.ts";
import type { RenewedTls } from "../auth/tls-files.ts";
import { rpcCodes } from "./http/body.ts";
import { addressOf, bearerOf, isAccepted, isTrusted } from "./http/caller.ts";
import { type ConnectionLimits, type Connections, createConnections } from "./http/connections.ts";
import { createLimit } from "./http/limits.ts";
import { createPeers, type Peers } from "./http/peers.ts";
import { sendError, sendJson, sendNotAllowed, sendTooMany, tooManyRefusals } from "./http/respond.ts";
import { createIdentify, createSocketConnections } from "./http/socket-connections.ts";
import { targetOf } from "./http/target.ts";
import { type HttpTimeouts, serverOptions, usualTimeouts } from "./http/timeouts.ts";
import { createSecureServer } from "./http/tls.ts";
import { createRefusal, isEndless } from "./http/unreadable.ts";
import { openExchange } from "./mcp/exchange.ts";
import { createSessions, type StreamOptions } from "./mcp/mcp-sessions.ts";
import { type Authenticate, handleMcp, type McpPath } from "./mcp/path.ts";
import type { ServedTool } from "./mcp/schema.ts";
import { health } from "./mcp/tools.ts";
import { apiPrefix, handleApi } from "./web/api.ts";
import type { EnrolmentEntrance } from "./web/enrolment.ts";
import type { EventsEntrance } from "./web/events.ts";
import type { ImportEntrance } from "./web/import.ts";
import type { LiveStreams } from "./web/live.ts";
import type { LoginEntrance } from "./web/login.ts";

/** How much a server takes; 0 turns a limit off. */
export interface HttpLimits extends ConnectionLimits {
  /** Requests to `/mcp` of one address in a second. */
  readonly callsPerSecond: number;
  /** Refused tokens of one address in a minute; an accepted token is served beyond it too. */
  readonly refusalsPerMinute: number;
  /** MCP sessions at once. */
  readonly sessions: number;
  /** How long an MCP session lives without a request, in milliseconds. */
  readonly sessionIdleMs: number;
}

/** What `GET /metrics` answers. */
export interface MetricsPage {
  readonly contentType: string;
  text(): Promise<string>;
}

/** What is asked under `/v1`. */
export interface HttpApi {
  readonly tools: ReadonlyMap<string, ServedTool>;
  readonly live: LiveStreams;
  /** For connections over a Unix socket alone; null where nobody can log in. */
  readonly login: LoginEntrance | null;
  /** The same. */
  readonly import: ImportEntrance | null;
  /** Null where no host is enrolled. */
  readonly events: EventsEntrance | null;
  /** The same. */
  readonly enrolment: EnrolmentEntrance | null;
}

export interface HttpOptions {
  /**
   * Makes an MCP server: one for all clients without a session, and one for each session.
   *
   * @param onRefusal - to be told of each call that the gate refused, and where it came from
   */
  readonly createServer: (onRefusal: (address: string) => void) => Server;
  readonly version: string;
  /** Names a `Host` or `Origin` header may hold; null allows every name. */
  readonly allowedHosts: ReadonlySet<string> | null;
  readonly limits: HttpLimits;
  /** 10, 30 and 65 seconds by default, looked at every second. */
  readonly timeouts?: HttpTimeouts;
  /** What is shown over TCP; plain HTTP by default. */
  readonly tls?: RenewedTls | null;
  readonly authenticate: Authenticate;
  /** Who of this machine is served where no call needs a token; null for everybody, the default. */
  readonly checkPeer?: PeerCheck | null;
  /** Told once of each connection that is not served, with the sentence that it gets. */
  readonly onForeignPeer?: (sentence: string) => void;
  readonly metrics: MetricsPage;
  /** None by default. */
  readonly api?: HttpApi;
  /** Whether `/metrics` is for everyone, also where calls need a token. */
  readonly areMetricsOpen: boolean;
  readonly streamOptions?: () => StreamOptions;
  /** Gets what went wrong where the client only learns that something did. */
  readonly onFailure: (error: unknown) => void;
}

/** A listener and what to do with its MCP part. */
export interface HttpEntrance {
  /** For TCP. Nothing listens yet. */
  readonly server: HttpServer | HttpsServer;
  /** For a Unix socket: those who come by it may log in. Nothing listens yet. */
  readonly socketServer: HttpServer;
  /** Ends the sessions and their streams; calls that are under way are answered. */
  close(): Promise<void>;
}

interface Entrance extends Omit<HttpOptions, "authenticate">, McpPath {
  readonly peers: Peers;
  readonly isUnixSocket: boolean;
  /** Finds out whom a request is counted for. */
  readonly identify: (request: IncomingMessage) => Promise<void>;
}

const mcpPath = "/mcp";

/** Makes the listener. */
export async function createHttpEntrance(options: HttpOptions): Promise<HttpEntrance> {
  const { limits, streamOptions } = options;
  const refusals = createLimit(limits.refusalsPerMinute, 60);
  const peers = createPeers(options.checkPeer ?? null, options.onForeignPeer ?? (() => {}));
  const createMcp = () => options.createServer((address) => void refusals.take(address));
  const sessions = createSessions({
    createServer: createMcp,
    limit: limits.sessions,
    idleMs: limits.sessionIdleMs,
    ...(streamOptions === undefined ? {} : { streamOptions }),
  });
  const entrance: Omit<Entrance, "isUnixSocket" | "identify"> = {
    ...options,
    sessions,
    exchange: await openExchange(createMcp()),
    calls: createLimit(limits.callsPerSecond, 1),
    peers,
    refusals,
  };
  const timeouts = options.timeouts ?? usualTimeouts;
  const bySocket = createSocketConnections(limits.connections);
  const identify = createIdentify(bySocket, options.authenticate);
  const tcp = { ...entrance, isUnixSocket: false, identify: async () => {} };
  return {
    server: listenTo(
      options.tls ? createSecureServer(options.tls, limits, serverOptions(timeouts)) : plainServer(timeouts),
      tcp,
      createConnections(limits),
    ),
    socketServer: listenTo(plainServer(timeouts), { ...entrance, isUnixSocket: true, identify }, bySocket),
    async close() {
      options.api?.live.close();
      await sessions.close();
    },
  };
}

function plainServer(timeouts: HttpTimeouts): HttpServer {
  return createServer(serverOptions(timeouts));
}

function listenTo<Listener extends HttpServer | HttpsServer>(
  server: Listener,
  entrance: Entrance,
  connections: Connections,
): Listener {
  const listener: HttpServer | HttpsServer = server;
  listener.on("request", (request: IncomingMessage, response: ServerResponse) => {
    connections.follow(request, response);
    handle(request, response, entrance).catch((error) => {
      entrance.onFailure(error);
      if (!response.headersSent) sendError(response, 500, rpcCodes.serverError, "Internal error");
      else response.destroy();
    });
  });
  // Whoever closes its own side behind a call is answered before the other side is closed too.
  Object.assign(server, { httpAllowHalfOpen: true });
  // Over TLS, what is before the handshake is no connection yet.
  listener.on("setSecureContext" in server ? "secureConnection" : "connection", (socket: Socket) => {
    if (!connections.admit(socket)) return void socket.destroy();
    entrance.peers.look(socket);
    // Nobody listens any more to a stream that has no end.
    socket.once("end", () => connections.underWay(socket).some(isEndless) && socket.destroy());
  });
  listener.on("clientError", createRefusal(connections));
  return server;
}

async function handle(request: IncomingMessage, response: ServerResponse, entrance: Entrance): Promise<void> {
  await entrance.identify(request);
  // A page in a browser may reach a loopback address under a name of its own (DNS rebinding, CVE-2025-66414).
  const { authorities, path, query } = targetOf(request);
  if (!isTrusted(authorities, request.headers.origin, entrance.allowedHosts)) {
    return sendError(response, 403, rpcCodes.serverError, "Host or Origin is not allowed");
  }
  if (path === mcpPath) return handleMcp(request, response, query, entrance);
  if (path.startsWith(apiPrefix) && entrance.api !== undefined) {
    const { api, isUnixSocket } = entrance;
    return handleApi(
      request,
      response,
      { path, query },
      { ...entrance, ...api, ...(isUnixSocket ? {} : { login: null, import: null }) },
    );
  }
  if (path === "/health")
    return handleReading(request, response, () => sendJson(response, 200, health(entrance.version)));
  if (path === "/healthz") return handleReading(request, response, () => sendJson(response, 200, { status: "ok" }));
  if (path === "/metrics") return handleReading(request, response, () => sendMetrics(request, response, entrance));
  sendJson(response, 404, { error: "Not found; MCP is at /mcp" });
}

async function handleReading(
  request: IncomingMessage,
  response: ServerResponse,
  read: () => void | Promise<void>,
): Promise<void> {
  if (request.method === "GET" || request.method === "HEAD") return read();
  sendNotAllowed(response, "GET, HEAD");
}

async function sendMetrics(request: IncomingMessage, response: ServerResponse, entrance: Entrance): Promise<void> {
  const { authenticate, areMetricsOpen, metrics, peers } = entrance;
  const foreign = areMetricsOpen ? null : await peers.refusalOf(request.socket);
  if (foreign !== null) return sendError(response, 403, rpcCodes.serverError, foreign);
  // The numbers are those of everybody.
  const mayRead = async (token: unknown) => requireEverybody((await authenticate?.(token)) ?? null);
  if (authenticate !== null && !areMetricsOpen && !(await isAccepted(bearerOf(request), mayRead))) {
    const waitSeconds = await entrance.refusals.take(addressOf(request));
    if (waitSeconds !== null) return sendTooMany(response, waitSeconds, tooManyRefusals);
    response.setHeader("WWW-Authenticate", 'Bearer realm="session-buddy"');
    return sendJson(response, 401, { error: "A token is needed: Authorization: Bearer TOKEN" });
  }
  const text = await metrics.text();
  response.writeHead(200, { "Content-Type": metrics.contentType, "Content-Length": Buffer.byteLength(text) });
  response.end(text);
}
