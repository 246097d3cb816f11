/** Proves that what can go wrong with the file is told in our words, from real files in that state. */
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { isBusy, translate } from "../../../../src/store/sqlite/errors.ts";
import { openSqliteStore } from "../../../../src/store/sqlite/store.ts";
import { SessionBuddyError } from "../../../../src/tracker/errors.ts";
import type { Store } from "../../../../src/tracker/store.ts";
import { refusal } from "../../../support/refusals.ts";
import { at, sampleSessionId, startEvent } from "../../../support/store/session-events.ts";
import { openAt, record, sqlitePlace } from "../../../support/store/store-place.ts";

const pageBytes = 4096;

for (const [name, content] of [
  ["text", "this is no database\n".repeat(300)],
  ["zeros", "\0".repeat(pageBytes)],
] as const) {
  test(`a file of ${name} is refused as no database and kept`, async (t) => {
    const place = sqlitePlace(t);
    writeFileSync(place.options.path, content);
    await assert.rejects(openAt(place), refusal("storage.corrupt", /is not a database; put a backup in its place/));
    assert.equal(readFileSync(place.options.path, "utf8"), content);
  });
}

test("a folder in place of the file, or no folder for it, cannot be opened", async (t) => {
  const place = sqlitePlace(t);
  mkdirSync(place.options.path);
  const words = /^the database \S+ cannot be opened; check the owner and mode/;
  const inPlace = /^the database \S+ cannot be opened: it is not a regular file/;
  await assert.rejects(openAt(place), refusal("storage.unavailable", inPlace));
  const nowhere = { path: join(place.options.path, "missing", "sessions.db") };
  await assert.rejects(openSqliteStore(nowhere), refusal("storage.unavailable", words));
});

test("a locked new file is reported as busy after the time that was given", async (t) => {
  const { path } = sqlitePlace(t).options;
  const holder = new DatabaseSync(path);
  t.after(() => holder.close());
  holder.exec("BEGIN EXCLUSIVE");
  const words = /is locked by another process; try again when it is done/;
  await assert.rejects(openSqliteStore({ path, busyTimeoutMs: 30 }), refusal("storage.busy", words));
});

/** Spoils the first page of every table and index, and leaves the list of them. */
function damageTables(path: string): void {
  const database = new DatabaseSync(path);
  const roots = database.prepare("SELECT rootpage FROM sqlite_schema WHERE rootpage > 0").all();
  database.close();
  const bytes = readFileSync(path);
  for (const { rootpage } of roots) bytes.fill(0xff, (Number(rootpage) - 1) * pageBytes, Number(rootpage) * pageBytes);
  writeFileSync(path, bytes);
}

test("a file whose list of tables is damaged is reported as damaged when it is opened", async (t) => {
  const place = sqlitePlace(t);
  await (await openAt(place)).close();
  writeFileSync(place.options.path, readFileSync(place.options.path).fill(0xff, pageBytes));
  await assert.rejects(
    openAt(place),
    refusal("storage.corrupt", /is damaged; put a backup in its place .* or move it away/),
  );
});

const reads: readonly (readonly [name: string, read: (store: Store) => Promise<unknown>])[] = [
  ["one session", (store) => store.session(sampleSessionId)],
  ["the sessions", (store) => store.sessions({})],
  ["the log", (store) => store.events(0, 1_000)],
  ["the events of a session", (store) => store.eventsOf(sampleSessionId)],
  ["the counts", (store) => store.stats("user", {})],
  ["the number that could be pruned", (store) => store.countPrunable(at("2030-01-01T00:00:00Z"))],
  ["pruning", (store) => store.prune(at("2030-01-01T00:00:00Z"), 1)],
  ["an event", (store) => store.transact((tx) => tx.eventById("x"))],
  ["a new event", (store) => record(store, startEvent())],
];
for (const [name, read] of reads) {
  test(`a damaged file is reported as damaged by ${name}`, async (t) => {
    const place = sqlitePlace(t);
    const whole = await openAt(place);
    await record(whole, startEvent());
    await whole.close();
    damageTables(place.options.path);
    const store = await openAt(place, t);
    await assert.rejects(
      read(store),
      refusal("storage.corrupt", /is damaged; put a backup in its place .* or move it away/),
    );
  });
}

test("codes of SQLite keep their meaning with their extended bits; unknown ones say what SQLite said", () => {
  const sqliteError = (errcode: number) => Object.assign(new Error("what SQLite said"), { errcode });
  const expected: readonly (readonly [number, string, RegExp])[] = [
    [5 | (2 << 8), "storage.busy", /locked/],
    [6, "storage.busy", /locked/],
    [8 | (1 << 8), "storage.unavailable", /cannot be written/],
    [10 | (3 << 8), "storage.unavailable", /could not be read or written/],
    [11, "storage.corrupt", /damaged/],
    [13, "storage.unavailable", /disk is full/],
    [14, "storage.unavailable", /cannot be opened/],
    [26, "storage.corrupt", /not a database/],
    [99, "storage.unavailable", /failed: what SQLite said/],
  ];
  for (const [errcode, code, words] of expected) {
    const error = translate(sqliteError(errcode), "/a/file");
    assert.ok(error instanceof SessionBuddyError);
    assert.equal(error.code, code);
    assert.match(error.message, words);
    assert.equal(error.detail, "what SQLite said");
    assert.equal(isBusy(sqliteError(errcode)), code === "storage.busy");
  }
});

test("errors that are not SQLite's pass through as they are", () => {
  for (const error of [new SessionBuddyError("invalid", "x"), new Error("x"), "x", undefined]) {
    assert.equal(translate(error, "/a/file"), error);
    assert.equal(isBusy(error), false);
  }
});
