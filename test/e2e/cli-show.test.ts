/** Proves what show, why and current tell about sessions of real processes, and that why's proof can be checked again. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { realpathSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type TestContext, test } from "node:test";
import { assertRefused, rowKeys, runWell } from "../support/rows.ts";
import { createSandbox, launcher, runToEnd, type Sandbox } from "../support/sandbox.ts";
import { recordHistory } from "../support/store/history.ts";

interface Probe {
  readonly name: string;
  readonly recorded: string | number | null;
  readonly seen: string | number | null;
  readonly outcome: string;
  readonly command: string | null;
}

/** A process that sleeps, with a session on record. */
async function sleeper(t: TestContext, sandbox: Sandbox) {
  const child = spawn("sleep", ["1000"], { stdio: "ignore" });
  t.after(() => child.kill("SIGKILL"));
  await once(child, "spawn");
  const id = (await runWell(sandbox, ["start", "--pid", String(child.pid)])).trimEnd();
  return { id, child };
}

interface Why {
  readonly state: string;
  readonly rank: number;
  readonly end_reason: string | null;
  readonly deciding_event_id: string;
  readonly events: readonly { readonly event_id: string }[];
  readonly process_now: { readonly state: string; readonly reason: string | null };
  readonly probes: readonly Probe[];
}

async function whyOf(sandbox: Sandbox, id: string): Promise<Why> {
  return JSON.parse(await runWell(sandbox, ["why", id, "--json"]));
}

test("show has every key of the row, the process, and the events with metadata, ids and who recorded them", async (t) => {
  const sandbox = createSandbox(t);
  const id = (await runWell(sandbox, ["start", "--metadata", "ticket=4711"])).trimEnd();
  await runWell(sandbox, ["end", id, "--exit-code", "3"]);
  const row = JSON.parse(await runWell(sandbox, ["show", id, "--json"]));
  const keys = [...rowKeys, "home", "platform", "duration_basis", "process", "events"];
  assert.deepEqual(Object.keys(row), keys);
  assert.equal(row.process.pid, process.pid);
  assert.equal(row.duration_basis, "boot_clock");
  assert.deepEqual(
    row.events.map((event: Record<string, unknown>) => [event.kind, event.caller]),
    [
      ["start", null],
      ["end", null],
    ],
  );
  assert.deepEqual(row.events[0].details.metadata, { ticket: "4711" });

  const lines = (await runWell(sandbox, ["show", id])).split("\n");
  const shown = new Map(lines.map((line) => line.split(/ {2,}/).slice(-2) as [string, string]));
  for (const key of rowKeys) assert.ok(shown.has(key), key);
  assert.equal(shown.get("exit_code"), "3");
  assert.equal(shown.get("ended_after"), "-");
  assert.equal(shown.get("metadata"), '{"ticket":"4711"}');
  assert.equal(shown.get("event_id"), row.events[1].event_id);
});

test("why compares each part of a live process, and its commands print what it saw", async (t) => {
  const sandbox = createSandbox(t);
  const { id } = await sleeper(t, sandbox);
  const why = await whyOf(sandbox, id);
  assert.deepEqual([why.state, why.rank, why.process_now], ["active", 0, { state: "alive", reason: null }]);
  assert.deepEqual(
    why.probes.map(({ name, outcome }) => [name, outcome]),
    ["host_id", "pid_namespace", "boot_id", "pid", "start_ticks", "executable", "exe_id", "comm"].map((name) => [
      name,
      "same",
    ]),
  );
  for (const { name, command, seen } of why.probes) {
    if (command === null) continue;
    const { status, stdout } = await runToEnd("sh", ["-c", command], { env: sandbox.env });
    assert.equal(status, 0, name);
    assert.ok(stdout.includes(String(seen)), `${name}: ${command} prints ${stdout}, not ${seen}`);
  }
});

test("a path that is another name of the file that runs is the same, though the path alone is on record", async (t) => {
  const sandbox = createSandbox(t);
  const { id } = await sleeper(t, sandbox);
  const link = join(sandbox.folder, "another-name");
  symlinkSync(realpathSync("/bin/sleep"), link);
  const database = new DatabaseSync(join(sandbox.home, "sessions.db"));
  database.prepare("UPDATE sessions SET executable = ?, exe_id = NULL, comm = NULL").run(link);
  database.close();
  const { process_now, probes } = await whyOf(sandbox, id);
  assert.deepEqual(process_now, { state: "alive", reason: null });
  const executable = probes.find(({ name }) => name === "executable");
  assert.deepEqual([executable?.recorded, executable?.outcome], [link, "same"]);
  assert.notEqual(executable?.seen, link);
});

