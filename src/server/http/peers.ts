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
 * @param onRefusal - told once of each connection that is not
 */
export function createPeers(check: PeerCheck | null, onRefusal: (sentence: string) => void): Peers {
  const looks = new WeakMap<Socket, Promise<string | null>>();
  if (check === null) return { look() {}, refusalOf: async () => null };
  const lookAt = async ({ localAddress, localPort, remoteAddress, remotePort }: Socket): Promise<string | null> => {
    const ends = {
      localAddress: localAddress ?? "",
      localPort: localPort ?? 0,
      remoteAddress: remoteAddress ?? "",
      remotePort: remotePort ?? 0,
    };
    const sentence = await check(ends);
    if (sentence !== null) onRefusal(sentence);
    return sentence;
  };
  const begin = (socket: Socket): Promise<string | null> => {
    const look = looks.get(socket) ?? lookAt(socket);
    looks.set(socket, look);
    return look;
  };
  return { look: (socket) => void begin(socket), refusalOf: begin };
}
