/**
 * Owns what a server knows of the connections to its Unix socket: whose they are, once they have shown a token, and which one
 * goes when all are taken. Node.js does not tell who is at the other end (SO_PEERCRED, unix(7)), so that those who have shown
 * none are counted as one user.
 */
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Gate } from "../../auth/gate.ts";
import { bearerOf, countFor } from "./caller.ts";
import { type Activity, type Connections, followed, idlestOf, noActivity } from "./connections.ts";

export interface SocketConnections extends Connections {
  /** Takes note of the user whose token a connection has shown. */
  belongsTo(socket: Socket, user: string): void;
  /** @returns what the connection's calls are counted for: its user, else itself alone */
  payerOf(request: IncomingMessage): string;
}

interface Connection extends Activity {
  readonly number: number;
  user: string;
}

/** Of those who have shown no token. */
const strangers = "";

/** @param most - connections at once; 0 for any number */
export function createSocketConnections(most: number): SocketConnections {
  const all = new Map<Socket, Connection>();
  /** Each user's, in the order in which they came. */
  const groups = new Map<string, Set<Socket>>();
  let count = 0;

  const put = (socket: Socket, connection: Connection, user: string) => {
    connection.user = user;
    const group = groups.get(user) ?? new Set();
    groups.set(user, group.add(socket));
  };
  const take = (socket: Socket) => {
    const connection = all.get(socket);
    if (connection === undefined) return;
    const group = groups.get(connection.user);
    group?.delete(socket);
    if (group?.size === 0) groups.delete(connection.user);
  };
  /** Of whoever has the most, so that nobody can take the place of one who has fewer. */
  const closeOne = () => {
    let largest: [user: string, group: ReadonlySet<Socket>] = [strangers, new Set()];
    for (const one of groups) if (one[1].size > largest[1].size) largest = one;
    const [user, group] = largest;
    const [first] = group;
    // Among strangers the one that is idle may be the one that has just come to log in.
    const last = user === strangers ? first : (idlestOf([...all].filter(([socket]) => group.has(socket))) ?? first);
    if (last === undefined) return;
    take(last);
    all.delete(last);
    last.destroy();
  };

  return {
    admit(socket) {
      if (most > 0 && all.size >= most) closeOne();
      count += 1;
      const connection = { number: count, user: strangers, ...noActivity() };
      all.set(socket, connection);
      put(socket, connection, strangers);
      socket.once("close", () => {
        take(socket);
        all.delete(socket);
      });
      return true;
    },
    ...followed(all),
    belongsTo(socket, user) {
      const connection = all.get(socket);
      if (connection === undefined || connection.user === user) return;
      take(socket);
      put(socket, connection, user);
    },
    payerOf({ socket }) {
      const { user = strangers, number = 0 } = all.get(socket) ?? {};
      return user === strangers ? `connection ${number}` : `user ${user}`;
    },
  };
}

/**
 * Makes what finds out whom a request is counted for. One connection's tokens are the same one again and again, which is
 * looked at once.
 */
export function createIdentify(
  connections: SocketConnections,
  authenticate: Gate | null,
): (request: IncomingMessage) => Promise<void> {
  const shown = new WeakMap<Socket, string>();
  return async (request) => {
    const { socket } = request;
    const token = bearerOf(request);
    if (authenticate !== null && token !== "" && shown.get(socket) !== token) {
      shown.set(socket, token);
      const caller = await authenticate(token).catch(() => null);
      if (caller !== null) connections.belongsTo(socket, caller.userId);
    }
    countFor(request, connections.payerOf(request));
  };
}
