/** The look into a store from outside that every hard test ends with: the file is whole and the table is the fold. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { openSqliteStore } from "../../src/store/sqlite.ts";
import type { SessionEvent } from "../../src/tracker/event.ts";
import { foldSession, type Session } from "../../src/tracker/fold.ts";

/**
 * Checks that the database is whole, that every session is the fold of its events, and that no event lacks one.
 *
 * @param home - the value of SESSION_BUDDY_HOME
 * @returns the sessions by id
 */
export async function assertSound(home: string): Promise<ReadonlyMap<string, Session>> {
  const path = join(home, "sessions.db");
  const database = new DatabaseSync(path);
  assert.deepEqual(database.prepare("PRAGMA integrity_check").all().map(Object.values), [["ok"]]);
  database.close();

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
