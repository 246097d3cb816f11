/** Proves that restore puts a backup in place whatever state the record is in, and that nothing else than a backup gets there. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  copyFileSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type TestContext, test } from "node:test";
import { startArguments } from "../support/events.ts";
import { allRows, assertRefused, runWell } from "../support/rows.ts";
import { createSandbox, type Sandbox } from "../support/sandbox.ts";
import { holdLock } from "../support/server/lock.ts";
import { callTool } from "../support/server/rpc.ts";
import { createSmallDisk } from "../support/store/disk.ts";
import { writeVersion } from "../support/store/earlier-version.ts";
import { recordHistory, withStore } from "../support/store/history.ts";
import { startEvent } from "../support/store/session-events.ts";
import { assertSound } from "../support/store/soundness.ts";
import { record } from "../support/store/store-place.ts";

const databaseOf = (sandbox: Sandbox) => join(sandbox.home, "sessions.db");
const from = "2024-03-10T08:00:00Z";
const idsOf = async (sandbox: Sandbox) => (await allRows(sandbox)).map((row) => String(row.session_id)).sort();

/** A record with a backup `copy.db` and one session more than that. */
async function backedUp(t: TestContext): Promise<Sandbox> {
  const sandbox = createSandbox(t);
  await recordHistory(sandbox, [
    { id: "open", from },
    { id: "ended", from, to: "2024-03-10T09:00:00Z" },
  ]);
  await runWell(sandbox, ["backup", "copy.db"]);
  await withStore(sandbox, (store) => record(store, startEvent({}, { sessionId: "later" })));
  return sandbox;
}

/** The one record that was kept. */
function keptIn({ home }: Sandbox): string {
  const names = readdirSync(home).filter((name) => name.includes("before-restore"));
  assert.equal(names.length, 1, names.join(" "));
  assert.match(names[0] ?? "", /^sessions\.db\.before-restore-\d{8}T\d{6}\.\d{3}Z$/);
  return join(home, names[0] ?? "");
}

async function idsIn(t: TestContext, file: string): Promise<string[]> {
  const other = createSandbox(t);
  await runWell(other, ["restore", file, "--yes"]);
  return idsOf(other);
}

test("without --yes the backup is looked at, and nothing is changed", async (t) => {
  const sandbox = await backedUp(t);
  const before = readdirSync(sandbox.home);
  const words =
    /^Would restore \/\S+\/copy\.db: 2 sessions, 1 of them open, from 3 events\. Add --yes to put it in the place of the record\.\n$/;
  assert.match(await runWell(sandbox, ["restore", "copy.db"]), words);
  const row = JSON.parse(await runWell(sandbox, ["restore", "copy.db", "--json"]));
  const file = join(sandbox.folder, "copy.db");
  assert.deepEqual(row, { file, sessions: 2, open: 1, events: 3, restored: false, kept: null });
  assert.deepEqual(readdirSync(sandbox.home), before);
  assert.deepEqual(
    readdirSync(sandbox.folder).filter((name) => name.startsWith("copy")),
    ["copy.db"],
  );
  assert.equal((await idsOf(sandbox)).length, 3);
});

test("with --yes the backup is the record, and what was there is kept whole beside it", async (t) => {
  const sandbox = await backedUp(t);
  const backup = readFileSync(join(sandbox.folder, "copy.db"));
  const printed = await runWell(sandbox, ["restore", "copy.db", "--yes"]);
  const kept = keptIn(sandbox);
  assert.equal(printed.split("\n")[1], `What was there is kept as ${kept}.`);
  assert.deepEqual(await idsOf(sandbox), ["ended", "open"]);
  for (const file of [kept, databaseOf(sandbox)]) assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.ok(readFileSync(join(sandbox.folder, "copy.db")).equals(backup), "the backup stays as it is");
  assert.deepEqual(await idsIn(t, kept), ["ended", "later", "open"]);
  const left = readdirSync(sandbox.home).filter((name) => /^sessions\.db/.test(name));
  assert.equal(left.length, 2, left.join(" "));
  await assertSound(sandbox.home);
});

test("after kill -9 of a server the backup is restored with every session, and the log of the old one is in the old one", async (t) => {
  const sandbox = createSandbox(t);
  let server = await sandbox.serve();
  const start = () => callTool(server.url, "track_session_start", startArguments());
  for (let round = 0; round < 10; round += 1) await Promise.all(Array.from({ length: 20 }, start));
  await runWell(sandbox, ["backup", "copy.db"]);
  const later = await Promise.all(Array.from({ length: 20 }, start));
  assert.ok(later.every(({ status }) => status === "tracked"));
  await server.stop("SIGKILL");
  assert.ok(statSync(`${databaseOf(sandbox)}-wal`).size > 0);
  await runWell(sandbox, ["restore", "copy.db", "--yes"]);
  server = await sandbox.serve();
  assert.equal((await idsOf(sandbox)).length, 200);
  assert.equal((await start()).status, "tracked");
  assert.equal((await idsIn(t, keptIn(sandbox))).length, 220);
  await server.stop();
  await assertSound(sandbox.home);
});

