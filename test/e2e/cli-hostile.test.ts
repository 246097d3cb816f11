/** Proves that nothing from outside reaches a terminal raw, and that readers and folders that go away do no harm. */
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { allRows, runWell, type SessionRow } from "../support/rows.ts";
import { createSandbox, launcher, type Outcome, runToEnd } from "../support/sandbox.ts";

/** A forged line, a terminal escape, C1's own escape, a text that turns around, a line separator; emoji is fine. */
const hostile = "a\nINFO - forged\r\x1b[2Jb\x9bc\u202ed\u2066e\u2028f\u200f\ttab 😀";
/** Everything of it that a terminal would act on, the line ends of our own output aside. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const raw = /[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/;

function assertShownSafely(outcome: Outcome, context: string): void {
  for (const text of [outcome.stdout, outcome.stderr]) {
    assert.doesNotMatch(text, raw, context);
    assert.doesNotMatch(text, /^INFO - forged/m, context);
  }
}

test("hostile text in every value is escaped where it is shown, and kept as it was", async (t) => {
  const sandbox = createSandbox(t);
  const cwd = join(sandbox.folder, `dir ${hostile}`);
  mkdirSync(cwd);
  const start = await sandbox.run(["start", "--shell-type", hostile, "--metadata", `${hostile}=${hostile}`, "--json"], {
    cwd,
  });
  const row: SessionRow = JSON.parse(start.stdout);
  assert.deepEqual([row.shell_type, row.cwd], [hostile, cwd]);
  const id = String(row.session_id);
  assert.equal((await sandbox.run(["end", id, "--reason", hostile])).status, 0);
  assert.equal((await allRows(sandbox))[0]?.end_reason, hostile);

  assertShownSafely(start, "start --json");
  for (const args of [
    ["list", "--all"],
    ["list", "--all", "--json"],
    ["list", "--all", "--format", "ndjson"],
    ["why", id],
    ["why", id, "--json"],
    ["timeline", "--json"],
    ["show", id],
    ["show", id, "--json"],
  ]) {
    const outcome = await sandbox.run(args);
    assert.equal(outcome.status, 0);
    assert.match(outcome.stdout, /😀/);
    assertShownSafely(outcome, args.join(" "));
  }
  assert.equal((await runWell(sandbox, ["list", "--all"])).trimEnd().split("\n").length, 2, "one session is one line");
});

/** Command lines that are refused; `hostile` is repeated in the message. */
const refused: readonly (readonly string[])[] = [
  [hostile],
  [`--${hostile}`],
  ["start", hostile],
  ["start", `--${hostile}`],
  ["start", "--pid", hostile],
  ["start", "--metadata", hostile],
  ["start", "--component", hostile],
  ["start", "--state-file", `missing/${hostile}`],
  ["end", hostile],
  ["end", "--state-file", hostile],
  ["show", hostile],
  ["serve", "--port", hostile],
  ["token", "--ttl", hostile],
  ["token", "--user-id", hostile],
  ["token", "verify", hostile],
  ["token", "inspect", "--file", `missing/${hostile}`],
  ["token", "keys", "list", "--file", `missing/${hostile}`],
  ["config", hostile],
  ["config", "get", hostile],
  ["config", "set", "component", hostile],
];

test("hostile arguments are escaped in every message about them, those of commander too", async (t) => {
  const sandbox = createSandbox(t);
  for (const args of refused) {
    const outcome = await sandbox.run(args, { env: { SESSION_BUDDY_SECRET: "s".repeat(32) } });
    assert.ok([1, 2, 3, 4, 5].includes(outcome.status ?? -1), `${JSON.stringify(args)}: ${outcome.stderr}`);
    assertShownSafely(outcome, JSON.stringify(args));
  }
});

test("hostile values of the environment are escaped in the messages about them", async (t) => {
  const sandbox = createSandbox(t);
  for (const name of [
    "SESSION_BUDDY_HOME",
    "SESSION_BUDDY_COMPONENT",
    "SESSION_BUDDY_SECRET_FILE",
    "SESSION_BUDDY_KEYS_FILE",
  ]) {
    const outcome = await sandbox.run([name.includes("FILE") ? "token" : "list"], { env: { [name]: hostile } });
    assert.notEqual(outcome.status, 0, name);
    assertShownSafely(outcome, name);
  }
});

test("a reader that stops reading, as head does, is no failure", async (t) => {
  const sandbox = createSandbox(t);
  const cwd = join(sandbox.folder, ...Array.from({ length: 15 }, () => "d".repeat(200)));
  mkdirSync(cwd, { recursive: true });
  // More than a pipe holds, so that the program is still writing when its reader is gone.
  for (let count = 0; count < 24; count += 1) {
    await runWell(sandbox, ["start", "--component", `c${count}`], { cwd });
  }
  for (const args of ["list --all", "list --json", "--help", "start --help"]) {
    const script = `"$0" ${args} | head -n 1; echo "\${PIPESTATUS[0]}"`;
    const { stdout, stderr } = await runToEnd("bash", ["-c", script, launcher], { env: sandbox.env });
    assert.match(stdout, /\n0\n$/, args);
    assert.equal(stderr, "", args);
  }
});

test("output that cannot be written is a storage failure in words; lost messages leave the exit status", async (t) => {
  const sandbox = createSandbox(t);
  const run = (script: string) => runToEnd("bash", ["-c", script, launcher], { env: sandbox.env });
  const full = await run(`"$0" start >/dev/full`);
  assert.equal(full.status, 5);
  assert.match(full.stderr, /^session-buddy: standard output cannot be written: ENOSPC[^\n]*\n$/);
  assert.equal((await run(`"$0" nonsense 2>/dev/full`)).status, 2);
  assert.equal((await run(`"$0" nonsense 2>&1 | true; exit "\${PIPESTATUS[0]}"`)).status, 2);
  assert.equal((await run(`"$0" list >&-`)).status, 0);
});

test("a shell whose directory was removed can be recorded and ended", async (t) => {
  const sandbox = createSandbox(t);
  const script = `mkdir "$1" && cd "$1" && rmdir "$1" && "$0" start && "$0" list --all --json`;
  const gone = join(sandbox.folder, "gone");
  const { status, stdout } = await runToEnd("bash", ["-c", script, launcher, gone], { env: sandbox.env });
  assert.equal(status, 0);
  const [id, listed] = stdout.split("\n");
  assert.equal(JSON.parse(listed ?? "")[0].session_id, id);
  await runWell(sandbox, ["end", id ?? ""]);
});
