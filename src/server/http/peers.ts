/** Owns the look at who is at the other end of each connection: begun when it comes, and waited for where it matters. */
import type { Socket } from "node:net";
import type { PeerCheck } from "../../app/peers.ts";

export interface Peers {
  /** Begins to look, as soon as possible: whoever has gone away again cannot be told any more. */
  look(socket: Socket): void;
  /** @returns why the connection is not served, as a sentence; null when it is */
  refusalOf(socket: Socket): Promise<string | null>;
}

/**
 * @param check - null where every connection is served
 * @param onRefusal - told once of each connection on which something was asked in vain
 */
export function createPeers(check: PeerCheck | null, onRefusal: (sentence: string) => void): Peers {
  const looks = new WeakMap<Socket, Promise<string | null>>();
  const told = new WeakSet<Socket>();
  if (check === null) return { look() {}, refusalOf: async () => null };
  const look = (socket: Socket): Promise<string | null> => {
    const looking = looks.get(socket) ?? check(endsOf(socket));
    looks.set(socket, looking);
    return looking;
  };
  return {
    look: (socket) => void look(socket),
    async refusalOf(socket) {
      const sentence = await look(socket);
      if (sentence === null || told.has(socket)) return sentence;
      told.add(socket);
      onRefusal(sentence);
      return sentence;
    },
  };
}

function endsOf({ localAddress, localPort, remoteAddress, remotePort }: Socket): Parameters<PeerCheck>[0] {
  return {
    localAddress: localAddress ?? "",
    localPort: localPort ?? 0,
    remoteAddress: remoteAddress ?? "",
    remotePort: remotePort ?? 0,
  };
}