const damages: readonly (readonly [name: string, damage: (path: string) => void, isKept: boolean])[] = [
  ["missing", (path) => rmSync(path), false],
  ["of no bytes", (path) => writeFileSync(path, ""), true],
  ["shorter than a header", (path) => writeFileSync(path, "notes\n"), true],
  ["noise", (path) => writeFileSync(path, randomBytes(9_000)), true],
  [
    "damaged in its pages",
    (path) => {
      const content = readFileSync(path);
      randomBytes(content.length - 4_096).copy(content, 4_096);
      writeFileSync(path, content);
    },
    true,
  ],
  [
    "written by a newer version",
    (path) => {
      const database = new DatabaseSync(path);
      database.exec("PRAGMA user_version = 99");
      database.close();
    },
    true,
  ],
];

for (const [name, damage, isKept] of damages) {
  test(`a backup is restored where the record is ${name}`, async (t) => {
    const sandbox = await backedUp(t);
    damage(databaseOf(sandbox));
    const damaged = isKept ? readFileSync(databaseOf(sandbox)) : null;
    const row = JSON.parse(await runWell(sandbox, ["restore", "copy.db", "--yes", "--json"]));
    assert.equal(row.restored, true);
    assert.equal(row.kept, isKept ? keptIn(sandbox) : null);
    if (damaged !== null) assert.ok(readFileSync(row.kept).equals(damaged), "it is kept as it was");
    assert.deepEqual(await idsOf(sandbox), ["ended", "open"]);
    await assertSound(sandbox.home);
  });
}

test("a log that is left of a record that is gone spoils nothing", async (t) => {
  const sandbox = await backedUp(t);
  const server = await sandbox.serve();
  for (let count = 0; count < 30; count += 1) await callTool(server.url, "track_session_start", startArguments());
  await server.stop("SIGKILL");
  for (const damage of [
    () => rmSync(databaseOf(sandbox)),
    () => writeFileSync(databaseOf(sandbox), randomBytes(9_000)),
  ]) {
    copyFileSync(`${databaseOf(sandbox)}-wal`, join(sandbox.folder, "old-wal"));
    damage();
    await runWell(sandbox, ["restore", "copy.db", "--yes"]);
    assert.deepEqual(await idsOf(sandbox), ["ended", "open"]);
    await assertSound(sandbox.home);
    const logs = readdirSync(sandbox.home).filter((name) => /before-restore-.*-wal$/.test(name));
    const old = readFileSync(join(sandbox.folder, "old-wal"));
    assert.ok(
      logs.some((name) => readFileSync(join(sandbox.home, name)).equals(old)),
      "the log is kept",
    );
    for (const name of logs) rmSync(join(sandbox.home, name));
    renameSync(join(sandbox.folder, "old-wal"), `${databaseOf(sandbox)}-wal`);
  }
});

test("an older record is brought up to date while it can still be refused", async (t) => {
  const sandbox = createSandbox(t);
  const { sessions } = writeVersion(join(sandbox.folder, "copy.db"), 1);
  await runWell(sandbox, ["restore", "copy.db", "--yes"]);
  assert.deepEqual(await idsOf(sandbox), sessions.map(({ session_id }) => session_id).toSorted());
});

/** Changes one name in one index, which no count and no copy notices. */
function damageIndex(path: string): void {
  const database = new DatabaseSync(path);
  const sql = "SELECT rootpage AS page FROM sqlite_schema WHERE name = 'sessions_by_hostname'";
  const page = Number(database.prepare(sql).get()?.page);
  const name = String(database.prepare("SELECT hostname FROM sessions LIMIT 1").get()?.hostname);
  database.close();
  const content = readFileSync(path);
  const at = content.indexOf(name, (page - 1) * 4_096);
  assert.ok(at > 0 && at < page * 4_096);
  content.write("x", at);
  writeFileSync(path, content);
}

