/** Owns what a server knows of its connections: whose they are, what is under way on each, and which goes when all are taken. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { network } from "./limits.ts";

/** How many there may be at once; 0 is any number. */
export interface ConnectionLimits {
  readonly connections: number;
  /** Of one address. */
  readonly connectionsPerAddress: number;
}

export interface Connections {
  /**
   * Counts a new connection. Where there would be too many, the one that has been idle for longest is closed: of the same
   * address when that has too many, else of any.
   *
   * @returns false when there is no room because none is idle
   */
  admit(socket: Socket): boolean;
  /** Follows an answer to its end. */
  follow(request: IncomingMessage, response: ServerResponse): void;
  /** @returns what is under way on the connection, in the order in which it was asked */
  underWay(socket: Socket): readonly Exchange[];
}

export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/** What is under way on one connection. */
export interface Activity {
  readonly exchanges: Set<Exchange>;
  /** Since when nothing is, in milliseconds of the monotonic clock. */
  idleSinceMs: number;
}

interface Connection extends Activity {
  readonly address: string;
}

export function noActivity(): Activity {
  return { exchanges: new Set(), idleSinceMs: performance.now() };
}

/** Follows what is asked and answered on the connections of a map. */
export function followed(all: ReadonlyMap<Socket, Activity>): Pick<Connections, "follow" | "underWay"> {
  return {
    follow(request, response) {
      const connection = all.get(request.socket);
      if (connection === undefined) return;
      const exchange = { request, response };
      connection.exchanges.add(exchange);
      response.once("close", () => {
        connection.exchanges.delete(exchange);
        connection.idleSinceMs = performance.now();
      });
    },
    underWay: (socket) => [...(all.get(socket)?.exchanges ?? [])],
  };
}

/** @returns the connection on which nothing is under way for longest; undefined where something is on each */
export function idlestOf(connections: Iterable<readonly [Socket, Activity]>): Socket | undefined {
  let idlest: readonly [Socket, Activity] | undefined;
  for (const one of connections) {
    const { exchanges, idleSinceMs } = one[1];
    if (exchanges.size === 0 && (idlest === undefined || idleSinceMs < idlest[1].idleSinceMs)) idlest = one;
  }
  return idlest?.[0];
}

/** With a way to count a connection no longer while it goes on. */
export interface ReleasedConnections extends Connections {
  release(socket: Socket): void;
}

export function createConnections({ connections: most, connectionsPerAddress }: ConnectionLimits): ReleasedConnections {
  const all = new Map<Socket, Connection>();
  const counts = new Map<string, number>();

  const leave = (socket: Socket) => {
    const address = all.get(socket)?.address;
    if (address === undefined || !all.delete(socket)) return;
    const left = (counts.get(address) ?? 1) - 1;
    if (left === 0) counts.delete(address);
    else counts.set(address, left);
  };
  const closeIdlest = (isMeant: (connection: Connection) => boolean): boolean => {
    const idlest = idlestOf([...all].filter(([, connection]) => isMeant(connection)));
    if (idlest === undefined) return false;
    leave(idlest);
    idlest.destroy();
    return true;
  };
  const hasRoom = (address: string): boolean => {
    const isFull = (count: number, limit: number) => limit > 0 && count >= limit;
    if (isFull(counts.get(address) ?? 0, connectionsPerAddress)) {
      return closeIdlest((connection) => connection.address === address);
    }
    return !isFull(all.size, most) || closeIdlest(() => true);
  };

  return {
    admit(socket) {
      const address = network(socket.remoteAddress ?? "");
      if (!hasRoom(address)) return false;
      all.set(socket, { address, ...noActivity() });
      counts.set(address, (counts.get(address) ?? 0) + 1);
      socket.once("close", () => leave(socket));
      return true;
    },
    release: leave,
    ...followed(all),
  };
}
