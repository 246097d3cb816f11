/** Proves that the launcher finds the program and a fitting Node.js from anywhere, or says what is missing. */
import assert from "node:assert/strict";
import { chmodSync, chownSync, cpSync, existsSync, lchownSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { test } from "node:test";
import {
  createSandbox,
  launcher,
  type Outcome,
  type RunOptions,
  root,
  runToEnd,
  type Sandbox,
} from "../support/sandbox.ts";

const version = /^\d+\.\d+\.\d+\n$/;

/** Runs something that must end up in `session-buddy --version`. */
async function assertRuns(program: string, args: readonly string[], options: RunOptions): Promise<void> {
  const outcome = await runToEnd(program, [...args, "--version"], options);
  assert.deepEqual([outcome.status, outcome.stderr], [0, ""], `${program} ${args.join(" ")}`);
  assert.match(outcome.stdout, version);
}

/** The environment of a user who has chosen no Node.js, whichever the suite runs on. */
function plainEnvironment({ env }: Sandbox): Record<string, string> {
  const { SESSION_BUDDY_NODE: _, ...plain } = env;
  return plain;
}

/** Copies the program, without a Node.js of its own. */
function copyProgram(to: string, parts: readonly string[] = ["bin", "dist"]): string {
  for (const part of parts) cpSync(join(root, part), join(to, part), { recursive: true });
  return join(to, "bin/session-buddy");
}

test("it runs by its path, from another directory, from PATH and as an argument of sh", async (t) => {
  const { env, folder } = createSandbox(t);
  await assertRuns(launcher, [], { env, cwd: folder });
  await assertRuns("bin/session-buddy", [], { env, cwd: root });
  await assertRuns("./session-buddy", [], { env, cwd: join(root, "bin") });
  await assertRuns("sh", ["session-buddy"], { env, cwd: join(root, "bin") });
  await assertRuns("sh", ["bin/session-buddy"], { env, cwd: root });
  await assertRuns("bash", ["--posix", "bin/session-buddy"], { env, cwd: root });
  const path = `${join(root, "bin")}${delimiter}${env.PATH}`;
  await assertRuns("sh", ["-c", 'session-buddy "$@"', "sh"], { env: { ...env, PATH: path }, cwd: folder });
});

if (process.geteuid?.() === 0) {
  test("under sudo and doas no Node.js is run that another user could have put there", async (t) => {
    const { env, folder } = createSandbox(t);
    const place = join(folder, "a b");
    const node = join(place, "node");
    const link = join(folder, "link");
    mkdirSync(place, { mode: 0o755 });
    writeFileSync(node, "#!/bin/sh\necho was run\n", { mode: 0o755 });
    symlinkSync(node, link);
    const run = (given: string, by: Readonly<Record<string, string>> = { SUDO_UID: "12345" }) =>
      runToEnd(launcher, [], { env: { ...env, ...by, SESSION_BUDDY_NODE: given } });
    const assertRun = async (outcome: Promise<Outcome>) => assert.equal((await outcome).stdout, "was run\n");
    const assertNotRun = async (outcome: Promise<Outcome>) => {
      const { status, stdout, stderr } = await outcome;
      assert.deepEqual([status, stdout], [126, ""]);
      assert.match(stderr, /^session-buddy: another user could have put the Node\.js there [^\n]* unset [^\n]*\n$/);
    };
    // Whoever owns a link can let it lead elsewhere at any time, so that the look is at what it leads to, and that is run.
    lchownSync(link, 12_345, 12_345);
    for (const given of [node, link]) await assertRun(run(given));
    for (const path of [node, place]) {
      chmodSync(path, 0o757);
      for (const given of [node, link]) await assertNotRun(run(given));
      await assertNotRun(run(node, { DOAS_USER: "somebody" }));
      chmodSync(path, 0o755);
      chownSync(path, 12_345, 0);
      await assertNotRun(run(node));
      // The administrator's own choice is nobody else's.
      for (const by of [{}, { SUDO_UID: "0" }]) await assertRun(run(node, by));
      chownSync(path, 0, 0);
    }
    await assertRun(run(node));
  });
}

test("it runs through a chain of links, relative and absolute, in folders that are links themselves", async (t) => {
  const { env, folder } = createSandbox(t);
  mkdirSync(join(folder, "a b/deep"), { recursive: true });
  symlinkSync(launcher, join(folder, "absolute"));
  symlinkSync("../../absolute", join(folder, "a b/deep/relative"));
  symlinkSync("deep/relative", join(folder, "a b/first"));
  symlinkSync(root, join(folder, "checkout"));
  await assertRuns(join(folder, "a b/first"), [], { env, cwd: "/" });
  await assertRuns("./first", [], { env, cwd: join(folder, "a b") });
  await assertRuns("sh", ["first"], { env, cwd: join(folder, "a b") });
  await assertRuns(join(folder, "checkout/bin/session-buddy"), [], { env, cwd: "/" });
  const path = `${join(folder, "a b")}${delimiter}${env.PATH}`;
  await assertRuns("sh", ["-c", 'first "$@"', "sh"], { env: { ...env, PATH: path }, cwd: "/" });
});

test("it passes every argument on as it is", async (t) => {
  const sandbox = createSandbox(t);
  const outcome = await sandbox.run(["show", "a b  c'\"$HOME*\\"]);
  assert.equal(outcome.status, 1);
  assert.ok(outcome.stderr.includes("no session a b  c'\"$HOME*\\ is on record"), outcome.stderr);
});

test("SESSION_BUDDY_NODE chooses the Node.js, and is named when there is none at it", async (t) => {
  const { env, folder } = createSandbox(t);
  await assertRuns(launcher, [], { env: { ...env, SESSION_BUDDY_NODE: process.execPath } });
  await assertRuns(launcher, [], { env: { ...env, SESSION_BUDDY_NODE: "" } });
  const missing = join(folder, "no-node");
  const outcome = await runToEnd(launcher, ["--version"], { env: { ...env, SESSION_BUDDY_NODE: missing } });
  assert.deepEqual([outcome.status, outcome.stdout], [127, ""]);
  assert.match(
    outcome.stderr,
    /^session-buddy: no Node\.js at '[^\n]*no-node'; install Node\.js 24 or newer, or set .*\n$/,
  );
});

test("without a Node.js of its own it takes the one on PATH, and says so when there is none", async (t) => {
  const sandbox = createSandbox(t);
  const { folder } = sandbox;
  const env = plainEnvironment(sandbox);
  const copy = copyProgram(join(folder, "copy"));
  mkdirSync(join(folder, "path"));
  symlinkSync(process.execPath, join(folder, "path/node"));
  await assertRuns(copy, [], { env: { ...env, PATH: join(folder, "path") } });
  for (const PATH of ["", join(folder, "empty")]) {
    const outcome = await runToEnd(copy, ["--version"], { env: { ...env, PATH }, cwd: folder });
    assert.deepEqual([outcome.status, outcome.stdout], [127, ""]);
    assert.match(outcome.stderr, /^session-buddy: no Node\.js at 'node'; install Node\.js 24 or newer[^\n]*\n$/);
  }
});

test("a program that is not built says how to build it", async (t) => {
  const { env, folder } = createSandbox(t);
  const outcome = await runToEnd(copyProgram(join(folder, "copy"), ["bin"]), ["start"], { env });
  assert.deepEqual([outcome.status, outcome.stdout], [127, ""]);
  assert.match(outcome.stderr, /^session-buddy: the program is not built; run 'npm ci' in its checkout\n$/);
});

test("a Node.js that is too old is refused in words, with its version and what to do", async (t) => {
  const { env, folder } = createSandbox(t);
  const pretend = join(folder, "pretend.cjs");
  writeFileSync(
    pretend,
    `Object.defineProperty(process, "versions", { value: { ...process.versions, node: process.env.VERSION } });`,
  );
  const run = (VERSION: string) =>
    runToEnd(process.execPath, ["-r", pretend, join(root, "dist/entry.cjs"), "--version"], {
      env: { ...env, VERSION },
    });
  for (const old of ["8.17.0", "20.20.2", "23.11.1"]) {
    const { status, stdout, stderr } = await run(old);
    assert.deepEqual([status, stdout], [126, ""]);
    assert.match(
      stderr,
      /^session-buddy: Node\.js 24 or newer is needed, this is \S+ \([^\n]*SESSION_BUDDY_NODE[^\n]*\n$/,
    );
    assert.ok(stderr.includes(old));
  }
  for (const fitting of ["24.0.0", "100.1.0"]) assert.match((await run(fitting)).stdout, version);
});

test("variables that are meant for other programs change nothing", async (t) => {
  const { env, folder } = createSandbox(t);
  const shout = join(folder, "shout.cjs");
  writeFileSync(shout, `console.log("shout")`);
  await assertRuns(launcher, [], {
    env: { ...env, NODE_OPTIONS: `--inspect --require=${shout}`, NODE_EXTRA_CA_CERTS: join(folder, "missing.pem") },
  });
});

test("no variable has a runtime or a library write a file or read one, as they do without the launcher", async (t) => {
  const { env, folder } = createSandbox(t);
  const written = ["coverage", "cache", "warnings"].map((name) => join(folder, name));
  const [NODE_V8_COVERAGE = "", NODE_COMPILE_CACHE = "", NODE_REDIRECT_WARNINGS = ""] = written;
  const writing = { ...env, NODE_V8_COVERAGE, NODE_COMPILE_CACHE, NODE_REDIRECT_WARNINGS };
  const broken = join(folder, "openssl.cnf");
  writeFileSync(broken, "nodejs_conf = [\n[nodejs_conf\n");
  const reading = { ...env, OPENSSL_CONF: broken };
  await assertRuns(launcher, [], { env: writing });
  await assertRuns(launcher, ["token", "keys", "create"], { env: reading });
  assert.deepEqual(written.map(existsSync), [false, false, false]);
  // What is looked for is there to be found.
  const entry = join(root, "dist/entry.cjs");
  const warn = `require(${JSON.stringify(entry)}); process.emitWarning("seen")`;
  const node = (args: readonly string[], more: Readonly<Record<string, string>>) =>
    runToEnd(join(root, "node_modules/node/bin/node"), args, { env: more });
  await node(["-e", warn, "--", "--version"], writing);
  assert.deepEqual(written.map(existsSync), [true, true, true]);
  assert.notEqual((await node([entry, "--version"], reading)).status, 0);
});

/** What Node.js says of its environment in `--help`, but for what changes no more than its looks and its speed. */
const harmless = ["FORCE_COLOR", "NO_COLOR", "NODE_SKIP_PLATFORM_CHECK", "TZ", "UV_THREADPOOL_SIZE"];

test("every variable that Node.js names in its help is unset, and no other", async (t) => {
  const sandbox = createSandbox(t);
  const { folder } = sandbox;
  const env = plainEnvironment(sandbox);
  const { stdout: help } = await runToEnd(join(root, "node_modules/node/bin/node"), ["--help"], { env });
  const section = help.slice(help.indexOf("\nEnvironment variables:\n"));
  const named = [...section.matchAll(/^([A-Z][A-Z0-9_]+)(?: |$)/gm)].map(([, name = ""]) => name);
  assert.ok(named.includes("NODE_V8_COVERAGE") && named.includes("NODE_TLS_REJECT_UNAUTHORIZED"), help);
  const libraries = ["NODE_OPTIONS", "NODE_COMPILE_CACHE", "OPENSSL_CONF", "OPENSSL_MODULES", "OPENSSL_ENGINES"];
  const others = { OTHER: "kept", LD_LIBRARY_PATH: folder, ...env };
  const stand = join(folder, "node");
  writeFileSync(stand, "#!/bin/sh\nenv\n", { mode: 0o700 });
  const set = Object.fromEntries([...named, ...libraries].map((name) => [name, folder]));
  const given = { ...set, ...others, SESSION_BUDDY_NODE: stand };
  const { stdout } = await runToEnd(launcher, [], { env: given });
  const left = stdout.split("\n").map((line) => line.slice(0, line.indexOf("=")));
  assert.deepEqual(
    Object.keys(given)
      .filter((name) => left.includes(name))
      .toSorted(),
    [...Object.keys(others), ...harmless, "SESSION_BUDDY_NODE"].toSorted(),
  );
});
