/** Proves that a start, an end and a list load nothing they have no need of: it would cost every shell that opens. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { test } from "node:test";
import { createSandbox, root, runToEnd, type Sandbox } from "../support/sandbox.ts";

const dist = join(root, "dist");
/** The one that the launcher takes, and that the code cache was made with. */
const pinnedNode = join(root, "node_modules/node/bin/node");

/** A text that only this package's own code holds, so that a bundle with the package in it can be told. */
const marks: ReadonlyMap<string, string> = new Map([
  ["@modelcontextprotocol/sdk", "notifications/initialized"],
  ["zod", "invalid_union"],
  ["conf", "Config schema violation"],
  ["jose", "ERR_JWS_SIGNATURE_VERIFICATION_FAILED"],
  ["commander", "commander.unknownOption"],
  ["chalk", "TEAMCITY_VERSION"],
  ["string-width", "ambiguousIsNarrow"],
]);

/** The files of the bundle that are loaded without settings and without a secret, and the packages that may be inside. */
const light: readonly (readonly [file: string, packages: readonly string[]])[] = [
  ["entry.cjs", []],
  ["main.cjs", ["commander"]],
  ["start.cjs", []],
  ["end.cjs", []],
  ["list.cjs", []],
  ["show.cjs", ["chalk", "string-width"]],
];

const holds = (file: string, name: string) => readFileSync(join(dist, file), "latin1").includes(marks.get(name) ?? "");

test("the marks tell the packages: each is in the file that is made for it", () => {
  assert.ok(holds("serve.cjs", "@modelcontextprotocol/sdk") && holds("serve.cjs", "zod"));
  assert.ok(holds("session-table.cjs", "chalk") && holds("session-table.cjs", "string-width"));
  assert.ok(
    holds("settings-file.cjs", "conf") &&
      holds("serve.cjs", "jose") &&
      holds("token-verify.cjs", "jose") &&
      holds("main.cjs", "commander"),
  );
});

test("the files of the light commands hold no package but commander in the command table", () => {
  for (const [file, packages] of light) {
    assert.deepEqual(
      [...marks.keys()].filter((name) => holds(file, name)),
      packages,
      file,
    );
  }
});

interface Loaded {
  readonly files: readonly string[];
  /** Files of which the code cache was not there or did not fit. */
  readonly compiled: readonly string[];
  readonly builtins: readonly string[];
}

/** Loaded before the bundle; notes what it reads and compiles, and what of Node.js is in use at the end. */
const spySource = `
  const fs = require("node:fs");
  const vm = require("node:vm");
  const { readFileSync, writeFileSync } = fs;
  const noted = { files: [], compiled: [] };
  fs.readFileSync = (path, ...rest) => {
    if (String(path).startsWith(process.env.DIST) && String(path).endsWith(".cjs")) noted.files.push(String(path));
    return readFileSync(path, ...rest);
  };
  vm.Script = class extends vm.Script {
    constructor(source, options) {
      super(source, options);
      if (this.cachedDataRejected !== false) noted.compiled.push(options.filename);
    }
  };
  process.on("exit", () => {
    const builtins = process.moduleLoadList.filter((name) => name.startsWith("NativeModule ")).map((name) => name.slice(13));
    writeFileSync(process.env.NOTE, JSON.stringify({ ...noted, builtins }));
  });`;

async function loadedBy(sandbox: Sandbox, args: readonly string[]): Promise<Loaded> {
  const spy = join(sandbox.folder, "spy.cjs");
  const note = join(sandbox.folder, "note.json");
  writeFileSync(spy, spySource);
  const outcome = await runToEnd(pinnedNode, ["-r", spy, join(dist, "entry.cjs"), ...args], {
    env: { ...sandbox.env, DIST: dist, NOTE: note },
    cwd: sandbox.folder,
  });
  assert.equal(outcome.status, 0, outcome.stderr);
  const { files, compiled, builtins } = JSON.parse(readFileSync(note, "utf8")) as Loaded;
  const names = (paths: readonly string[]) => [...new Set(paths.map((path) => basename(path)))];
  return { files: names(files), compiled: names(compiled), builtins };
}

/** Parts of Node.js that are slow to load; a list may look at its terminal through `net`, which a shell waits for less. */
const heavy = ["child_process", "http", "https", "net", "crypto", "fs/promises", "worker_threads", "tls"];
const heavyForList = heavy.filter((name) => name !== "net");

test("start, end and list read their own file alone, and no slow part of Node.js; a table has one more", async (t) => {
  const sandbox = createSandbox(t);
  const file = join(sandbox.folder, "state");
  const cases: readonly (readonly [command: string, args: readonly string[]])[] = [
    ["start", []],
    ["start", ["--state-file", file]],
    ["end", ["--state-file", file]],
    ["list", []],
    ["list", ["--all", "--json"]],
  ];
  for (const [command, args] of cases) {
    const { files, compiled, builtins } = await loadedBy(sandbox, [command, ...args]);
    const table = command === "list" && !args.includes("--json") ? ["session-table.cjs"] : [];
    assert.deepEqual(files, ["entry.cjs", "main.cjs", `${command}.cjs`, ...table], args.join(" "));
    assert.deepEqual(compiled, [], "the code cache fits, so that nothing is compiled");
    assert.deepEqual(
      (command === "list" ? heavyForList : heavy).filter((name) => builtins.includes(name)),
      [],
      `${command} ${args.join(" ")}`,
    );
  }
  const id = (await sandbox.run(["start"])).stdout.trimEnd();
  assert.deepEqual((await loadedBy(sandbox, ["end", id])).files, ["entry.cjs", "main.cjs", "end.cjs"]);
});

test("settings are loaded when there are some, and only then", async (t) => {
  const sandbox = createSandbox(t);
  await sandbox.run(["config", "set", "component", "kept"]);
  assert.ok((await loadedBy(sandbox, ["start"])).files.includes("settings-file.cjs"));
});
