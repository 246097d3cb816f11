/** Proves that a private folder is made for its owner alone, and refused when anybody else could get at it. */
import assert from "node:assert/strict";
import { chmodSync, chownSync, mkdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ensurePrivateFolder } from "../../../src/host/private-folder.ts";
import { refusal } from "../../support/refusals.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const nobody = 65_534;

function refuses(path: string, words: RegExp): void {
  assert.throws(() => ensurePrivateFolder(path, "data folder"), refusal("storage.unavailable", words));
}

test("a folder that is missing is made with its parents, open to nobody else, whatever the umask", (t) => {
  const umask = process.umask(0);
  t.after(() => process.umask(umask));
  const parent = join(temporaryFolder(t), "a");
  ensurePrivateFolder(join(parent, "b"), "data folder");
  ensurePrivateFolder(join(parent, "b"), "data folder");
  for (const path of [parent, join(parent, "b")]) assert.equal(statSync(path).mode & 0o777, 0o700);
});

for (const mode of [0o770, 0o701, 0o740, 0o755, 0o777]) {
  const digits = `0${mode.toString(8)}`;
  test(`a folder of mode ${digits} is refused with the command that closes it, and left as it is`, (t) => {
    const path = join(temporaryFolder(t), "folder");
    mkdirSync(path);
    chmodSync(path, mode);
    refuses(
      path,
      new RegExp(`^the data folder \\S+ is open to other users \\(mode ${digits}\\); close it with: chmod 700 '`),
    );
    assert.equal(statSync(path).mode & 0o777, mode);
  });
}

test("a file in place of the folder, or of one above it, is refused", (t) => {
  const path = join(temporaryFolder(t), "file");
  writeFileSync(path, "", { mode: 0o600 });
  refuses(path, /is not a folder; move it away$/);
  refuses(join(path, "below"), /cannot be (looked at|made): ENOTDIR/);
});

test("a link to nowhere and a name that no folder can have are refused", (t) => {
  const path = join(temporaryFolder(t), "link");
  symlinkSync("nowhere", path);
  refuses(path, /cannot be made/);
  refuses("\0", /cannot be looked at/);
  refuses(join(path, "x".repeat(300)), /cannot be (looked at|made)/);
});

test("another user's folder is refused", (t) => {
  const path = join(temporaryFolder(t), "folder");
  mkdirSync(path, { mode: 0o700 });
  if (process.geteuid?.() === 0) chownSync(path, nobody, nobody);
  // Without the right to give a folder away, the administrator's own does.
  const anothers = process.geteuid?.() === 0 ? path : "/";
  refuses(anothers, /belongs to user id \d+, not to \d+; run as its owner, or set SESSION_BUDDY_HOME$/);
});