const notBackups: readonly (readonly [name: string, make: (path: string) => void, status: number, words: RegExp])[] = [
  ["missing", (path) => rmSync(path), 2, /there is no file \S+copy\.db/],
  ["empty", (path) => writeFileSync(path, ""), 5, /copy\.db is not a record of session-buddy/],
  ["noise", (path) => writeFileSync(path, randomBytes(9_000)), 5, /copy\.db is damaged, or not a database/],
  [
    "another program's",
    (path) => {
      rmSync(path);
      new DatabaseSync(path).exec("CREATE TABLE sessions (a)");
    },
    5,
    /copy\.db is not a record of session-buddy/,
  ],
  [
    "newer",
    (path) => new DatabaseSync(path).exec("PRAGMA user_version = 99"),
    5,
    /newer session-buddy \(schema 99, this one knows \d+\); update/,
  ],
  [
    "damaged in its pages",
    (path) => {
      const content = readFileSync(path);
      randomBytes(content.length - 8_192).copy(content, 8_192);
      writeFileSync(path, content);
    },
    5,
    /copy\.db is damaged/,
  ],
  ["damaged in one index", damageIndex, 5, /copy\.db is damaged: .*missing from index/],
  ["cut off", (path) => writeFileSync(path, readFileSync(path).subarray(0, 20_000)), 5, /copy\.db is damaged/],
];

for (const [name, make, status, words] of notBackups) {
  test(`a backup that is ${name} is refused, and the record stays as it is`, async (t) => {
    const sandbox = await backedUp(t);
    make(join(sandbox.folder, "copy.db"));
    const before = readFileSync(databaseOf(sandbox));
    const names = readdirSync(sandbox.home);
    for (const more of [[], ["--yes"]]) {
      assertRefused(await sandbox.run(["restore", "copy.db", ...more]), status, words);
      assert.deepEqual(readdirSync(sandbox.home), names);
      assert.ok(readFileSync(databaseOf(sandbox)).equals(before));
    }
  });
}

test("what is not a regular file is refused, and not waited for", async (t) => {
  const sandbox = await backedUp(t);
  execFileSync("mkfifo", [join(sandbox.folder, "pipe")]);
  for (const name of ["pipe", "home", "/dev/zero"]) {
    assertRefused(await sandbox.run(["restore", name, "--yes"]), 2, /is not a regular file/);
  }
});

test("the record itself is no backup, by whatever name", async (t) => {
  const sandbox = await backedUp(t);
  symlinkSync(databaseOf(sandbox), join(sandbox.folder, "link.db"));
  for (const file of [databaseOf(sandbox), "link.db"]) {
    assertRefused(await sandbox.run(["restore", file, "--yes"]), 2, /is the database itself; name a backup of it/);
  }
});

test("a record that another program holds is waited for, and left alone when that takes too long", async (t) => {
  const sandbox = await backedUp(t);
  const names = readdirSync(sandbox.home);
  const lock = await holdLock(t, databaseOf(sandbox));
  assertRefused(await sandbox.run(["restore", "copy.db", "--yes"]), 5, /is locked by another process/);
  await lock.release();
  assert.deepEqual(readdirSync(sandbox.home), names);
  assert.equal((await idsOf(sandbox)).length, 3);
});

test("on a full disk the record stays as it is", async (t) => {
  const disk = await createSmallDisk(t, createSandbox(t), 1_024);
  const ids = [];
  for (let count = 0; count < 3; count += 1) ids.push((await disk.run(["start"])).stdout.trimEnd());
  const copy = join(disk.folder, "copy.db");
  assert.equal((await disk.run(["backup", copy])).status, 0);
  const listed = async () => (await disk.shell('ls "$DISK/sb"')).stdout;
  const before = await listed();
  for (const bytesLeft of [0, 16 * 1024, 64 * 1024]) {
    await disk.fill(bytesLeft);
    assertRefused(await disk.run(["restore", copy, "--yes"]), 5, /sessions\.db cannot grow because the disk is full/);
    assert.equal(await listed(), before);
    await disk.free();
  }
  const { stdout } = await disk.run(["list", "--all", "--json"]);
  assert.equal(JSON.parse(stdout).length, new Set(ids).size);
  assert.equal((await disk.run(["restore", copy, "--yes"])).status, 0);
});

test("doctor, the message about a damaged record and the last line of a backup name restore", async (t) => {
  const sandbox = await backedUp(t);
  assert.match(
    await runWell(sandbox, ["backup", "second.db"]),
    /; 'session-buddy restore FILE' puts it in the place of the record\.\n$/,
  );
  const content = readFileSync(databaseOf(sandbox));
  randomBytes(content.length - 4_096).copy(content, 4_096);
  writeFileSync(databaseOf(sandbox), content);
  assertRefused(await sandbox.run(["list"]), 5, /'session-buddy restore FILE'/);
  assert.match((await sandbox.run(["doctor"])).stdout, /problem +database .*\n?.*session-buddy restore FILE/);
});
