/** Proves that what the code cites is in the checkout, and that the maps of it name what is there. */
import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { root } from "../support/sandbox.ts";
import { checkCitations, checkPaths, contract, sectionsIn } from "./citations.ts";
import { floors } from "./rooms.ts";
import { formatFinding } from "./source.ts";

const map = "src/README.md";
const isInstalled = (path: string) => path === "node_modules";
const read = (path: string) => readFileSync(join(root, path), "utf8");
const sectionsOf = (path: string) => (existsSync(join(root, path)) ? sectionsIn(read(path)) : null);
const planned = ["page", "delivery", "formats"];

test("every section that is cited exists", () => {
  const sources = globSync(["{src,test,.ci}/**/*.{ts,cjs,md}", "{bin,shell-hooks}/*"], {
    cwd: root,
    exclude: isInstalled,
  });
  assert.ok(sources.length > 200, "the files are not where they are looked for");
  const findings = sources.toSorted().flatMap((path) => checkCitations(path, read(path), sectionsOf));
  assert.deepEqual(findings.map(formatFinding), []);
});

test("a section that does not exist, and a document that is not here, are found where they are cited", () => {
  const sections = (path: string) => (path === "NOWHERE.md" ? null : new Set(["1", "2", "3"]));
  const found = (text: string) =>
    checkCitations("src/a.ts", text, sections).map(({ line, message }) => `${line}: ${message}`);
  // In two parts, or this file would cite it.
  const section = (numbers: string) => `sec${"tion"} ${numbers}`;
  assert.deepEqual(found(`/** As in the contract (${section("3")}). */`), []);
  assert.deepEqual(found(`\n/** As in contract ${section("9")}. */`), [`2: ${contract} has no ${section("9")}`]);
  assert.deepEqual(found(`/** sec${"tions"} 1, 2 and 7 */`), [`1: ${contract} has no ${section("7")}`]);
  assert.deepEqual(found(`/** See \`src/README.md\` ${section("8")} */`), [`1: src/README.md has no ${section("8")}`]);
  assert.deepEqual(found(`/** See \`NOWHERE.md\` ${section("1")} */`), ["1: NOWHERE.md is not in the checkout"]);
  assert.deepEqual(found(`/**\n * RFC 7515\n * ${section("7.1")}; JSON-RPC 2.0, ${section("5.1")} */`), []);
  assert.deepEqual(found(`/**\n * The contract,\n * ${section("4.2")} */`), [
    `3: ${contract} has no ${section("4.2")}`,
  ]);
});

test("each section of the contract names suites that prove it, and all of them are there", () => {
  const text = read(contract);
  const exists = (path: string) => globSync(path, { cwd: join(root, dirname(contract)) }).length > 0;
  assert.deepEqual(checkPaths(contract, text, exists).map(formatFinding), []);
  const sections = text.split(/^## (?=\d+\. )/m).slice(1);
  assert.equal(sections.length, 8);
  for (const section of sections) assert.match(section, /\n\nProven by [^\n]*`[\w./-]+\.test\.ts`/);
});

test("the map names every room, and only what is there", () => {
  const text = read(map);
  const exists = (path: string) =>
    planned.includes(path.slice(0, -1)) || [root, join(root, "src")].some((folder) => existsSync(join(folder, path)));
  assert.deepEqual(checkPaths(map, text, exists).map(formatFinding), []);
  const drawn = /^cli\/ [\s\S]*?^tracker\/ /m.exec(text)?.[0] ?? "";
  for (const room of floors.flat().filter((name) => !planned.includes(name))) {
    assert.ok(new RegExp(String.raw`(?:^| )${room}(?:\/|\.ts) `, "m").test(drawn), room);
  }
});

test("a path that is not there is found in a document", () => {
  const found = checkPaths(
    map,
    "`tracker/fold.ts`\n`tracker/gone.ts`, `event_id`, `kill -9`",
    (path) => !path.includes("gone"),
  );
  assert.deepEqual(found.map(formatFinding), [`${map}:2: citation: there is no tracker/gone.ts`]);
});
