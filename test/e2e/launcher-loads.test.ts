/**
 * Proves that a start, an end and a list load nothing they have no need of, and compile nothing: it would cost every shell
 * that opens. As they are run, by the launcher, with what the same Node.js has built.
 */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { test } from "node:test";
import { buildWith } from "../support/build.ts";
import { oldestNode } from "../support/packages.ts";
import { createSandbox, launcher, type Outcome, root, runToEnd, type Sandbox } from "../support/sandbox.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const dist = join(root, "dist");
/** The one that the launcher takes of itself. */
const newestNode = join(root, "node_modules/node/bin/node");
const runtimes: ReadonlyMap<string, string> = new Map([
  ["the newest Node.js", newestNode],
  ["the oldest Node.js", oldestNode()],
]);

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

test("what asks the record of the machine is loaded by questions, and named by neither a start nor an end", () => {
  const names = (file: string) => readFileSync(join(dist, file), "latin1").includes("machine-record");
  assert.deepEqual(
    ["start", "end"].filter((verb) => names(`${verb}.cjs`)),
    [],
  );
  const questions = ["list", "show", "why", "current", "stats", "timeline", "watch"];
  assert.deepEqual(
    questions.filter((verb) => !names(`${verb}.cjs`)),
    [],
  );
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

interface Watched {
  readonly outcome: Outcome;
  readonly loaded: Loaded;
}

/** Runs a command of the program by this launcher and this Node.js. */
async function watch(sandbox: Sandbox, program: string, node: string, args: readonly string[]): Promise<Watched> {
  const spy = join(sandbox.folder, "spy.cjs");
  const note = join(sandbox.folder, "note.json");
  const watchedNode = join(sandbox.folder, "node");
  writeFileSync(spy, spySource);
  writeFileSync(watchedNode, `#!/bin/sh\nexec '${node}' --require '${spy}' "$@"\n`, { mode: 0o700 });
  const outcome = await runToEnd(program, args, {
    env: { ...sandbox.env, SESSION_BUDDY_NODE: watchedNode, DIST: dirname(dirname(program)), NOTE: note },
    cwd: sandbox.folder,
  });
  assert.equal(outcome.status, 0, outcome.stderr);
  const { files, compiled, builtins } = JSON.parse(readFileSync(note, "utf8")) as Loaded;
  const names = (paths: readonly string[]) => [...new Set(paths.map((path) => basename(path)))];
  return { outcome, loaded: { files: names(files), compiled: names(compiled), builtins } };
}

const loadedBy = async (sandbox: Sandbox, args: readonly string[]) =>
  (await watch(sandbox, launcher, newestNode, args)).loaded;

/** Parts of Node.js that are slow to load; a list may look at its terminal through `net`, which a shell waits for less. */
const heavy = ["child_process", "http", "https", "net", "crypto", "fs/promises", "worker_threads", "tls"];
const heavyForList = heavy.filter((name) => name !== "net");

for (const [name, node] of runtimes) {
  test(`start, end and list read their own file alone, and compile nothing, on ${name}; a table has one more`, async (t) => {
    const sandbox = createSandbox(t);
    const program = await buildWith(temporaryFolder(t), node);
    // The first of all makes the tables.
    const first = (await watch(sandbox, program, node, ["start", "--component", "first"])).loaded;
    assert.deepEqual(first.files, ["entry.cjs", "main.cjs", "start.cjs", "migrations.cjs"]);
    const file = join(sandbox.folder, "state");
    const cases: readonly (readonly [command: string, args: readonly string[]])[] = [
      ["start", []],
      ["start", ["--state-file", file]],
      ["end", ["--state-file", file]],
      ["list", []],
      ["list", ["--all", "--json"]],
    ];
    for (const [command, args] of cases) {
      const { files, compiled, builtins } = (await watch(sandbox, program, node, [command, ...args])).loaded;
      const late = command !== "list" ? [] : ["history.cjs", ...(args.includes("--json") ? [] : ["session-table.cjs"])];
      assert.deepEqual(files, ["entry.cjs", "main.cjs", `${command}.cjs`, ...late], args.join(" "));
      assert.deepEqual(compiled, [], "the code cache fits, so that nothing is compiled");
      assert.deepEqual(
        (command === "list" ? heavyForList : heavy).filter((name) => builtins.includes(name)),
        [],
        `${command} ${args.join(" ")}`,
      );
    }
    const id = (await sandbox.run(["start"])).stdout.trimEnd();
    const { loaded } = await watch(sandbox, program, node, ["end", id]);
    assert.deepEqual(loaded.files, ["entry.cjs", "main.cjs", "end.cjs"]);
  });
}

test("the code caches are made with the flags that the launcher gives, whichever these are", async (t) => {
  const sandbox = createSandbox(t);
  const other = join(sandbox.folder, "launcher");
  // Each V8 takes a cache that was made without this flag for one that does not fit.
  writeFileSync(other, readFileSync(launcher, "utf8").replace('exec "$node" ', 'exec "$node" --max-lazy '), {
    mode: 0o700,
  });
  const program = await buildWith(temporaryFolder(t), newestNode, other);
  assert.deepEqual((await watch(sandbox, program, newestNode, ["start"])).loaded.compiled, []);
});

test("what one Node.js has built runs on another without a word, and is compiled there", async (t) => {
  const sandbox = createSandbox(t);
  const program = await buildWith(temporaryFolder(t), newestNode);
  const { outcome, loaded } = await watch(sandbox, program, oldestNode(), ["start"]);
  assert.match(outcome.stdout, /^\S+\n$/);
  assert.equal(outcome.stderr, "");
  assert.deepEqual(loaded.compiled, ["main.cjs", "start.cjs", "migrations.cjs"]);
});

test("settings are loaded when there are some, and only then", async (t) => {
  const sandbox = createSandbox(t);
  await sandbox.run(["config", "set", "component", "kept"]);
  assert.ok((await loadedBy(sandbox, ["start"])).files.includes("settings-file.cjs"));
});
