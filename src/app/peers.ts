/** Owns which users of this machine a server without a secret is for: its own, and the administrator. */
import { connectionTables, type Ends, ownerIn, readConnectionTable } from "../host/peers.ts";
import { oneAtATime } from "./single-flight.ts";

/** @returns why a connection is not served, as a sentence for whoever made it; null when it is */
export type PeerCheck = (ends: Ends) => Promise<string | null>;

const administrator = 0;
const waysIn =
  "to let every user of this machine in, start it with --allow-other-users; to let some in, set SESSION_BUDDY_SECRET and give them tokens";

/** @returns null where this system does not tell whose a connection is */
export async function openPeerCheck(): Promise<PeerCheck | null> {
  const own = process.getuid?.();
  const isThere = await readConnectionTable("tcp").then(
    () => true,
    () => false,
  );
  if (own === undefined || !isThere) return null;
  const ownerOf = createOwnerLook();
  return async (ends) => {
    // While connections come and go, a reader of the table may miss one.
    const uid = (await ownerOf(ends)) ?? (await ownerOf(ends));
    if (uid === own || uid === administrator) return null;
    const whose = uid === null ? "it cannot be seen whose this connection is" : `this connection is of user id ${uid}`;
    return `This server is for user id ${own} alone, and ${whose}; ${waysIn}`;
  };
}

/** Connections that come while a table is read share the next look at it, so that a flood of them is two. */
function createOwnerLook(): (ends: Ends) => Promise<number | null> {
  const tables = connectionTables.map((table) => oneAtATime(() => readConnectionTable(table).catch(() => "")));
  return async (ends) => {
    for (const read of tables) {
      const uid = ownerIn(await read(), ends);
      if (uid !== null) return uid;
    }
    return null;
  };
}
