/** Proves what is said about a working directory of this machine (contract section 1). */
import assert from "node:assert/strict";
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { directoryProblem } from "../../../src/host/directory.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const nobody = 65_534;

test("a directory and a link to one are in order", async (t) => {
  const folder = temporaryFolder(t);
  symlinkSync(folder, join(folder, "link"));
  for (const path of [folder, "/", join(folder, "link"), `${folder}/./`])
    assert.equal(await directoryProblem(path), null);
});

test("what is not there does not exist", async (t) => {
  const folder = temporaryFolder(t);
  symlinkSync("nowhere", join(folder, "dangling"));
  const missing = [
    "",
    "\0",
    `${folder}\0`,
    join(folder, "no"),
    join(folder, "dangling"),
    join(folder, "x".repeat(5_000)),
  ];
  for (const path of missing) assert.equal(await directoryProblem(path), "does not exist");
});

test("a file, and what lies below a file, is not a directory", async (t) => {
  const file = join(temporaryFolder(t), "file");
  writeFileSync(file, "");
  for (const path of [file, join(file, "below")]) assert.equal(await directoryProblem(path), "is not a directory");
});

test("links in a circle are not accessible", async (t) => {
  const path = join(temporaryFolder(t), "loop");
  symlinkSync(path, path);
  assert.equal(await directoryProblem(path), "is not accessible");
});

test("a directory behind one that this user may not enter is not accessible", async (t) => {
  const closed = join(temporaryFolder(t), "closed");
  mkdirSync(join(closed, "inside"), { recursive: true });
  chmodSync(closed, 0);
  // The administrator may enter everywhere, so the look is taken as somebody else.
  const isAdministrator = process.geteuid?.() === 0;
  if (isAdministrator) process.seteuid?.(nobody);
  try {
    assert.equal(await directoryProblem(join(closed, "inside")), "is not accessible");
  } finally {
    if (isAdministrator) process.seteuid?.(0);
    chmodSync(closed, 0o700);
  }
});
