/** Proves that the marks in a spool are the service's, and that there is one while its disk is full. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, lstatSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { isMark, keepMarks } from "../../../src/capture/spool-marks.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

/** A disk of 64 KiB, which only root can mount; anybody else gets a folder. */
function createDisk(t: TestContext, limit = "size=64k"): string {
  const mounted: string[] = [];
  // Before the folder is removed.
  t.after(() => mounted.forEach((folder) => void execFileSync("umount", [folder])));
  const folder = temporaryFolder(t);
  if (process.geteuid?.() !== 0) return folder;
  execFileSync("mount", ["-t", "tmpfs", "-o", limit, "none", folder]);
  mounted.push(folder);
  return folder;
}

test("what users put under the name of a mark is no mark", (t) => {
  const folder = temporaryFolder(t);
  for (const name of [".full", ".remote", ".room"]) {
    assert.ok(isMark(name));
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, "x"), "");
  }
  keepMarks(folder, false);
  const names = readdirSync(folder).filter((name) => name !== ".room");
  assert.equal(names.length, 3);
  assert.ok(names.every((name) => name.endsWith(".rejected")));
  assert.ok(lstatSync(join(folder, ".room")).isFile());
  symlinkSync("/etc/passwd", join(folder, ".remote"));
  keepMarks(folder, true);
  assert.ok(lstatSync(join(folder, ".remote")).isFile());
});

test("a full disk is marked, and one that has room again is not", (t) => {
  const folder = createDisk(t);
  const filler = join(folder, "filler");
  const mark = join(folder, ".full");
  execFileSync("sh", ["-c", 'head -c 262144 /dev/zero > "$1" 2>/dev/null || true', "sh", filler]);
  keepMarks(folder, false);
  assert.equal(existsSync(mark), process.geteuid?.() === 0);
  rmSync(filler);
  keepMarks(folder, false);
  assert.ok(!existsSync(mark));
});

test("a disk that has no inode left is full too, and is marked although nothing can be made there", (t) => {
  const folder = createDisk(t, "nr_inodes=8");
  keepMarks(folder, false);
  for (let at = 0; at < 8; at += 1) {
    execFileSync("sh", ["-c", 'touch "$1" 2>/dev/null || true', "sh", join(folder, String(at))]);
  }
  keepMarks(folder, false);
  assert.equal(existsSync(join(folder, ".full")), process.geteuid?.() === 0);
  rmSync(join(folder, "0"));
  keepMarks(folder, false);
  assert.ok(!existsSync(join(folder, ".full")));
});
