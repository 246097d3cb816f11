/** Proves that a path is followed as the system follows it, whatever links are on the way. */
import assert from "node:assert/strict";
import { chmodSync, mkdirSync, realpathSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { follow, shellWord } from "../../../src/host/trusted-path.ts";
import { runToEnd } from "../../support/sandbox.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

test("links, relative and absolute, in chains, with .. behind them, lead where they lead the system", (t) => {
  const folder = realpathSync(temporaryFolder(t));
  mkdirSync(join(folder, "a/b/c"), { recursive: true });
  mkdirSync(join(folder, "other/deep"), { recursive: true });
  writeFileSync(join(folder, "a/file"), "");
  symlinkSync("../other/deep", join(folder, "a/relative"));
  symlinkSync(join(folder, "a"), join(folder, "absolute"));
  symlinkSync("absolute/./relative/", join(folder, "chain"));
  symlinkSync("..", join(folder, "a/b/up"));
  symlinkSync("/", join(folder, "root"));
  const paths = ["a/b/c", "a/relative", "absolute", "chain", "a/b/up", "a/b/up/b", "absolute/b/../file", "a//b/./c/"];
  for (const path of [...paths, "chain/..", "a/relative/../..", "root", "..", "."]) {
    const full = `${folder}/${path}`;
    const place = follow(full);
    assert.deepEqual([place.path, place.issue], [realpathSync.native(full), null], path);
    assert.notEqual(place.stats, null);
  }
});

test("a relative path begins where the process is", () => {
  assert.equal(follow("package.json").path, realpathSync("package.json"));
});

test("what is missing is told with no link left before it", (t) => {
  const folder = realpathSync(temporaryFolder(t));
  mkdirSync(join(folder, "there"));
  symlinkSync("there", join(folder, "link"));
  symlinkSync("gone", join(folder, "nowhere"));
  for (const [path, leads] of [
    ["link/missing/below", "there/missing/below"],
    ["nowhere/below", "gone/below"],
  ] as const) {
    assert.deepEqual(follow(join(folder, path)), { path: join(folder, leads), stats: null, issue: null });
  }
});

test("links that go round, and a way through a file, are errors", (t) => {
  const folder = temporaryFolder(t);
  symlinkSync("two", join(folder, "one"));
  symlinkSync("one", join(folder, "two"));
  assert.throws(() => follow(join(folder, "one/x")), /ELOOP/);
  writeFileSync(join(folder, "file"), "");
  assert.throws(() => follow(join(folder, "file/x")), /ENOTDIR/);
});

test("a step where others may write is told, but for one like /tmp and for what is at the end", (t) => {
  const folder = realpathSync(temporaryFolder(t));
  const step = join(folder, "it's");
  mkdirSync(join(step, "in"), { recursive: true });
  for (const [mode, isTold] of [
    [0o777, true],
    [0o757, true],
    [0o1777, false],
    [0o755, false],
  ] as const) {
    chmodSync(step, mode);
    assert.equal(follow(join(step, "in")).issue !== null, isTold, mode.toString(8));
    assert.equal(follow(join(step, "missing")).issue !== null, isTold, mode.toString(8));
    assert.equal(follow(step).issue, null);
  }
});

test("a path in a remedy is one word of a shell, whatever it holds", async () => {
  for (const path of ["/a b", "/it's", `/"$HOME"'\\\n*`]) {
    assert.equal((await runToEnd("/bin/sh", ["-c", `printf %s ${shellWord(path)}`])).stdout, path);
  }
});
