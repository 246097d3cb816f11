/** Proves that a file of each earlier version becomes one of today's: its sessions are the fold of its events, which stay. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import { test } from "node:test";
import { rebuild } from "../../../src/app/rebuild.ts";
import { openSqliteStore } from "../../../src/store/sqlite/store.ts";
import { noCircumstances } from "../../../src/tracker/circumstances.ts";
import { foldSession } from "../../../src/tracker/fold.ts";
import { sqlitePlace } from "../../support/store/store-place.ts";

/** A file as the program of that version wrote it. */
interface Kept {
  readonly user_version: number;
  readonly application_id: number;
  readonly schema: readonly string[];
  readonly events: readonly Record<string, SQLInputValue>[];
  readonly pruned_sessions: readonly Record<string, SQLInputValue>[];
  readonly sessions: readonly Record<string, SQLInputValue>[];
}

function write(path: string, kept: Kept): void {
  const database = new DatabaseSync(path);
  database.exec(`PRAGMA journal_mode = WAL; PRAGMA application_id = ${kept.application_id}; BEGIN`);
  const [triggers, tables] = [kept.schema.filter(isTrigger), kept.schema.filter((sql) => !isTrigger(sql))];
  for (const sql of tables) database.exec(sql);
  for (const table of ["events", "sessions", "pruned_sessions"] as const) {
    for (const row of kept[table]) {
      const names = Object.keys(row);
      const places = names.map(() => "?").join(", ");
      database.prepare(`INSERT INTO ${table} (${names.join(", ")}) VALUES (${places})`).run(...Object.values(row));
    }
  }
  for (const sql of triggers) database.exec(sql);
  database.exec(`PRAGMA user_version = ${kept.user_version}; COMMIT`);
  database.close();
}

function isTrigger(sql: string): boolean {
  return sql.startsWith("CREATE TRIGGER");
}

/** The states in each file, each with who told the end; the first versions did not keep that. */
const statesOf: ReadonlyMap<number, readonly string[]> = new Map([
  [1, ["active null", "ended unknown", "orphaned kernel", "replaced kernel"]],
  [
    4,
    [
      "active null",
      "ended command",
      "ended hook",
      "ended import",
      "ended kernel",
      "ended unknown",
      "orphaned client",
      "orphaned command",
      "orphaned hook",
      "replaced import",
    ],
  ],
]);

for (const [version, states] of statesOf) {
  test(`a file of version ${version} is migrated: every event is there, every session is the fold of its events`, async (t) => {
    const kept: Kept = JSON.parse(readFileSync(join(import.meta.dirname, `version-${version}.json`), "utf8"));
    assert.equal(kept.user_version, version);
    const { options } = sqlitePlace(t);
    write(options.path, kept);
    const store = await openSqliteStore(options);
    t.after(() => store.close());
    const events = await store.events(0, 1_000_000);
    assert.deepEqual(
      events.map(({ event }) => event.eventId),
      kept.events.map(({ event_id }) => event_id),
    );
    const { sessions, differences } = await rebuild(store, { isCheck: true, onProgress: () => {} });
    assert.deepEqual([sessions, differences], [kept.sessions.length, []]);
    const rows = await store.sessions({});
    const found = new Set(rows.map(({ state, endedBy }) => `${state} ${endedBy}`));
    assert.deepEqual([...found].sort(), states);
    for (const { circumstances } of rows) assert.deepEqual(circumstances, noCircumstances);
    for (const row of rows) {
      const own = events.map(({ event }) => event).filter(({ sessionId }) => sessionId === row.sessionId);
      assert.deepEqual(row, foldSession(own));
    }
    assert.deepEqual(await store.problems(), []);
  });
}
