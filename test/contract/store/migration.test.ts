/** Proves that a file of each earlier version becomes one of today's: its sessions are the fold of its events, which stay. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { rebuild } from "../../../src/app/rebuild.ts";
import { openSqliteStore } from "../../../src/store/sqlite/store.ts";
import { noCircumstances } from "../../../src/tracker/circumstances.ts";
import { foldSession } from "../../../src/tracker/fold.ts";
import { writeVersion } from "../../support/store/earlier-version.ts";
import { sqlitePlace } from "../../support/store/store-place.ts";

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
    const { options } = sqlitePlace(t);
    const kept = writeVersion(options.path, version);
    assert.equal(kept.user_version, version);
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
