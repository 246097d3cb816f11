/** Owns what the headers of a request say: who asks, whether from a page that may, and in which form. */
import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";
import type { AuthInfo } from "@modelcontextprotocol/sdk/server/auth/types.js";
import { SUPPORTED_PROTOCOL_VERSIONS } from "@modelcontextprotocol/sdk/types.js";

/** Who asks, in the form in which the SDK carries it to the handlers: the address, and the token of the header. */
export function callerOf(request: IncomingMessage): AuthInfo {
  return { clientId: addressOf(request), token: bearerOf(request), scopes: [] };
}

interface Counted extends IncomingMessage {
  countedFor?: string;
}

/** Has a request that came by a Unix socket, where nobody has an address, counted for somebody. */
export function countFor(request: Counted, somebody: string): void {
  request.countedFor = somebody;
}

/** @returns what the limits of a request are counted for: an address, or who takes its place */
export function addressOf(request: Counted): string {
  return request.countedFor ?? request.socket.remoteAddress ?? "";
}

/**
 * RFC 6750, section 2.1; the scheme's name in any letter case. Two headers arrive as one with a comma in it, which is no
 * token. @returns an empty text when there is none
 */
export function bearerOf({ headers }: IncomingMessage): string {
  return /^bearer +(.*)$/i.exec(headers.authorization ?? "")?.[1] ?? "";
}

/** What a call brings, its token among it; the one of the header stands in where it brings none. */
export function withToken(
  args: Readonly<Record<string, unknown>>,
  caller: AuthInfo | undefined,
): Readonly<Record<string, unknown>> {
  const isGiven = args.token !== undefined && args.token !== null && args.token !== "";
  return isGiven || !caller?.token ? args : { ...args, token: caller.token };
}

const acceptsJson = /(?:^|,)\s*(?:application\/json|application\/\*|\*\/\*)\s*(?:[,;]|$)/i;

/** What the transport's specification asks of headers; the sentences say what to send. */
export function unfitHeader({
  headers,
}: IncomingMessage): { readonly status: number; readonly message: string } | null {
  const mediaType = headers["content-type"]?.split(";", 1)[0]?.trim().toLowerCase();
  if (mediaType !== "application/json") return { status: 415, message: "Content-Type must be application/json" };
  const encoding = headers["content-encoding"];
  if (encoding !== undefined && encoding.toLowerCase() !== "identity") {
    return { status: 415, message: "Content-Encoding is not supported; send the body unencoded" };
  }
  if (headers.accept !== undefined && !acceptsJson.test(headers.accept)) {
    return { status: 406, message: "Accept must allow application/json" };
  }
  const revision = headers["mcp-protocol-version"];
  if (revision === undefined || SUPPORTED_PROTOCOL_VERSIONS.includes(String(revision))) return null;
  const spoken = SUPPORTED_PROTOCOL_VERSIONS.join(", ");
  return { status: 400, message: `MCP-Protocol-Version is not supported; use one of ${spoken}` };
}

/** @param authorities - host and port that were asked for, wherever they are named; undefined where none is */
export function isTrusted(
  authorities: readonly (string | undefined)[],
  origin: string | undefined,
  allowedHosts: ReadonlySet<string> | null,
): boolean {
  if (allowedHosts === null) return true;
  if (!authorities.every((authority) => allowedHosts.has(hostnameOf(`http://${authority ?? ""}`)))) return false;
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

/** Whether the gate lets a token through. */
export async function isAccepted(token: unknown, authenticate: (token: unknown) => Promise<unknown>): Promise<boolean> {
  return authenticate(token).then(
    () => true,
    () => false,
  );
}