test("why of a killed process shows the proof of death and the event that decides", async (t) => {
  const sandbox = createSandbox(t);
  const { id, child } = await sleeper(t, sandbox);
  child.kill("SIGKILL");
  await once(child, "exit");
  const why = await whyOf(sandbox, id);
  assert.deepEqual([why.state, why.rank, why.end_reason], ["orphaned", 1, "pid_gone"]);
  assert.deepEqual(why.process_now, { state: "dead", reason: "pid_gone" });
  assert.equal(why.probes.find(({ name }) => name === "pid")?.outcome, "gone");
  assert.equal(why.deciding_event_id, why.events.at(-1)?.event_id);

  const text = await runWell(sandbox, ["why", id]);
  assert.match(text, /^state +orphaned, rank 1 of 3: .*proven dead/m);
  assert.match(text, /^end reason +pid_gone, no process has this pid any more$/m);
  assert.match(text, /^end +after \S+Z, by \S+Z$/m);
  assert.match(text, new RegExp(`^decided by +event ${why.deciding_event_id} \\(death\\)$`, "m"));
  assert.match(text, /^pid +\d+ +no such process +gone$/m);
});

const elsewhere = {
  hostId: "elsewhere",
  bootId: "b",
  pidNamespace: "1",
  startTicks: "1",
  executable: null,
  exeId: null,
  comm: null,
};

test("why says where nothing can be known, and takes nothing for dead", async (t) => {
  const sandbox = createSandbox(t);
  const identity = { ...elsewhere, pid: 1 };
  await recordHistory(sandbox, [
    { id: "of-another-host", from: "2026-03-10T08:00:00Z", process: identity },
    { id: "never-identified", from: "2026-03-10T08:00:00Z" },
  ]);
  const foreign = await whyOf(sandbox, "of-another-host");
  assert.deepEqual([foreign.state, foreign.process_now.reason], ["active", "other_host"]);
  assert.match(
    await runWell(sandbox, ["why", "of-another-host"]),
    /process now +unknown: other_host, it ran on another/,
  );
  const never = await whyOf(sandbox, "never-identified");
  assert.deepEqual([never.process_now.reason, never.probes], ["not_identified", []]);
});

test("current is the session of the nearest shell around the caller", async (t) => {
  const sandbox = createSandbox(t);
  // The last command is none of ours: bash would become it.
  const script = `
    outer=$("$0" start --pid $$)
    [ "$("$0" current)" = "$outer" ] || echo "not the own one"
    [ "$(sh -c '"$0" current; :' "$0")" = "$outer" ] || echo "not the one around"
    sh -c 'inner=$("$0" start --pid $$); [ "$("$0" current)" = "$inner" ] || echo "not the inner one"' "$0"
    "$0" current --json
    :`;
  const { status, stdout, stderr } = await runToEnd("bash", ["-c", script, launcher], { env: sandbox.env });
  assert.deepEqual([status, stderr], [0, ""], stdout);
  const row = JSON.parse(stdout);
  assert.deepEqual([Object.keys(row), row.shell_type], [[...rowKeys], "bash"]);
});

test("current of a shell that is not on record is exit status 1, with what to do", async (t) => {
  const sandbox = createSandbox(t);
  assertRefused(await sandbox.run(["current"]), 1, /not on record.*hook install/);
  const { child } = await sleeper(t, sandbox);
  assert.ok(child.pid);
  assertRefused(await sandbox.run(["current"]), 1, /not on record/);
});

test("current is no session whose process cannot be told from the caller's, though it had the same pid", async (t) => {
  const sandbox = createSandbox(t);
  const once = { ...elsewhere, pid: process.pid };
  await recordHistory(sandbox, [{ id: "same-pid", from: "2026-03-10T08:00:00Z", process: once }]);
  assertRefused(await sandbox.run(["current"]), 1, /not on record/);
});
