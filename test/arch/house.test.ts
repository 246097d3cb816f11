/** Proves that the source keeps the rules of the house (`src/README.md` sections 4 and 6). */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { globSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { root } from "../support/sandbox.ts";
import { packageRooms } from "./rooms.ts";
import { check, checkTopLevel } from "./rules.ts";
import { createSource, formatFinding } from "./source.ts";

test("every file of src keeps to its room and to the habits", () => {
  const paths = globSync("src/**/*.ts", { cwd: root }).sort();
  assert.ok(paths.length > 20, "the source is not where it is looked for");
  const sources = paths.map((path) => createSource(path, readFileSync(join(root, path), "utf8")));
  assert.deepEqual(check(sources).map(formatFinding), []);
});

test("the top level of the checkout holds what the design allows and nothing else", () => {
  assert.deepEqual(checkTopLevel(topLevelNames()).map(formatFinding), []);
});

test("every dependency has a room", () => {
  const { dependencies } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  assert.deepEqual([...packageRooms.keys()].sort(), Object.keys(dependencies).sort());
});

test("every package has one exact version, in the checkout or among what tests alone need", () => {
  const manifests = ["package.json", "test/package.json"].map((path) =>
    JSON.parse(readFileSync(join(root, path), "utf8")),
  );
  const named = manifests.flatMap((manifest) =>
    ["dependencies", "devDependencies", "optionalDependencies"].flatMap((kind) => Object.entries(manifest[kind] ?? {})),
  );
  const names = named.map(([name]) => name);
  assert.deepEqual([...new Set(names)], names);
  for (const [name, version] of named) assert.match(String(version), /^\d+\.\d+\.\d+(?:-[\w.]+)?$/, name);
});

/** What version control keeps; without it, everything but what is made here. */
function topLevelNames(): string[] {
  try {
    const listed = execFileSync("git", ["ls-files"], {
      cwd: root,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
    const paths = listed.trimEnd().split("\n");
    return [...new Set(paths.map((path) => path.split("/")[0] ?? ""))];
  } catch {
    return readdirSync(root).filter((name) => name !== "dist" && name !== "node_modules");
  }
}
