/** Owns the HTTP entrance: routes, limits, and one MCP exchange a request. For `server/` alone. */
import { createServer, type Server as HttpServer, type IncomingMessage, type ServerResponse } from "node:http";
import { isIP } from "node:net";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import { createMcpServer, type Service } from "./mcp.ts";
import { health } from "./tools.ts";

export interface HttpOptions {
  readonly service: Service;
  /** Names a `Host` or `Origin` header may hold; null allows every name. */
  readonly allowedHosts: ReadonlySet<string> | null;
}

const largestBodyBytes = 256 * 1024;
/** So much of a body that is too large is read and dropped, because many clients read no answer before they have sent all. */
const largestDroppedBytes = 16 * 1024 * 1024;
const mcpPath = "/mcp";
const jsonRpcParseError = -32700;
const jsonRpcInvalidRequest = -32600;
const serverError = -32000;

/** Makes the listener; nothing listens yet. */
export function createHttpServer(options: HttpOptions): HttpServer {
  return createServer((request, response) => {
    handle(request, response, options).catch(() => {
      if (!response.headersSent) sendJson(response, 500, rpcError(serverError, "Internal error"));
      else response.destroy();
    });
  });
}

async function handle(request: IncomingMessage, response: ServerResponse, options: HttpOptions): Promise<void> {
  // A page in a browser may reach a loopback address under a name of its own (DNS rebinding).
  if (!isTrusted(request, options.allowedHosts)) {
    return sendJson(response, 403, rpcError(serverError, "Host or Origin is not allowed"));
  }
  const path = (request.url ?? "").split("?", 1)[0];
  if (path === mcpPath) return handleMcp(request, response, options);
  if (path === "/health" || path === "/healthz") return handleHealth(request, response, path, options.service.version);
  sendJson(response, 404, { error: "Not found; MCP is at /mcp" });
}

function handleHealth(request: IncomingMessage, response: ServerResponse, path: string, version: string): void {
  if (request.method === "GET" || request.method === "HEAD") {
    sendJson(response, 200, path === "/health" ? health(version) : { status: "ok" });
  } else sendNotAllowed(response, "GET, HEAD");
}

/** One exchange has its own transport, so that clients with equal request ids never get each other's answers. */
async function handleMcp(request: IncomingMessage, response: ServerResponse, options: HttpOptions): Promise<void> {
  if (request.method !== "POST") return sendNotAllowed(response, "POST");
  const body = await readBody(request);
  if (body === null) {
    response.setHeader("Connection", "close");
    return sendJson(response, 413, rpcError(serverError, `The body is larger than ${largestBodyBytes} bytes`));
  }
  const message = parseJson(body);
  if (message === undefined)
    return sendJson(response, 400, rpcError(jsonRpcParseError, "Parse error: the body is not JSON"));
  if (Array.isArray(message)) {
    return sendJson(
      response,
      400,
      rpcError(jsonRpcInvalidRequest, "Batches are not served; send one message a request"),
    );
  }
  const server = createMcpServer(options.service);
  const transport = new StreamableHTTPServerTransport({ enableJsonResponse: true });
  response.on("close", () => void server.close());
  // The SDK's class and its own interface disagree about undefined under exactOptionalPropertyTypes.
  await server.connect(transport as Transport);
  await transport.handleRequest(request, response, message);
}

/** @returns null when the body is over the limit */
async function readBody(request: IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    length += (chunk as Buffer).length;
    if (length > largestDroppedBytes) return null;
    if (length <= largestBodyBytes) chunks.push(chunk as Buffer);
  }
  if (length > largestBodyBytes) return null;
  return Buffer.concat(chunks).toString("utf8");
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isTrusted(request: IncomingMessage, allowedHosts: ReadonlySet<string> | null): boolean {
  if (allowedHosts === null) return true;
  const { host, origin } = request.headers;
  if (host === undefined || !allowedHosts.has(hostnameOf(`http://${host}`))) return false;
  return origin === undefined || allowedHosts.has(hostnameOf(origin));
}

/** @returns the host name of a URL in lower case, IPv6 in brackets; empty when there is none. */
function hostnameOf(url: string): string {
  return URL.canParse(url) ? new URL(url).hostname : "";
}

/** Names under which a server on `address` is reached; null for an address that is not loopback. */
export function hostsFor(address: string): ReadonlySet<string> | null {
  if (!isLoopback(address)) return null;
  return new Set(["localhost", "127.0.0.1", "[::1]", isIP(address) === 6 ? `[${address}]` : address]);
}

export function isLoopback(address: string): boolean {
  return address === "localhost" || address === "::1" || (isIP(address) === 4 && address.startsWith("127."));
}

function sendNotAllowed(response: ServerResponse, allowed: string): void {
  response.setHeader("Allow", allowed);
  sendJson(response, 405, rpcError(serverError, `Method not allowed; this path serves ${allowed}`));
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body);
  response.writeHead(status, { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(text) });
  response.end(text);
}

function rpcError(code: number, message: string) {
  return { jsonrpc: "2.0", id: null, error: { code, message } };
}
