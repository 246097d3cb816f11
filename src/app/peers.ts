/** Owns which users of this machine a server without a secret is for: its own, and the administrator. */
import { type Ends, hasConnectionTables, ownersOf } from "../host/peers.ts";

/** @returns why a connection is not served, as a sentence for whoever made it; null when it is */
export type PeerCheck = (ends: Ends) => Promise<string | null>;

const administrator = 0;
const waysIn =
  "to let every user of this machine in, start it with --allow-other-users; to let some in, set SESSION_BUDDY_SECRET and give them tokens";

/** @returns null where this system does not tell whose a connection is */
export function createPeerCheck(): PeerCheck | null {
  const own = process.getuid?.();
  if (own === undefined || !hasConnectionTables()) return null;
  const ownerOf = createOwnerLook();
  return async (ends) => {
    // While connections come and go, a reader of the table may miss one.
    const uid = (await ownerOf(ends)) ?? (await ownerOf(ends));
    if (uid === own || uid === administrator) return null;
    const whose = uid === null ? "it cannot be seen whose this connection is" : `this connection is of user id ${uid}`;
    return `This server is for user id ${own} alone, and ${whose}; ${waysIn}`;
  };
}

interface Waiting {
  readonly ends: Ends;
  readonly resolve: (uid: number | null) => void;
}

/** Connections that come while others are looked up share the next look, so that a flood of them is two. */
function createOwnerLook(): (ends: Ends) => Promise<number | null> {
  let waiting: Waiting[] = [];
  let isLooking = false;
  const look = async () => {
    isLooking = true;
    while (waiting.length > 0) {
      const batch = waiting;
      waiting = [];
      const owners = await ownersOf(batch.map(({ ends }) => ends)).catch(() => []);
      for (const [at, { resolve }] of batch.entries()) resolve(owners[at] ?? null);
    }
    isLooking = false;
  };
  return (ends) =>
    new Promise((resolve) => {
      waiting.push({ ends, resolve });
      if (!isLooking) void look();
    });
}
