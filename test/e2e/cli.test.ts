/** Proves what start, end, list and show do and print, option by option. */
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { hostname, userInfo } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { allRows, assertRefused, rowKeys, runWell, type SessionRow } from "../support/rows.ts";
import { createSandbox } from "../support/sandbox.ts";

const rfc3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{3,9})?Z$/;

test("start prints the id of a session that has everything the options say", async (t) => {
  const sandbox = createSandbox(t);
  const options = ["--component", "deploy", "--shell-type", "zsh", "--pid", String(process.pid)];
  const printed = await runWell(sandbox, ["start", ...options, "--metadata", "ticket=4711", "why=a=b", "empty="]);
  assert.match(printed, /^deploy-\d{8}-\d{6}\n$/);

  const [row] = await allRows(sandbox);
  assert.match(String(row?.started_at), rfc3339);
  assert.deepEqual(row, {
    ...row,
    session_id: printed.trimEnd(),
    state: "active",
    component_name: "deploy",
    shell_type: "zsh",
    pid: process.pid,
    hostname: hostname(),
    username: userInfo().username,
    cwd: sandbox.folder,
    started_at: row?.started_at,
    ended_at: null,
    ended_after: null,
    ended_before: null,
    duration_ms: null,
    exit_code: null,
    end_reason: null,
    ended_by: null,
    signal: null,
    uid: userInfo().uid,
  });
});

test("start without options records the caller, under the default component", async (t) => {
  const sandbox = createSandbox(t);
  const row: SessionRow = JSON.parse(await runWell(sandbox, ["start", "--json"]));
  assert.match(String(row.session_id), /^shell-\d{8}-\d{6}$/);
  assert.equal(row.pid, process.pid);
  assert.equal(row.component_name, "shell");
  assert.notEqual(row.shell_type, "");
});

test("start --json, end --json, show --json and list --json have exactly the promised keys", async (t) => {
  const sandbox = createSandbox(t);
  const started: SessionRow = JSON.parse(await runWell(sandbox, ["start", "--json"]));
  const id = String(started.session_id);
  const { home, platform, duration_basis, process, events, ...shown } = JSON.parse(
    await runWell(sandbox, ["show", id, "--json"]),
  );
  assert.deepEqual(shown, started);
  assert.ok([home, platform, duration_basis, process, events].every((value) => value !== undefined));
  const ended: SessionRow = JSON.parse(await runWell(sandbox, ["end", id, "--json"]));
  const [listed] = await allRows(sandbox);
  assert.deepEqual(listed, ended);
  for (const row of [started, ended]) assert.deepEqual(Object.keys(row), [...rowKeys]);
});

test("end records the exit code and the reason, prints nothing, and counts once", async (t) => {
  const sandbox = createSandbox(t);
  const id = (await runWell(sandbox, ["start"])).trimEnd();
  assert.equal(await runWell(sandbox, ["end", id, "--exit-code", "3", "--reason", "hangup"]), "");
  const first = await allRows(sandbox);
  assert.equal(first[0]?.state, "ended");
  assert.equal(first[0]?.exit_code, 3);
  assert.equal(first[0]?.end_reason, "hangup");
  assert.match(String(first[0]?.ended_at), rfc3339);
  assert.ok(Number.isInteger(first[0]?.duration_ms) && Number(first[0]?.duration_ms) >= 0);

  await runWell(sandbox, ["end", id, "--exit-code", "0", "--reason", "exit"]);
  assert.deepEqual(await allRows(sandbox), first);
});

test("list shows the open sessions alone, --all the ended ones too, newest first", async (t) => {
  const sandbox = createSandbox(t);
  const first = (await runWell(sandbox, ["start", "--component", "one"])).trimEnd();
  const second = (await runWell(sandbox, ["start", "--component", "two"])).trimEnd();
  await runWell(sandbox, ["end", first]);
  const open: SessionRow[] = JSON.parse(await runWell(sandbox, ["list", "--json"]));
  assert.deepEqual(
    open.map((row) => row.session_id),
    [second],
  );
  assert.deepEqual(
    (await allRows(sandbox)).map((row) => row.session_id),
    [second, first],
  );
  const [header, ...lines] = (await runWell(sandbox, ["list", "--all"])).trimEnd().split("\n");
  assert.match(header ?? "", /^SESSION +STATE +USER +HOST +SHELL +PID +STARTED +ENDED +EXIT +DIRECTORY$/);
  assert.equal(lines.length, 2);
  assert.ok(lines[0]?.startsWith(second) && lines[1]?.startsWith(first));
});

test("an empty list says so on standard error, and is [] as JSON", async (t) => {
  const sandbox = createSandbox(t);
  const plain = await sandbox.run(["list"]);
  assert.deepEqual([plain.status, plain.stdout], [0, ""]);
  assert.match(plain.stderr, /^No sessions are open\. .*--all/);
  assert.match((await sandbox.run(["list", "--all"])).stderr, /^No sessions are on record yet\.\n$/);
  assert.equal(await runWell(sandbox, ["list", "--json"]), "[]\n");
});

test("an id that is not on record is exit status 1 for end, show and why, with the way to the ids", async (t) => {
  const sandbox = createSandbox(t);
  for (const command of ["end", "show", "why"]) {
    assertRefused(await sandbox.run([command, "no-such-session"]), 1, /no session no-such-session is .*list --all/);
  }
});

test("start in a folder with a space, a quote and letters of another script keeps its name", async (t) => {
  const sandbox = createSandbox(t);
  const cwd = join(sandbox.folder, "a b'c\"д");
  mkdirSync(cwd);
  const row: SessionRow = JSON.parse(await runWell(sandbox, ["start", "--json"], { cwd }));
  assert.equal(row.cwd, cwd);
});
