/** Proves that a store whose file is moved away, removed or replaced notices it before the next answer. */
import assert from "node:assert/strict";
import {
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type TestContext, test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { applicationId } from "../../../../src/store/sqlite/schema.ts";
import { openSqliteStore } from "../../../../src/store/sqlite/store.ts";
import type { Store } from "../../../../src/tracker/store.ts";
import { refusal } from "../../../support/refusals.ts";
import { startEvent } from "../../../support/store/session-events.ts";
import { openAt, record, sqlitePlace } from "../../../support/store/store-place.ts";

const suffixes = ["", "-wal", "-shm"];

async function openedHere(t: TestContext) {
  const place = sqlitePlace(t);
  const { path } = place.options;
  const seen = { replaced: 0 };
  const store = await openSqliteStore({
    path,
    onReplaced: () => {
      seen.replaced += 1;
    },
  });
  t.after(() => store.close());
  await start(store, "before");
  return { place, path, store, seen };
}

const start = (store: Store, sessionId: string) => record(store, startEvent({}, { sessionId }));

/** What another process finds at the path. */
async function idsAt(path: string): Promise<string[]> {
  const store = await openSqliteStore({ path });
  try {
    return (await store.sessions({})).map(({ sessionId }) => sessionId).sort();
  } finally {
    await store.close();
  }
}

const move = (path: string, to: string) => {
  for (const suffix of suffixes) renameSync(`${path}${suffix}`, `${to}${suffix}`);
};
const remove = (path: string, which = suffixes) => {
  for (const suffix of which) rmSync(`${path}${suffix}`);
};

const removals: readonly (readonly [name: string, act: (path: string) => void, kept: readonly string[]])[] = [
  ["removed with its log", (path) => remove(path), []],
  ["removed alone", (path) => remove(path, [""]), []],
  ["moved away with its log", (path) => move(path, `${path}.away`), []],
  ["moved away alone", (path) => renameSync(path, `${path}.away`), []],
  ["without its log", (path) => remove(path, ["-wal"]), ["before"]],
  ["without its log and index", (path) => remove(path, ["-wal", "-shm"]), ["before"]],
];

for (const [name, act, kept] of removals) {
  test(`a start is recorded at the path where the file is ${name}`, async (t) => {
    const { path, store, seen } = await openedHere(t);
    act(path);
    await Promise.all([start(store, "one"), start(store, "two")]);
    assert.deepEqual(await idsAt(path), [...kept, "one", "two"]);
    assert.equal(statSync(path).mode & 0o777, 0o600);
    await start(store, "three");
    assert.deepEqual(await idsAt(path), [...kept, "one", "three", "two"]);
    assert.equal(seen.replaced, 1, "noticed once");
    assert.equal(store.replacements(), 1);
  });

  test(`a question is answered from what is at the path where the file is ${name}`, async (t) => {
    const questions: readonly ((store: Store) => Promise<number>)[] = [
      async (store) => (await store.sessions({})).length,
      async (store) => (await store.events(0, 10)).length,
      async (store) => (await store.stats("user", {})).length,
      (store) => store.lastSeq(),
    ];
    for (const ask of questions) {
      const { path, store } = await openedHere(t);
      await nextTurn();
      act(path);
      assert.equal(await ask(store), kept.length);
    }
  });

  test(`what is ${name} while a start is committed has the start again at the path`, async (t) => {
    const { path, store } = await openedHere(t);
    let runs = 0;
    const event = startEvent({}, { sessionId: "during" });
    const recorded = store.transact(async (tx) => {
      runs += 1;
      if (runs === 1) act(path);
      if ((await tx.eventById(event.eventId)) === null) await tx.appendEvent(event);
    });
    await Promise.all([recorded, start(store, "beside").catch(() => {})]);
    const found = await openSqliteStore({ path });
    t.after(() => found.close());
    assert.equal(runs, 2);
    assert.ok((await found.events(0, 10)).some(({ event: { sessionId } }) => sessionId === "during"));
  });
}

test("a store that another one was put in the place of answers from that one, and records there", async (t) => {
  const { path, store } = await openedHere(t);
  const other = join(dirname(path), "other.db");
  const another = await openSqliteStore({ path: other });
  await start(another, "other");
  await another.close();
  await nextTurn();
  remove(path, ["-wal", "-shm"]);
  renameSync(other, path);
  assert.deepEqual(
    (await store.sessions({})).map(({ sessionId }) => sessionId),
    ["other"],
  );
  await start(store, "new");
  assert.deepEqual(await idsAt(path), ["new", "other"]);
});

test("what was moved away stays as it was", async (t) => {
  const { path, store } = await openedHere(t);
  const away = `${path}.away`;
  move(path, away);
  const before = suffixes.slice(0, 2).map((suffix) => readFileSync(`${away}${suffix}`));
  await start(store, "after");
  await store.close();
  for (const [index, suffix] of suffixes.slice(0, 2).entries()) {
    assert.ok(before[index]?.equals(readFileSync(`${away}${suffix}`)), suffix);
  }
  assert.deepEqual(await idsAt(away), ["before"]);
});

test("while nothing can be opened at the path, every call is refused; as soon as it can, it works again", async (t) => {
  const { path, store } = await openedHere(t);
  const folder = dirname(path);
  renameSync(folder, `${folder}.away`);
  t.after(() => rmSync(`${folder}.away`, { recursive: true }));
  const refused = refusal("storage.unavailable", /cannot be opened/);
  await assert.rejects(start(store, "refused"), refused);
  await assert.rejects(store.sessions({}), refused);
  await assert.rejects(store.stats("user", {}), refused);
  mkdirSync(folder, { mode: 0o700 });
  writeFileSync(path, "no database\n".repeat(100));
  await assert.rejects(start(store, "refused"), refusal("storage.corrupt", /is not a database/));
  rmSync(path);
  await start(store, "after");
  assert.deepEqual(await idsAt(path), ["after"]);
});

test("the folder is looked after before the file is made anew", async (t) => {
  const { options } = sqlitePlace(t);
  const folder = join(dirname(options.path), "data");
  const path = join(folder, "sessions.db");
  const prepareFolder = () => mkdirSync(folder, { recursive: true, mode: 0o700 });
  prepareFolder();
  const store = await openSqliteStore({ path, prepareFolder });
  t.after(() => store.close());
  rmSync(folder, { recursive: true });
  await start(store, "after");
  assert.deepEqual(await idsAt(path), ["after"]);
});

test("a link in the place of the file is followed, and another target is noticed", async (t) => {
  const { path, store } = await openedHere(t);
  const target = join(dirname(path), "target.db");
  await store.backup(target, () => {});
  await start(store, "lost with the old file");
  remove(path);
  symlinkSync(target, path);
  await start(store, "linked");
  assert.deepEqual(await idsAt(target), ["before", "linked"]);
  rmSync(`${target}-wal`);
  await start(store, "without its log");
  assert.deepEqual(await idsAt(target), ["before", "linked", "without its log"]);
});

test("a file that is replaced again and again is given up with a sentence", async (t) => {
  const { path, store } = await openedHere(t);
  const work = store.transact(async (tx) => {
    remove(path, [""]);
    await tx.isSessionIdTaken("x");
  });
  await assert.rejects(work, refusal("storage.unavailable", /is replaced again and again/));
  await start(store, "after");
  assert.deepEqual(await idsAt(path), ["after"]);
});

for (const mode of ["DELETE", "WAL"]) {
  // The fifth is the switch to a log, which only a file with nothing in it needs; between a look and it is no other step.
  for (const at of [1, 2, 3, 4, 6]) {
    test(`a file in ${mode} mode that is replaced at step ${at} of opening is opened once more, the other unharmed`, async (t) => {
      const { path, store } = await openedHere(t);
      await store.backup(`${path}.base`, () => {});
      const beside = await openSqliteStore({ path: `${path}.base` });
      t.after(() => beside.close());
      await start(beside, "in the log");
      const [copy, fresh] = [`${path}.copy`, `${path}.fresh`];
      // In the log alone, as after a kill.
      for (const suffix of ["", "-wal"]) copyFileSync(`${path}.base${suffix}`, `${copy}${suffix}`);
      const log = readFileSync(`${copy}-wal`);
      // Ours, and without tables yet: opening it writes to it.
      const made = new DatabaseSync(fresh);
      made.exec(`PRAGMA journal_mode = ${mode}; PRAGMA application_id = ${applicationId}`);
      made.close();
      const { exec } = DatabaseSync.prototype;
      let steps = 0;
      t.mock.method(DatabaseSync.prototype, "exec", function (this: DatabaseSync, sql: string) {
        steps += 1;
        if (steps === at) {
          for (const suffix of ["-wal", "-shm"]) rmSync(`${fresh}${suffix}`, { force: true });
          renameSync(`${copy}-wal`, `${fresh}-wal`);
          renameSync(copy, fresh);
        }
        return exec.call(this, sql);
      });
      const opened = await openSqliteStore({ path: fresh });
      t.after(() => opened.close());
      assert.ok(steps > at);
      assert.ok(readFileSync(`${fresh}-wal`).equals(log), "the log was written to");
      assert.deepEqual((await opened.sessions({})).map(({ sessionId }) => sessionId).sort(), ["before", "in the log"]);
      assert.deepEqual(await opened.problems(), []);
    });
  }
}

test("two stores on one file both notice", async (t) => {
  const { place, path, store } = await openedHere(t);
  const other = await openAt(place, t);
  await nextTurn();
  remove(path, ["-wal"]);
  await start(other, "other");
  await start(store, "one");
  await start(other, "two");
  assert.deepEqual(await idsAt(path), ["before", "one", "other", "two"]);
  assert.ok(readdirSync(dirname(path)).includes("sessions.db-wal"));
});
