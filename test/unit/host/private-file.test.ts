/** Proves that files with secrets are read only when nobody else can, and written whole, private and not over another's change. */
import assert from "node:assert/strict";
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { createPrivateFile, readPrivateFile, replacePrivateFile } from "../../../src/host/private-file.ts";
import { refusal } from "../../support/refusals.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const secretFile = { kind: "secret file", name: "THE_FILE", isSecret: () => true };
const read = (path: string, isSecret = true) => readPrivateFile(path, { ...secretFile, isSecret: () => isSecret });
const modeOf = (path: string) => statSync(path).mode & 0o777;

test("a file is read in every mode in which nobody else can look into it, and in no other", (t) => {
  const path = join(temporaryFolder(t), "secret");
  writeFileSync(path, "text");
  for (const mode of [0o600, 0o400, 0o700]) {
    chmodSync(path, mode);
    assert.equal(read(path).text, "text");
  }
  for (const mode of [0o640, 0o604, 0o620, 0o602, 0o610, 0o601, 0o666, 0o777]) {
    chmodSync(path, mode);
    assert.throws(
      () => read(path),
      refusal("auth.secret", /^the secret file \S+ is open to other users; .*chmod 600 '/),
    );
  }
});

test("what is no secret may be read by others, but never be written by them", (t) => {
  const path = join(temporaryFolder(t), "public");
  writeFileSync(path, "text");
  for (const mode of [0o644, 0o444, 0o600]) {
    chmodSync(path, mode);
    assert.equal(read(path, false).text, "text");
  }
  for (const mode of [0o664, 0o646, 0o622, 0o666]) {
    chmodSync(path, mode);
    assert.throws(() => read(path, false), refusal("auth.secret", /is open to other users/));
  }
});

test("a file that is not there, or is a folder, is refused by the name of what names it", (t) => {
  const folder = temporaryFolder(t);
  chmodSync(folder, 0o700);
  assert.throws(() => read(join(folder, "gone")), refusal("auth.secret", /^THE_FILE cannot be read: ENOENT/));
  assert.throws(() => read(folder), refusal("auth.secret", /^THE_FILE cannot be read: it is not a regular file/));
  assert.throws(() => read(""), refusal("auth.secret", /^THE_FILE cannot be read: it has no name/));
});

test("a new file is for its owner alone whatever the umask, and never takes the place of another", (t) => {
  const folder = temporaryFolder(t);
  const path = join(folder, "keys");
  const before = process.umask(0);
  try {
    createPrivateFile(path, "one");
  } finally {
    process.umask(before);
  }
  assert.equal(modeOf(path), 0o600);
  assert.throws(
    () => createPrivateFile(path, "two"),
    refusal("usage", `${path} is there already; it is left as it was`),
  );
  symlinkSync(join(folder, "nowhere"), join(folder, "link"));
  assert.throws(() => createPrivateFile(join(folder, "link"), "two"), refusal("usage", /is there already/));
  assert.equal(readFileSync(path, "utf8"), "one");
  assert.deepEqual(readdirSync(folder).sort(), ["keys", "link"]);
  assert.throws(
    () => createPrivateFile(join(folder, "no/keys"), "x"),
    refusal("storage.unavailable", /cannot be written/),
  );
});

test("a file is replaced in one step, with the mode that it had; a link to it stays a link", (t) => {
  const folder = temporaryFolder(t);
  const path = join(folder, "keys");
  const link = join(folder, "link");
  writeFileSync(path, "one");
  chmodSync(path, 0o644);
  symlinkSync(path, link);
  const before = statSync(path).ino;
  replacePrivateFile(read(link, false), "two");
  assert.equal(readFileSync(path, "utf8"), "two");
  assert.notEqual(statSync(path).ino, before);
  assert.equal(modeOf(path), 0o644);
  assert.ok(lstatSync(link).isSymbolicLink());
  assert.deepEqual(readdirSync(folder).sort(), ["keys", "link"]);
});

test("the owner and the group of a replaced file stay, so that root does not shut a service out", (t) => {
  const path = join(temporaryFolder(t), "keys");
  createPrivateFile(path, "one");
  const { uid, gid } = statSync(path);
  // Root alone can give a file away; another user keeps its own.
  const owner = uid === 0 ? { uid: 1, gid: 1 } : { uid, gid };
  chownSync(path, owner.uid, owner.gid);
  replacePrivateFile(readPrivateFile(path, { ...secretFile, isAdministered: true }), "two");
  assert.deepEqual([statSync(path).uid, statSync(path).gid], [owner.uid, owner.gid]);
});

test("what another program wrote meanwhile is not overwritten, and nothing is left beside it", (t) => {
  const folder = temporaryFolder(t);
  const path = join(folder, "keys");
  createPrivateFile(path, "one");
  const file = read(path);
  writeFileSync(path, "by another");
  assert.throws(() => replacePrivateFile(file, "two"), refusal("storage.unavailable", /changed by another program/));
  assert.equal(readFileSync(path, "utf8"), "by another");
  assert.deepEqual(readdirSync(folder), ["keys"]);
  mkdirSync(join(folder, "sub"));
  assert.throws(
    () => replacePrivateFile({ ...file, path: join(folder, "sub/keys") }, "two"),
    refusal("storage.unavailable", /changed by another program/),
  );
});
