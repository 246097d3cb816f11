/** Proves with real namespaces that a reused pid, a reboot and a container are told apart, and that why shows the proof. */
import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { eventually } from "../support/eventually.ts";
import { allRows, runWell, type SessionRow } from "../support/rows.ts";
import { createSandbox, launcher, runToEnd, type Sandbox } from "../support/sandbox.ts";

interface Probe {
  readonly name: string;
  readonly recorded: unknown;
  readonly seen: unknown;
  readonly outcome: string;
  readonly command: string | null;
}

interface Explanation {
  readonly state: string;
  readonly end_reason: string | null;
  readonly process_now: { readonly state: string; readonly reason: string | null };
  readonly probes: readonly Probe[];
}

/** A namespace of pids of its own, as a container has one; its processes end with it. */
const ownPids = ["--pid", "--fork", "--mount-proc", "--kill-child"];

function started(t: TestContext, program: string, args: readonly string[], sandbox: Sandbox): ChildProcess {
  const child = spawn(program, args, { env: sandbox.env, stdio: ["pipe", "pipe", "ignore"] });
  t.after(() => child.kill("SIGKILL"));
  return child;
}

/** A session of a process that does nothing. */
async function openSession(t: TestContext, sandbox: Sandbox): Promise<{ id: string; child: ChildProcess }> {
  const child = started(t, "sleep", ["120"], sandbox);
  const id = (await runWell(sandbox, ["start", "--pid", String(child.pid)])).trim();
  return { id, child };
}

/** Runs a script, whose `$0` is the program, in namespaces of its own. @returns the lines that it printed */
async function inNamespaces(
  sandbox: Sandbox,
  namespaces: readonly string[],
  script: string,
  ...args: readonly string[]
): Promise<readonly string[]> {
  const command = [...namespaces, "sh", "-eu", "-c", script, launcher, ...args];
  const { status, stdout, stderr } = await runToEnd("unshare", command, { env: sandbox.env, cwd: sandbox.folder });
  assert.equal(status, 0, stderr);
  return stdout.trim().split("\n");
}

async function why(sandbox: Sandbox, id: string): Promise<Explanation> {
  return JSON.parse(await runWell(sandbox, ["why", id, "--json"]));
}

function probe({ probes }: Explanation, name: string): Probe {
  const found = probes.find((one) => one.name === name);
  assert.ok(found !== undefined, `no probe ${name}`);
  return found;
}

function stateOf(rows: readonly SessionRow[], id: string): unknown {
  return rows.find((row) => row.session_id === id)?.state;
}

test("a pid that another process has now is the proof, and why shows both start times", async (t) => {
  const script = `
    sleep 120 & pid=$!
    id=$("$0" start --pid $pid)
    "$0" why "$id" --json
    kill -9 $pid; wait $pid || :
    echo $((pid - 1)) > /proc/sys/kernel/ns_last_pid
    sleep 120 & [ $! = $pid ]
    "$0" list --all --json
    "$0" why "$id" --json
    stat=$(cat /proc/$pid/stat); set -- \${stat##*) }; echo \${20}`;
  const [before, rows, after, ticks] = await inNamespaces(createSandbox(t), ownPids, script);
  const alive: Explanation = JSON.parse(String(before));
  assert.deepEqual([alive.state, alive.process_now], ["active", { state: "alive", reason: null }]);
  const [row] = JSON.parse(String(rows)) as SessionRow[];
  assert.deepEqual([row?.state, row?.end_reason, row?.ended_at], ["orphaned", "pid_reused", null]);
  const explanation: Explanation = JSON.parse(String(after));
  assert.deepEqual(explanation.process_now, { state: "dead", reason: "pid_reused" });
  const { recorded, seen, outcome } = probe(explanation, "start_ticks");
  assert.deepEqual([outcome, recorded, seen], ["different", probe(alive, "start_ticks").recorded, ticks]);
  assert.equal(probe(explanation, "pid").outcome, "same");
});

