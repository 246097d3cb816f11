/** Records that are enrolled, without an invitation: the file of a destination is written as `enroll` writes it. */
import { addDestination, type Destination } from "../../../src/auth/destinations.ts";
import { createHostKey } from "../../../src/auth/host-keys.ts";
import { thisMachineId } from "../../../src/host/machine.ts";
import type { Sandbox } from "../sandbox.ts";
import { withStore } from "../store/history.ts";
import { endEvent, startEvent } from "../store/session-events.ts";
import { recordLives } from "../store/store-place.ts";

/** @returns who the record is over there */
export async function enrol(
  { home }: Pick<Sandbox, "home">,
  url: string,
  { name = "central", ...changes }: Partial<Destination> & { readonly name?: string } = {},
): Promise<string> {
  // Makes the folder.
  await withStore({ home }, async () => {});
  const { kid, jwk } = createHostKey();
  addDestination(home, name, {
    url,
    pin: null,
    caFile: null,
    origin: kid,
    kid,
    jwk,
    nextJwk: null,
    machineId: thisMachineId(),
    enrolledAt: "2026-11-24T12:00:00Z",
    username: null,
    ...changes,
  });
  return kid;
}

const atOnce = 500;

/** Records so many sessions that have ended. @returns the ids of their events */
export async function recordSessions({ home }: Pick<Sandbox, "home">, count: number): Promise<Set<string>> {
  const ids = new Set<string>();
  await withStore({ home }, async (store) => {
    const before = await store.lastSeq();
    for (let done = 0; done < count; done += atOnce) {
      const lives = Array.from({ length: Math.min(atOnce, count - done) }, (_, at) => {
        const sessionId = `shell-${before}-${done + at}`;
        return [startEvent({}, { sessionId }), endEvent({}, { sessionId })];
      });
      for (const event of lives.flat()) ids.add(event.eventId);
      await recordLives(store, lives);
    }
  });
  return ids;
}
