/** Owns how long a connection may take, and what Node.js is told of it. */
import type { ServerOptions } from "node:http";

/** How long a connection may take, in milliseconds, each from its beginning. */
export interface HttpTimeouts {
  /** For the headers of a request. */
  readonly headersMs: number;
  /** For a whole request. */
  readonly requestMs: number;
  /** Between an answer and the next request. */
  readonly idleMs: number;
  /** How often connections are looked at for the first two. */
  readonly checkMs: number;
}

export const usualTimeouts: HttpTimeouts = { headersMs: 10_000, requestMs: 30_000, idleMs: 65_000, checkMs: 1_000 };
const largestHeaderBytes = 16 * 1024;

/** @returns what every server of ours is made with */
export function serverOptions({ headersMs, requestMs, idleMs, checkMs }: HttpTimeouts): ServerOptions {
  return {
    maxHeaderSize: largestHeaderBytes,
    headersTimeout: headersMs,
    requestTimeout: requestMs,
    keepAliveTimeout: idleMs,
    connectionsCheckingInterval: checkMs,
    // Of two headers Authorization, Node.js would drop the second in silence.
    joinDuplicateHeaders: true,
  };
}
