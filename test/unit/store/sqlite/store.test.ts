/** Proves what the embedded store promises beyond the port: durable settings, private files, queries by index, a log that stays. */
import assert from "node:assert/strict";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { type TestContext, test } from "node:test";
import { openSqliteStore } from "../../../../src/store/sqlite/store.ts";
import type { SessionEvent } from "../../../../src/tracker/event.ts";
import type { Store } from "../../../../src/tracker/store.ts";
import { eventually } from "../../../support/eventually.ts";
import { refusal } from "../../../support/refusals.ts";
import { at, endEvent, sampleSessionId, startEvent } from "../../../support/store/session-events.ts";
import { openAt, record, recordLives, sqlitePlace } from "../../../support/store/store-place.ts";

/** The connections that the store uses, in the order in which it first ran something on them. */
function watchConnections(t: TestContext): Set<DatabaseSync> {
  const connections = new Set<DatabaseSync>();
  const { exec } = DatabaseSync.prototype;
  t.mock.method(DatabaseSync.prototype, "exec", function (this: DatabaseSync, sql: string) {
    connections.add(this);
    return exec.call(this, sql);
  });
  return connections;
}

test("every commit is in a write-ahead log and synced, on a new file and on one that was there", async (t) => {
  const connections = watchConnections(t);
  const place = sqlitePlace(t);
  const stores = [await openAt(place, t), await openAt(place, t)];
  assert.equal(connections.size, stores.length);
  for (const connection of connections) {
    assert.equal(connection.prepare("PRAGMA synchronous").get()?.synchronous, 2, "FULL is 2");
    assert.equal(connection.prepare("PRAGMA journal_mode").get()?.journal_mode, "wal");
  }
});

test("the database and the files beside it are the owner's alone, whatever the umask", async (t) => {
  const umask = process.umask(0);
  t.after(() => process.umask(umask));
  const place = sqlitePlace(t);
  await record(await openAt(place, t), startEvent());
  for (const suffix of ["", "-wal", "-shm"]) {
    assert.equal(statSync(`${place.options.path}${suffix}`).mode & 0o777, 0o600, suffix);
  }
});

test("work that throws before it writes has nobody's work run again", async (t) => {
  const store = await openAt(sqlitePlace(t), t);
  let runs = 0;
  const counted = (event: SessionEvent) =>
    store.transact(async (tx) => {
      runs += 1;
      await tx.appendEvent(event);
    });
  const start = startEvent();
  const outcomes = await Promise.allSettled([counted(start), counted(start), counted(endEvent())]);
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ["fulfilled", "rejected", "fulfilled"],
  );
  assert.equal(runs, outcomes.length);
});

const queries: readonly (readonly [name: string, run: (store: Store) => Promise<unknown>, index: RegExp])[] = [
  ["one session", (store) => store.session("x"), /^SEARCH sessions USING INDEX \S+ \(session_id=\?\)$/],
  ["the events of a session", (store) => store.eventsOf("x"), /^SEARCH events USING INDEX events_by_session/],
  ["a page of the log", (store) => store.events(5, 10), /^SEARCH events USING INTEGER PRIMARY KEY \(rowid>\?\)$/],
  [
    "an event by its id",
    (store) => store.transact((tx) => tx.eventById("x")),
    /^SEARCH events USING INDEX \S+ \(event_id=\?\)$/,
  ],
  [
    "whether an id is taken",
    (store) => store.transact((tx) => tx.isSessionIdTaken("x")),
    /^SEARCH events USING COVERING INDEX events_by_session/,
  ],
  [
    "the pruned session of an event",
    (store) => store.transact((tx) => tx.prunedSessionId("x")),
    /^SEARCH pruned_sessions USING (?:COVERING )?INDEX \S+ \(start_event_id=\?\)$/,
  ],
  [
    "how many could be pruned",
    (store) => store.countPrunable(at("2030-01-01T00:00:00Z")),
    /^SEARCH s USING (?:COVERING )?INDEX sessions_by_end \(closed_at<\?\)$/,
  ],
];
for (const [name, run, index] of queries) {
  test(`the query of ${name} goes through an index and sorts nothing`, async (t) => {
    const place = sqlitePlace(t);
    const store = await openAt(place, t);
    const prepare = t.mock.method(DatabaseSync.prototype, "prepare");
    await run(store);
    const sql = prepare.mock.calls.map((call) => String(call.arguments[0]));
    prepare.mock.restore();
    // What may still have to be delivered is looked up first, and its table has a row for each destination.
    const last = sql.pop() ?? "";
    assert.ok(
      sql.every((text) => /\bFROM deliver(?:ies|y_marks)\b/.test(text)),
      "one statement does it",
    );
    const database = new DatabaseSync(place.options.path);
    t.after(() => database.close());
    const plan = database
      .prepare(`EXPLAIN QUERY PLAN ${last}`)
      .all()
      .map(({ detail }) => String(detail));
    const steps = plan.filter((step) => !/^(?:COMPOUND QUERY|LEFT-MOST SUBQUERY|UNION ALL)$/.test(step));
    assert.match(steps[0] ?? "", index);
    assert.ok(
      steps.every((step) => step.startsWith("SEARCH ")),
      plan.join("; "),
    );
  });
}