test("another boot is the proof, whatever has the pid now, and why shows both boots", async (t) => {
  const sandbox = createSandbox(t);
  const { id } = await openSession(t, sandbox);
  const { state, probes } = await why(sandbox, id);
  assert.equal(state, "active");
  const nextBoot = randomUUID();
  const file = join(sandbox.folder, "boot_id");
  writeFileSync(file, `${nextBoot}\n`);
  const script = `mount --bind "$1" /proc/sys/kernel/random/boot_id; "$0" why "$2" --json`;
  const [line] = await inNamespaces(sandbox, ["--mount"], script, file, id);
  const explanation: Explanation = JSON.parse(String(line));
  assert.deepEqual([explanation.state, explanation.end_reason], ["orphaned", "rebooted"]);
  const { recorded, seen, outcome } = probe(explanation, "boot_id");
  assert.deepEqual(
    [recorded, seen, outcome],
    [probes.find(({ name }) => name === "boot_id")?.seen, nextBoot, "different"],
  );
});

test("a container that shares the store buries no session of the host, even when it shows another boot", async (t) => {
  const sandbox = createSandbox(t);
  const [living, killed] = [await openSession(t, sandbox), await openSession(t, sandbox)];
  const ended = once(killed.child, "exit");
  killed.child.kill("SIGKILL");
  await ended;
  const file = join(sandbox.folder, "boot_id");
  writeFileSync(file, `${randomUUID()}\n`);
  const script = `mount --bind "$1" /proc/sys/kernel/random/boot_id; "$0" why "$2" --json; "$0" list --all --json`;
  const [line, rows] = await inNamespaces(sandbox, ownPids, script, file, killed.id);
  const explanation: Explanation = JSON.parse(String(line));
  assert.deepEqual(explanation.process_now, { state: "unknown", reason: "other_namespace" });
  assert.equal(probe(explanation, "pid_namespace").outcome, "different");
  for (const name of ["boot_id", "pid", "start_ticks"]) assert.equal(probe(explanation, name).outcome, "unknown");
  for (const { id } of [living, killed]) assert.equal(stateOf(JSON.parse(String(rows)), id), "active");

  const seen = await allRows(sandbox);
  assert.equal(stateOf(seen, living.id), "active");
  assert.equal(stateOf(seen, killed.id), "orphaned", "the host itself knows");
});

test("the host buries no session of a container, and the container its own", async (t) => {
  const sandbox = createSandbox(t);
  const script = `sleep 120 & id=$("$0" start --pid $!); echo "$id"; read go; kill -9 $!; wait $! || :; "$0" why "$id" --json; read go`;
  const container = started(t, "unshare", [...ownPids, "sh", "-c", script, launcher], sandbox);
  let output = "";
  container.stdout?.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  const line = (index: number) =>
    eventually(() => {
      const lines = output.split("\n");
      assert.ok(lines.length > index + 1, "the line is not whole yet");
      return String(lines[index]);
    });
  const id = await line(0);
  assert.equal(stateOf(await allRows(sandbox), id), "active");
  const { state, process_now } = await why(sandbox, id);
  assert.deepEqual([state, process_now], ["active", { state: "unknown", reason: "other_namespace" }]);
  container.stdin?.write("go\n");
  const explanation: Explanation = JSON.parse(await line(1));
  assert.deepEqual([explanation.state, explanation.end_reason], ["orphaned", "pid_gone"]);
  assert.equal(stateOf(await allRows(sandbox), id), "orphaned", "its own word is taken");
});

test("the commands that why names show the values that it compared", async (t) => {
  const sandbox = createSandbox(t);
  const { id } = await openSession(t, sandbox);
  const { probes } = await why(sandbox, id);
  const checked = probes.filter(({ command }) => command !== null);
  assert.ok(checked.length >= 5);
  for (const { name, recorded, seen, outcome, command } of checked) {
    assert.deepEqual([outcome, seen], ["same", recorded], name);
    const printed = execFileSync("sh", ["-c", String(command)], { encoding: "utf8" });
    assert.ok(printed.includes(String(recorded)), `${command} prints ${printed}`);
  }
});
