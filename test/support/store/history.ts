/** A history on record that no shell has to live through: sessions as short stories, written into a sandbox's store. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { ToldCircumstances } from "../../../src/tracker/circumstances.ts";
import type { EndContent, ProcessIdentity, SessionEvent, StartContent } from "../../../src/tracker/event.ts";
import { foldSession } from "../../../src/tracker/fold.ts";
import type { Store } from "../../../src/tracker/store.ts";
import type { Sandbox } from "../sandbox.ts";
import { at, deathEvent, endEvent, observedNothing, startEvent } from "./session-events.ts";
import { openAt } from "./store-place.ts";

/** One session; times are timestamps of the wire contract. */
export interface Story {
  readonly id: string;
  readonly from: string;
  /** When the shell told its end. */
  readonly to?: string;
  /** The last proof of life and the first proof of death of a shell that told no end. */
  readonly lost?: readonly [after: string, before: string];
  readonly start?: Partial<StartContent>;
  readonly end?: Partial<EndContent>;
  readonly process?: ProcessIdentity;
  readonly circumstances?: ToldCircumstances;
}

/** Writes the stories in their order; event ids are made from it, so that answers can be compared with a snapshot. */
export async function recordHistory(sandbox: Sandbox, stories: readonly Story[]): Promise<void> {
  await withStore(sandbox, async (store) => {
    for (const [index, story] of stories.entries()) await recordStory(store, story, index);
  });
}

/** Opens the store of a sandbox for a test that looks or writes past the program. */
export async function withStore<T>(sandbox: Pick<Sandbox, "home">, work: (store: Store) => Promise<T>): Promise<T> {
  mkdirSync(sandbox.home, { recursive: true, mode: 0o700 });
  const options = { path: join(sandbox.home, "sessions.db") };
  const store = await openAt({ module: "src/store/sqlite/store.ts", exportName: "openSqliteStore", options });
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

async function recordStory(store: Store, story: Story, index: number): Promise<void> {
  const events = eventsOf(story, index);
  const session = foldSession(events);
  await store.transact(async (tx) => {
    for (const event of events) await tx.appendEvent(event);
    if (session !== null) await tx.putSession(session);
  });
}

function eventsOf({ id, from, to, lost, start, end, process, circumstances }: Story, index: number): SessionEvent[] {
  const known = (kind: number) => ({ sessionId: id, eventId: eventId(index, kind) });
  const observed = { ...observedNothing, process: process ?? null, circumstances: circumstances ?? null };
  const events: SessionEvent[] = [startEvent({ timestamp: at(from), ...start }, { ...known(1), observed })];
  if (to !== undefined) events.push(endEvent({ timestamp: at(to), ...end }, known(2)));
  if (lost !== undefined) {
    events.push(deathEvent({ lastAliveAt: at(lost[0]), detectedAt: at(lost[1]) }, known(3)));
  }
  return events;
}

function eventId(index: number, kind: number): string {
  return `00000000-0000-4000-8000-${String(index).padStart(10, "0")}${String(kind).padStart(2, "0")}`;
}
