/** Owns the server that speaks HTTP over TLS: what it shows, and how many connections may be before their handshake is done. */
import type { ServerOptions } from "node:http";
import { createServer, type Server } from "node:https";
import type { Socket } from "node:net";
import type { RenewedTls, TlsMaterial } from "../../auth/tls-files.ts";
import { type Log, logFailure } from "../../log.ts";
import { type ConnectionLimits, createConnections } from "./connections.ts";

const handshakeMs = 10_000;

/** Nothing listens yet. */
export function createSecureServer(
  shown: Pick<RenewedTls, "current" | "onChange">,
  limits: ConnectionLimits,
  options: ServerOptions,
): Server {
  const server = createServer({
    ...options,
    ...contextOf(shown.current()),
    handshakeTimeout: handshakeMs,
    ALPNProtocols: ["http/1.1"],
  });
  shown.onChange((material) => server.setSecureContext(contextOf(material)));
  limitHandshakes(server, limits);
  return server;
}

function contextOf({ certificate, key }: TlsMaterial) {
  return { cert: certificate, key, minVersion: "TLSv1.2" as const };
}

/**
 * Connections whose handshake is not done are counted by themselves: those of one who never goes on with it must take the
 * place of no other.
 */
function limitHandshakes(server: Server, limits: ConnectionLimits): void {
  const handshakes = createConnections(limits);
  const raw = new Map<string, Socket>();
  server.on("connection", (socket: Socket) => {
    if (!handshakes.admit(socket)) return void socket.destroy();
    const ends = endsOf(socket);
    raw.set(ends, socket);
    socket.once("close", () => raw.get(ends) === socket && raw.delete(ends));
  });
  server.on("secureConnection", (socket) => {
    const ends = endsOf(socket);
    const under = raw.get(ends);
    if (under === undefined) return;
    raw.delete(ends);
    handshakes.release(under);
  });
}

/** The socket over TLS does not tell which one it lies over, but has the same ends. */
function endsOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): string {
  return [remoteAddress, remotePort, localAddress, localPort].join(" ");
}

/** Looks whether the files were renewed. What cannot be used is logged, and what was shown before is shown on. Never throws. */
export function refreshTls(tls: RenewedTls, log: Log, isForced: boolean): void {
  try {
    if (tls.refresh(isForced)) log.info("Certificate renewed", { until: tls.current().expiresAt.toISOString() });
  } catch (error) {
    logFailure(log, "Certificate not renewed", error);
  }
}
