/** Proves that a database which is locked, damaged, foreign or too new is refused in words and never harmed. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, test } from "node:test";
import { allRows, assertRefused, runWell } from "../support/rows.ts";
import { createSandbox, type Sandbox } from "../support/sandbox.ts";
import { holdLock } from "../support/server/lock.ts";

const databaseOf = (sandbox: Sandbox) => join(sandbox.home, "sessions.db");

function writeDatabase(sandbox: Sandbox, content: Buffer | string): void {
  mkdirSync(sandbox.home, { mode: 0o700 });
  writeFileSync(databaseOf(sandbox), content, { mode: 0o600 });
}

function makeDatabase(sandbox: Sandbox, sql: string): void {
  mkdirSync(sandbox.home, { mode: 0o700, recursive: true });
  const database = new DatabaseSync(databaseOf(sandbox));
  database.exec(sql);
  database.close();
}

// These wait for the program's own deadline, so they wait together.
describe("a database that another process has locked", { concurrency: true }, () => {
  test("is waited for, and refused in words when that takes too long; reading goes on", async (t) => {
    const sandbox = createSandbox(t);
    const id = (await runWell(sandbox, ["start"])).trimEnd();
    const lock = await holdLock(t, databaseOf(sandbox));
    const writing = [
      ["start", "--component", "other"],
      ["end", id],
    ].map((args) => sandbox.run(args));
    assert.equal((await allRows(sandbox)).length, 1);
    for (const outcome of await Promise.all(writing)) {
      assertRefused(outcome, 5, /the database \S+ is locked by another process; try again/);
    }
    await lock.release();
    await runWell(sandbox, ["end", id]);
    assert.deepEqual(
      (await allRows(sandbox)).map((row) => [row.session_id, row.state]),
      [[id, "ended"]],
    );
  });

  test("is used as soon as it is free", async (t) => {
    const sandbox = createSandbox(t);
    await runWell(sandbox, ["start"]);
    const lock = await holdLock(t, databaseOf(sandbox));
    const waiting = Array.from({ length: 4 }, (_, index) => runWell(sandbox, ["start", "--component", `c${index}`]));
    // Reading proves that some time has passed and that the others are still waiting.
    assert.equal((await allRows(sandbox)).length, 1);
    await lock.release();
    assert.equal(new Set(await Promise.all(waiting)).size, 4);
    assert.equal((await allRows(sandbox)).length, 5);
  });
});

test("a database of zero bytes becomes a store", async (t) => {
  const sandbox = createSandbox(t);
  writeDatabase(sandbox, "");
  await runWell(sandbox, ["start"]);
  assert.equal((await allRows(sandbox)).length, 1);
});

/** Files that hold no store of ours, and the sentence about each. */
const notOurs: readonly (readonly [name: string, make: (sandbox: Sandbox) => void, words: RegExp])[] = [
  ["garbage", (s) => writeDatabase(s, randomBytes(8192)), /is not a database; put a backup in its place/],
  ["a text", (s) => writeDatabase(s, "not a database\n".repeat(600)), /is not a database; put a backup in its place/],
  ["another program's", (s) => makeDatabase(s, "CREATE TABLE x (a)"), /is a database of another program; move it away/],
  [
    "another program's with our version number",
    (s) => makeDatabase(s, "CREATE TABLE events (a); PRAGMA user_version = 1"),
    /is a database of another program; move it away/,
  ],
  [
    "another program's with a mark",
    (s) => makeDatabase(s, "PRAGMA application_id = 7; CREATE TABLE x (a)"),
    /is a database of another program; move it away/,
  ],
];

for (const [name, make, words] of notOurs) {
  test(`a database that is ${name} is refused and not changed by one byte`, async (t) => {
    const sandbox = createSandbox(t);
    make(sandbox);
    const before = readFileSync(databaseOf(sandbox));
    for (const args of [["start"], ["list"], ["end", "id"], ["serve", "--port", "0"]]) {
      assertRefused(await sandbox.run(args), 5, words);
    }
    assert.deepEqual(readFileSync(databaseOf(sandbox)), before);
    assert.deepEqual(readdirSync(sandbox.home), ["sessions.db"]);
  });
}

test("a database of a newer version is refused with both versions named, and not changed", async (t) => {
  const sandbox = createSandbox(t);
  await runWell(sandbox, ["start"]);
  makeDatabase(sandbox, "PRAGMA user_version = 99");
  const before = readFileSync(databaseOf(sandbox));
  for (const args of [["start"], ["list"]]) {
    assertRefused(await sandbox.run(args), 5, /newer session-buddy \(schema 99, this one knows \d+\); update/);
  }
  assert.deepEqual(readFileSync(databaseOf(sandbox)), before);
});

test("a database with a damaged page is refused as damaged, never answered from", async (t) => {
  const sandbox = createSandbox(t);
  for (let count = 0; count < 4; count += 1) await runWell(sandbox, ["start", "--component", `c${count}`]);
  const content = readFileSync(databaseOf(sandbox));
  // The first page is whole, so that it is known as ours; all the others are noise.
  randomBytes(content.length - 4096).copy(content, 4096);
  writeFileSync(databaseOf(sandbox), content);
  for (const args of [["start"], ["list", "--all"]]) {
    assertRefused(
      await sandbox.run(args),
      5,
      /the database \S+ is damaged; put a backup in its place .*restore FILE.* keep it for repair/,
    );
  }
  assert.equal(statSync(databaseOf(sandbox)).size, content.length);
});

test("a folder where the database should be is refused in words", async (t) => {
  const sandbox = createSandbox(t);
  mkdirSync(databaseOf(sandbox), { recursive: true, mode: 0o700 });
  assertRefused(await sandbox.run(["start"]), 5, /the database \S+ cannot be opened/);
});
