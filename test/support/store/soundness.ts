/** The look into a store from outside that every hard test ends with: the file is whole and the table is the fold. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { isDeepStrictEqual } from "node:util";
import { openSqliteStore } from "../../../src/store/sqlite/store.ts";
import type { SessionEvent } from "../../../src/tracker/event.ts";
import { foldSession, type Session } from "../../../src/tracker/fold.ts";

const page = 500;

/**
 * Checks that the database is whole, that every session is the fold of its events, and that no event lacks one.
 *
 * @param home - the value of SESSION_BUDDY_HOME
 * @returns the sessions by id
 */
export async function assertSound(home: string): Promise<ReadonlyMap<string, Session>> {
  const { path } = assertWhole(home);
  const store = await openSqliteStore({ path });
  try {
    const bySession = new Map<string, SessionEvent[]>();
    for (const { event } of await store.events(0, Number.MAX_SAFE_INTEGER)) {
      bySession.set(event.sessionId, [...(bySession.get(event.sessionId) ?? []), event]);
    }
    const sessions = new Map((await store.sessions({})).map((session) => [session.sessionId, session]));
    assert.deepEqual([...sessions.keys()].sort(), [...bySession.keys()].sort());
    for (const [id, session] of sessions) assert.deepEqual(session, foldSession(bySession.get(id) ?? []), id);
    return sessions;
  } finally {
    await store.close();
  }
}

/**
 * The same for a store that is too large to be held in memory.
 *
 * @param look - given each session with its events
 * @returns how many sessions there are
 */
export async function assertSoundBySession(
  home: string,
  look: (session: Session, events: readonly SessionEvent[]) => void,
): Promise<number> {
  const { path, eventCount } = assertWhole(home);
  const store = await openSqliteStore({ path });
  try {
    let [sessions, events] = [0, 0];
    for (let after: Session | undefined; ; ) {
      const rows = await store.sessions({ limit: page, ...(after === undefined ? {} : { after }) });
      for (const session of rows) {
        const life = (await store.eventsOf(session.sessionId)).map(({ event }) => event);
        const folded = foldSession(life);
        // Comparing in words takes long.
        if (!isDeepStrictEqual(session, folded)) assert.deepEqual(session, folded, session.sessionId);
        look(session, life);
        sessions += 1;
        events += life.length;
      }
      after = rows.at(-1);
      if (rows.length < page) break;
    }
    assert.equal(events, eventCount, "events without a session");
    return sessions;
  } finally {
    await store.close();
  }
}

function assertWhole(home: string): { readonly path: string; readonly eventCount: number } {
  const path = join(home, "sessions.db");
  const database = new DatabaseSync(path);
  try {
    assert.deepEqual(database.prepare("PRAGMA integrity_check").all().map(Object.values), [["ok"]]);
    return { path, eventCount: Number(database.prepare("SELECT count(*) AS n FROM events").get()?.n) };
  } finally {
    database.close();
  }
}
