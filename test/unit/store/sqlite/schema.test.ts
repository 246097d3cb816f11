/** Proves how a file becomes a store: once, whoever comes first, and never a file that is not ours or is too new. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { circumstanceColumns } from "../../../../src/store/rows.ts";
import { migrations } from "../../../../src/store/sqlite/migrations.ts";
import { applicationId, schemaVersion } from "../../../../src/store/sqlite/schema.ts";
import { refusal } from "../../../support/refusals.ts";
import { folded, observedNothing, startEvent } from "../../../support/store/session-events.ts";
import { eventsIn, openAt, record, sqlitePlace } from "../../../support/store/store-place.ts";
import { idsOfStoreWorkers } from "../../../support/store/store-worker.ts";

/** Runs SQL on a file past the store. */
function execute(path: string, sql: string): void {
  const database = new DatabaseSync(path);
  database.exec(sql);
  database.close();
}

function schemaOf(path: string): unknown {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    const read = (sql: string) => database.prepare(sql).all();
    return [read("SELECT sql FROM sqlite_schema"), read("PRAGMA user_version"), read("PRAGMA application_id")];
  } finally {
    database.close();
  }
}

test("a new file and an empty one get the same tables, marked as ours", async (t) => {
  const [fresh, empty] = [sqlitePlace(t), sqlitePlace(t)];
  writeFileSync(empty.options.path, "");
  for (const place of [fresh, empty]) await (await openAt(place)).close();
  assert.deepEqual(schemaOf(fresh.options.path), schemaOf(empty.options.path));
  const marks = JSON.stringify(schemaOf(fresh.options.path));
  assert.ok(marks.includes(`"user_version":${schemaVersion}`) && marks.includes(`"application_id":${applicationId}`));
});

test("the newest version is the number of steps", () => {
  assert.equal(schemaVersion, migrations.length);
});

test("opening again changes nothing in the file", async (t) => {
  const place = sqlitePlace(t);
  const first = await openAt(place);
  await record(first, startEvent());
  await first.close();
  const bytes = readFileSync(place.options.path);
  await (await openAt(place)).close();
  assert.ok(readFileSync(place.options.path).equals(bytes));
});

/** Takes back what the steps from the fifth on made. */
const withoutStep5 = [
  "DROP INDEX sessions_by_origin;",
  ...["deliveries", "delivery_marks", "refused_events", "lost_events"].map((table) => `DROP TABLE ${table};`),
  ...["origins", "parked_events", "origin_losses"].map((table) => `DROP TABLE ${table};`),
  ...["origin_id", "origin_session_id"].map((column) => `ALTER TABLE sessions DROP COLUMN ${column};`),
  ...["host_keys", "hosts", "host_invites"].map((name) => `DROP TABLE ${name};`),
  ...["login_user", "tty", "open_process", "login"].map((name) => `DROP INDEX sessions_by_${name};`),
  ...[...Object.keys(circumstanceColumns), "owner_uid", "verified"].map(
    (column) => `ALTER TABLE sessions DROP COLUMN ${column};`,
  ),
].join(" ");

test("a file that knows programs by their paths alone keeps them; what it has no field for is unknown", async (t) => {
  const place = sqlitePlace(t);
  const process = {
    hostId: "host",
    bootId: "boot",
    pidNamespace: "1",
    pid: 4711,
    startTicks: "500",
    executable: "/bin/bash",
  };
  const known = startEvent({}, { observed: { ...observedNothing, process: { ...process, exeId: null, comm: null } } });
  const first = await openAt(place);
  await record(first, known);
  await first.close();
  execute(
    place.options.path,
    `${withoutStep5} ALTER TABLE sessions DROP COLUMN exe_id; ALTER TABLE sessions DROP COLUMN comm; PRAGMA user_version = 2;
     DROP TRIGGER events_are_not_changed;
     UPDATE events SET body = json_remove(body, '$.observed.process.exeId', '$.observed.process.comm');
     CREATE TRIGGER events_are_not_changed BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;`,
  );
  const store = await openAt(place, t);
  assert.deepEqual(await eventsIn(store), [known]);
  assert.deepEqual(await store.session(known.sessionId), folded(known));
  const next = startEvent({}, { observed: { ...known.observed, process: { ...process, exeId: "8:1", comm: "bash" } } });
  await record(store, next, { ...folded(next), sessionId: "next" });
  assert.deepEqual((await store.session("next"))?.process, next.observed.process);
});

test("ten processes that open a new file at once all find the same store", async (t) => {
  const place = sqlitePlace(t);
  const ids = await idsOfStoreWorkers(place, 10, 1);
  assert.equal(new Set(ids).size, 10);
  assert.equal((await eventsIn(await openAt(place, t))).length, 10);
});

test("many stores of one process that open a new file at once all find the same store", async (t) => {
  const place = sqlitePlace(t);
  const stores = await Promise.all(Array.from({ length: 10 }, () => openAt(place, t)));
  await Promise.all(stores.map((store) => record(store, startEvent())));
  for (const store of stores) assert.equal((await eventsIn(store)).length, stores.length);
});

const foreign: readonly (readonly [name: string, sql: string])[] = [
  ["with tables and no version", "CREATE TABLE notes (id)"],
  ["with the version that ours has", `CREATE TABLE notes (id); PRAGMA user_version = ${schemaVersion}`],
  ["with a later version than ours", `CREATE TABLE notes (id); PRAGMA user_version = ${schemaVersion + 1}`],
  ["with our tables' names", "CREATE TABLE events (id); CREATE TABLE sessions (id)"],
  ["with another mark and no tables", "PRAGMA application_id = 5; PRAGMA user_version = 1"],
];
for (const [name, sql] of foreign) {
  test(`a database of another program ${name} is refused and left as it is`, async (t) => {
    const place = sqlitePlace(t);
    execute(place.options.path, sql);
    const bytes = readFileSync(place.options.path);
    await assert.rejects(openAt(place), refusal("storage.corrupt", /is a database of another program; move it away/));
    assert.ok(readFileSync(place.options.path).equals(bytes));
  });
}

test("a file of a newer version is refused in words that say what to do", async (t) => {
  const place = sqlitePlace(t);
  await (await openAt(place)).close();
  execute(place.options.path, `PRAGMA user_version = ${schemaVersion + 1}`);
  const words = `newer session-buddy \\(schema ${schemaVersion + 1}, this one knows ${schemaVersion}\\); update session-buddy`;
  await assert.rejects(openAt(place), refusal("storage.newer", new RegExp(words)));
});

test("a migration that another process holds up is reported as busy and can be done later", async (t) => {
  const place = sqlitePlace(t);
  const path = place.options.path;
  const holder = new DatabaseSync(path);
  t.after(() => holder.close());
  holder.exec("PRAGMA journal_mode = WAL; BEGIN IMMEDIATE");
  const busy = { ...place, options: { path, busyTimeoutMs: 30 } };
  await assert.rejects(openAt(busy), refusal("storage.busy", /is locked by another process; try again/));
  holder.exec("COMMIT");
  await record(await openAt(place, t), startEvent());
});
