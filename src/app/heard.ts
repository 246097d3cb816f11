/** Owns when the records that deliver to this one were last heard, for the sessions that are shown. */
import type { Session } from "../tracker/fold.ts";
import type { Store } from "../tracker/store.ts";
import type { Heard } from "../wire/view.ts";

/** How long what was read of the origins is good for, in milliseconds. */
const freshForMs = 1_000;

/** @returns what gives what adds to a session what is known of its origin */
export function createHeard(store: Pick<Store, "origins">) {
  let last: { readonly read: Promise<ReadonlyMap<string, Heard>>; readonly atMs: number } | null = null;
  const read = async () => {
    const origins = await store.origins();
    return new Map(origins.map(({ originId, name, heardAt }) => [originId, { name, at: heardAt }]));
  };
  return async () => {
    const nowMs = process.uptime() * 1000;
    // What could not be read is asked anew.
    if (last === null || nowMs - last.atMs >= freshForMs) last = { read: read(), atMs: nowMs };
    const known = await last.read.catch((error: unknown) => {
      last = null;
      throw error;
    });
    return <S extends Session>(session: S): S & { readonly heard?: Heard } => {
      const heard = session.origin === null ? undefined : known.get(session.origin.originId);
      return heard === undefined ? session : { ...session, heard };
    };
  };
}
