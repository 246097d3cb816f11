/** Proves what a state file says, however much of it is there, and which files are refused. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chownSync, existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import {
  cacheSessionId,
  createStateFile,
  parseStateFile,
  readStateFile,
  readWritten,
  removeStateFile,
  setAside,
} from "../../../src/capture/state-file.ts";
import { refusal } from "../../support/refusals.ts";
import { recordBytes } from "../../support/shells/state-files.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const eventId = "6ba7b810-9dad-41d1-80b4-00c04fd430c8";
const bootId = "0f8fad5b-d9cb-469f-a165-70867728950e";
const name = `${bootId}.4711.123456`;
const fields = { id: eventId, time: "1770381296.789012", pid: "4711", shell: "bash", cwd: "/home/les/a=b\n." };
const start = recordBytes("start/1", fields);
const session = recordBytes("session/1", { id: "mahavishnu-20260206-123456" });
const end = recordBytes("end/1", { time: "1770381300", code: "130", reason: "exit" });
const largestBytes = 65_536;
const nobody = 65_534;

const parse = (...parts: readonly Buffer[]) => parseStateFile(Buffer.concat(parts), `/state/${name}`);

test("a file is read record by record, in any order of them", () => {
  for (const parts of [
    [start, session, end],
    [end, start, session],
    [session, end, start],
  ]) {
    const file = parse(...parts);
    assert.deepEqual(Object.fromEntries(file.start?.fields ?? []), fields);
    assert.deepEqual(Object.fromEntries(file.end?.fields ?? []), { time: "1770381300", code: "130", reason: "exit" });
    assert.deepEqual([file.start?.isTorn, file.end?.isTorn], [false, false]);
    assert.equal(file.sessionId, "mahavishnu-20260206-123456");
    assert.equal(file.eventId, eventId);
  }
});

test("of two records of a kind the first counts", () => {
  const second = recordBytes("start/1", { ...fields, id: "7ba7b810-9dad-41d1-80b4-00c04fd430c8", pid: "5" });
  const other = recordBytes("session/1", { id: "other" });
  const file = parse(start, second, session, other);
  assert.equal(file.start?.fields.get("pid"), "4711");
  assert.equal(file.eventId, eventId);
  assert.equal(file.sessionId, "mahavishnu-20260206-123456");
});

test("what is cut off after any byte says what was whole, and nothing else", () => {
  const all = Buffer.concat([start, session, end]);
  const firstKnown = "\0start/1".length;
  for (let length = 0; length <= all.length; length += 1) {
    const cut = all.subarray(0, length);
    if (length < firstKnown) {
      assert.throws(
        () => parse(cut),
        refusal("invalid", /does not hold the record of a shell/),
        `after ${length} bytes`,
      );
      continue;
    }
    const file = parse(cut);
    const whole = Object.entries(fields).slice(0, file.start?.fields.size);
    assert.deepEqual([...(file.start?.fields ?? [])], whole, `after ${length} bytes`);
    // The last byte of a record closes its last entry, which is known for what it is without it.
    assert.equal(file.start?.isTorn, length < start.length - 1);
    if (whole.length > 0) assert.equal(file.eventId, eventId);
    assert.equal(file.sessionId !== null, length >= start.length + session.length - 1);
    const isEndKnown = length >= start.length + session.length + "\0end/1".length;
    assert.equal(file.end !== null, isEndKnown);
    if (isEndKnown) assert.equal(file.end?.isTorn, length < all.length - 1);
  }
});

test("a record after one that was cut off at any byte is read whole", () => {
  for (let length = 0; length < start.length; length += 1) {
    const file = parse(start.subarray(0, length), end);
    assert.deepEqual(Object.fromEntries(file.end?.fields ?? []), { time: "1770381300", code: "130", reason: "exit" });
    assert.equal(file.end?.isTorn, false);
    for (const [key, value] of file.start?.fields ?? []) assert.equal(value, fields[key as keyof typeof fields]);
  }
});

test("a start without an id of its own gets one from what the file says, always the same", () => {
  const { id, ...others } = fields;
  const plain = recordBytes("start/1", others);
  const made = parse(plain).eventId;
  assert.match(made, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.equal(parse(plain, session, end).eventId, made);
  assert.equal(parse(plain, end.subarray(0, 9)).eventId, made);
  assert.notEqual(parse(recordBytes("start/1", { ...others, pid: "4712" })).eventId, made);
  assert.notEqual(parseStateFile(plain, `/state/${name}.1`).eventId, made);
  for (const bad of ["", "x", eventId.toUpperCase(), "00000000-0000-0000-0000-000000000000", `${eventId}\n`]) {
    assert.notEqual(parse(recordBytes("start/1", { ...others, id: bad })).eventId, bad);
  }
});

test("paths that are not UTF-8 stay different from each other", () => {
  const paths = [[0x61, 0xff], [0x61, 0xfe], [0x61, 0xc3, 0xa9, 0xff], [0x61, 0xef, 0xbf, 0xbd], [0x61]].map(
    Buffer.from,
  );
  const texts = paths.map((cwd) => parse(recordBytes("start/1", { cwd })).start?.fields.get("cwd"));
  assert.deepEqual(texts, ["a\\xff", "a\\xfe", "a\\xc3\\xa9\\xff", "a\uFFFD", "a"]);
});

test("a file's name tells its process, and another name tells none", (t) => {
  const folder = temporaryFolder(t);
  const named = { bootId, pid: 4711, startTicks: "123456" };
  const cases = [
    [name, named],
    [`${name}.2`, named],
    ["any-name", null],
    [`${name}.`, null],
    [`${bootId}.4711`, null],
  ] as const;
  for (const [file, expected] of cases) {
    const path = join(folder, file);
    writeFileSync(path, start);
    assert.deepEqual(readStateFile(path)?.process, expected, file);
  }
});

test("a file that was made holds its start, for its owner alone; the session id is added once", (t) => {
  const path = join(temporaryFolder(t), name);
  createStateFile(path, fields);
  assert.ok(readFileSync(path).equals(start));
  assert.equal(statSync(path).mode & 0o777, 0o600);
  cacheSessionId(path, "first");
  cacheSessionId(path, "second");
  const file = readStateFile(path);
  assert.equal(file?.sessionId, "first");
  assert.ok(file.createdMs > 0 && file.createdMs <= file.changedMs);
});

test("a file that is gone is no failure: nothing to read, to add to or to remove", (t) => {
  const path = join(temporaryFolder(t), name);
  assert.equal(readStateFile(path), null);
  cacheSessionId(path, "x");
  assert.equal(existsSync(path), false);
  removeStateFile(path);
});

test("a file that is made at this moment is waited for, and one that stays empty is refused", async (t) => {
  const [made, empty] = ["made", "empty"].map((file) => join(temporaryFolder(t), file)) as [string, string];
  for (const path of [made, empty]) writeFileSync(path, "", { mode: 0o600 });
  const reading = readWritten(made);
  writeFileSync(made, start);
  assert.equal((await reading)?.eventId, eventId);
  await assert.rejects(readWritten(empty), refusal("invalid", /does not hold the record of a shell/));
  assert.equal(await readWritten(`${made}.gone`), null);
});

test("a file that is set aside keeps what it holds under another name", (t) => {
  const path = join(temporaryFolder(t), name);
  writeFileSync(path, "no state file");
  setAside(path);
  assert.equal(existsSync(path), false);
  assert.equal(readFileSync(`${path}.rejected`, "utf8"), "no state file");
});

test("a full disk and a missing folder are told in our words", (t) => {
  assert.throws(() => cacheSessionId("/dev/full", "x"), refusal("storage.unavailable", /cannot be written: ENOSPC/));
  const path = join(temporaryFolder(t), "missing", name);
  assert.throws(() => createStateFile(path, fields), refusal("invalid", /is in a folder that does not exist/));
});

const refusedFiles: readonly (readonly [what: string, make: (path: string) => void, words: RegExp])[] = [
  ["a symbolic link to a good file", (path) => link(path), /is a symbolic link/],
  ["a symbolic link to nothing", (path) => symlinkSync("nowhere", path), /is a symbolic link/],
  ["a folder", (path) => mkdirSync(path), /is not a regular file/],
  ["a named pipe", (path) => execFileSync("mkfifo", [path]), /is not a regular file/],
  ["an empty file", (path) => writeFileSync(path, ""), /does not hold the record of a shell/],
  ["some other file", (path) => writeFileSync(path, "start/1 pid=5\n"), /does not hold the record of a shell/],
  ["a file that is too large", (path) => writeFileSync(path, sized(largestBytes + 1)), /is too large for a state file/],
];
for (const [what, make, words] of refusedFiles) {
  test(`${what} is refused`, (t) => {
    const path = join(temporaryFolder(t), name);
    make(path);
    assert.throws(() => readStateFile(path), refusal("invalid", words));
  });
}

test("the largest file is read", (t) => {
  const path = join(temporaryFolder(t), name);
  writeFileSync(path, sized(largestBytes));
  assert.equal(readStateFile(path)?.eventId, eventId);
});

test("another user's file is refused", (t) => {
  const path = join(temporaryFolder(t), name);
  writeFileSync(path, start);
  if (process.geteuid?.() === 0) chownSync(path, nobody, nobody);
  // Without the right to give a file away, one that everybody has from the administrator does.
  const anothers = process.geteuid?.() === 0 ? path : "/etc/passwd";
  assert.throws(() => readStateFile(anothers), refusal("invalid", /belongs to another user/));
});

function link(path: string): void {
  writeFileSync(`${path}.target`, start);
  symlinkSync(`${path}.target`, path);
}

function sized(bytes: number): Buffer {
  return Buffer.concat([start, Buffer.alloc(bytes - start.length)]);
}