test("a writer waits while another process holds the lock, and is done when that one is", async (t) => {
  const place = sqlitePlace(t);
  const store = await openAt(place, t);
  const other = new DatabaseSync(place.options.path);
  t.after(() => other.close());
  other.exec("BEGIN IMMEDIATE");
  const exec = t.mock.method(DatabaseSync.prototype, "exec");
  const recorded = record(store, startEvent());
  await eventually(() => assert.ok(exec.mock.calls.some((call) => call.error !== undefined)));
  exec.mock.restore();
  other.exec("COMMIT");
  await recorded;
  assert.notEqual(await store.session(sampleSessionId), null);
});

const forbidden: readonly (readonly [name: string, sql: string, words: RegExp])[] = [
  ["change an event", "UPDATE events SET body = '{}'", /append-only/],
  ["take an event away", "DELETE FROM events WHERE session_id = 'stays'", /only a whole session can be pruned/],
  ["take all away", "DELETE FROM events", /only a whole session can be pruned/],
  [
    "put another event in the place of one",
    "REPLACE INTO events SELECT seq, event_id, session_id, 'end', '{}' FROM events",
    /is, or was, on record/,
  ],
  [
    "bring an event of a pruned session back",
    "INSERT INTO events (event_id, session_id, kind, body) VALUES ('new', 'goes', 'end', '{}')",
    /is, or was, on record/,
  ],
  ["forget the id of a pruned session", "DELETE FROM pruned_sessions", /ids of pruned sessions are kept/],
  [
    "change the id of a pruned session",
    "UPDATE pruned_sessions SET session_id = 'x'",
    /ids of pruned sessions are kept/,
  ],
];
for (const [name, sql, words] of forbidden) {
  test(`nobody can ${name}, by any program`, async (t) => {
    const place = sqlitePlace(t);
    const store = await openAt(place, t);
    const goes = { sessionId: "goes" };
    await recordLives(store, [[startEvent({}, { sessionId: "stays" })], [startEvent({}, goes), endEvent({}, goes)]]);
    assert.equal(await store.prune(at("2030-01-01T00:00:00Z"), 10), 1);
    const database = new DatabaseSync(place.options.path);
    t.after(() => database.close());
    assert.throws(() => database.exec(sql), words);
  });
}

test("a store that waited in vain works again when the lock is gone", async (t) => {
  const { path } = sqlitePlace(t).options;
  const store = await openSqliteStore({ path, busyTimeoutMs: 30 });
  t.after(() => store.close());
  const other = new DatabaseSync(path);
  t.after(() => other.close());
  other.exec("BEGIN IMMEDIATE");
  const waiting = [record(store, startEvent()), record(store, startEvent())];
  const outcomes = await Promise.allSettled(waiting);
  assert.deepEqual(
    outcomes.map((outcome) => (outcome.status === "rejected" ? outcome.reason.code : outcome.status)),
    ["storage.busy", "storage.busy"],
  );
  assert.deepEqual(await store.sessions({}), [], "reading needs no lock");
  other.exec("COMMIT");
  await record(store, startEvent());
  assert.equal((await store.sessions({})).length, 1);
});

test("a closed store says so, to every caller", async (t) => {
  const store = await openAt(sqlitePlace(t), t);
  await store.close();
  const calls = [
    record(store, startEvent()),
    record(store, startEvent()),
    store.sessions({}),
    store.events(0, 1),
    store.stats("user", {}),
    store.prune(at("2030-01-01T00:00:00Z"), 1),
  ];
  for (const outcome of await Promise.allSettled(calls)) {
    assert.equal(outcome.status, "rejected");
    assert.equal(outcome.reason.code, "storage.unavailable");
  }
});

test("a file too short to be a database is refused and stays as it is", async (t) => {
  const { path } = sqlitePlace(t).options;
  writeFileSync(path, "my notes\n");
  await assert.rejects(openSqliteStore({ path }), refusal("storage.corrupt", /is not a database/));
  assert.equal(readFileSync(path, "utf8"), "my notes\n");
});
