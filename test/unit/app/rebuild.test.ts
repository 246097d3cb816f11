/** Proves that rebuild finds every row that is not the fold of its events, puts it right, and invents no difference. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { type TestContext, test } from "node:test";
import { rebuild } from "../../../src/app/rebuild.ts";
import type { Store } from "../../../src/tracker/store.ts";
import { endEvent, folded, startEvent } from "../../support/store/session-events.ts";
import { openAt, record, sqlitePlace } from "../../support/store/store-place.ts";

interface Damaged {
  readonly store: Store;
  /** Writes past the store. */
  sql(text: string): void;
}

/** A store with `count` sessions that ended. */
async function filled(t: TestContext, count: number): Promise<Damaged> {
  const place = sqlitePlace(t);
  const store = await openAt(place, t);
  for (let at = 0; at < count; at += 1) {
    const start = startEvent({}, { sessionId: `session-${at}` });
    const end = endEvent({}, { sessionId: `session-${at}` });
    await record(store, start);
    await record(store, end, folded(start, end));
  }
  const database = new DatabaseSync(place.options.path);
  t.after(() => database.close());
  return { store, sql: (text) => database.exec(text) };
}

const look = { isCheck: true, onProgress: () => {} };
const mend = { isCheck: false, onProgress: () => {} };

test("a sound store has no difference, and each session is counted once however its events are spread", async (t) => {
  const { store } = await filled(t, 3);
  // Further than one batch away from the starts.
  for (let at = 0; at < 600; at += 1) await record(store, startEvent({}, { sessionId: `filler-${at}` }));
  const late = endEvent({}, { sessionId: "session-0" });
  const known = (await store.eventsOf("session-0")).map(({ event }) => event);
  await record(store, late, folded(...known, late));
  assert.deepEqual(await rebuild(store, look), { sessions: 603, events: 607, differences: [], repaired: 0 });
});

const damages: readonly (readonly [sql: string, kind: string, fields: readonly string[]])[] = [
  [
    "UPDATE sessions SET state = 'active', end_reason = 'x' WHERE session_id = 'session-1'",
    "differs",
    ["state", "endReason"],
  ],
  ["UPDATE sessions SET cwd = '/other' WHERE session_id = 'session-1'", "differs", ["cwd"]],
  ["DELETE FROM sessions WHERE session_id = 'session-1'", "missing", []],
];

for (const [sql, kind, fields] of damages) {
  test(`after ${sql} rebuild reports what is wrong, changes nothing when it only looks, and mends it`, async (t) => {
    const damaged = await filled(t, 3);
    const before = await damaged.store.sessions({});
    damaged.sql(sql);
    const differences = [{ sessionId: "session-1", kind, fields }];
    for (let times = 0; times < 2; times += 1) {
      assert.deepEqual(await rebuild(damaged.store, look), { sessions: 3, events: 6, differences, repaired: 0 });
    }
    assert.deepEqual(await rebuild(damaged.store, mend), { sessions: 3, events: 6, differences, repaired: 1 });
    assert.deepEqual(await damaged.store.sessions({}), before);
    assert.deepEqual((await rebuild(damaged.store, look)).differences, []);
  });
}

test("a row without events is reported and stays, because it is all that is left", async (t) => {
  const { store } = await filled(t, 1);
  await store.transact((tx) => tx.putSession(folded(startEvent({}, { sessionId: "session-1" }))));
  const report = await rebuild(store, mend);
  assert.deepEqual(report.differences, [{ sessionId: "session-1", kind: "no_start", fields: [] }]);
  assert.equal(report.repaired, 0);
  assert.notEqual(await store.session("session-1"), null);
});

test("what is recorded while it looks is no difference", async (t) => {
  const { store } = await filled(t, 50);
  const starts = Array.from({ length: 50 }, (_, at) => startEvent({}, { sessionId: `new-${at}` }));
  const writing = (async () => {
    for (const start of starts) {
      await record(store, start);
      const end = endEvent({}, { sessionId: start.sessionId });
      await record(store, end, folded(start, end));
    }
  })();
  const reports = [];
  for (let times = 0; times < 5; times += 1) reports.push(await rebuild(store, look));
  await writing;
  for (const { differences } of reports) assert.deepEqual(differences, []);
  assert.equal((await rebuild(store, look)).sessions, 100);
});
