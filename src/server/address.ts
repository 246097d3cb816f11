/** Owns listening on the address and port of the settings. */
import { once } from "node:events";
import type { Server } from "node:http";
import type { Server as SecureServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { Log } from "../log.ts";
import { SessionBuddyError } from "../tracker/errors.ts";

/** Where to listen, and what to do without. */
export interface AddressOptions {
  readonly host: string;
  /** 0 to 65535; 0 for any free one. */
  readonly port: number;
  readonly signal: AbortSignal;
  /** Whether the server is reached by a socket too. */
  readonly hasSocket: boolean;
  readonly log: Log;
}

/**
 * A service with a socket does without its address where that is taken: whoever takes the port must not keep it from
 * recording.
 *
 * @returns the URL that it listens on; null for none
 */
export async function listenOnAddress(
  server: Server | SecureServer,
  { host, port, signal, hasSocket, log }: AddressOptions,
): Promise<string | null> {
  try {
    server.listen(port, host);
    await once(server, "listening", { signal });
  } catch (error) {
    if (!hasSocket || (error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
    log.warning("Not served over TCP", { reason: listenError(error, host, port).message });
    return null;
  }
  const address = server.address() as AddressInfo;
  const shown = address.family === "IPv6" ? `[${address.address}]` : address.address;
  const scheme = "setSecureContext" in server ? "https" : "http";
  return `${scheme}://${shown}:${address.port}/mcp`;
}

/** @returns the failure to listen as a sentence that says what to do */
export function listenError(error: unknown, host: string, port: number): SessionBuddyError {
  const { code, message } = error as NodeJS.ErrnoException;
  const words: Readonly<Record<string, string>> = {
    EADDRINUSE: `port ${port} on ${host} is in use; stop the other server or choose another port with --port`,
    EACCES: `port ${port} needs privileges; choose one above 1023 with --port`,
    EADDRNOTAVAIL: `${host} is not an address of this machine`,
  };
  return new SessionBuddyError("network", words[code ?? ""] ?? `cannot listen on ${host}: ${message}`, {
    cause: error,
  });
}
