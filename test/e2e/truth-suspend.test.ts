/** Proves that a machine that was suspended, and a boot clock that is shifted, invent neither a length nor an end. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { eventually } from "../support/eventually.ts";
import { allRows, runWell, type SessionRow } from "../support/rows.ts";
import { createSandbox, launcher, runToEnd, type Sandbox } from "../support/sandbox.ts";
import { fakeClock } from "../support/shells/fake-clock.ts";
import { copyHooks } from "../support/shells/hook-copy.ts";
import { killed, openSession, sleeper } from "../support/shells/processes.ts";
import {
  assertRecord,
  createUsedSandbox,
  open,
  openShell,
  shellKinds,
  stateFileNames,
  told,
} from "../support/shells/shells.ts";
import { leftBehind, recordBytes } from "../support/shells/state-files.ts";
import { bootClockFile } from "./boot-clock.ts";

const bootedSeconds = 1_000.25;
const hourSeconds = 3_600;
const hourMs = hourSeconds * 1_000;
const slackMs = 600_000;

/** Runs the program where the clocks of a test are seen. */
async function runUnder(
  sandbox: Sandbox,
  under: readonly string[],
  args: readonly string[],
  env = {},
): Promise<string> {
  const [program = "", ...rest] = [...under, launcher, ...args];
  const options = { env: { ...sandbox.env, ...env }, cwd: sandbox.folder };
  const { status, stdout, stderr } = await runToEnd(program, rest, options);
  assert.deepEqual([status, stderr], [0, ""]);
  return stdout;
}

async function basisOf(sandbox: Sandbox, row: SessionRow | undefined): Promise<string> {
  return JSON.parse(await runWell(sandbox, ["why", String(row?.session_id), "--json"])).duration_basis;
}

const wallMs = (row: SessionRow | undefined) => Date.parse(String(row?.ended_at)) - Date.parse(String(row?.started_at));

for (const kind of shellKinds) {
  test(`${kind}: an hour passes on the boot clock, none on the wall clock: the session took that hour`, async (t) => {
    const sandbox = createUsedSandbox(t);
    const clock = bootClockFile(sandbox, bootedSeconds);
    const terminal = await openShell(t, sandbox, kind, { under: clock.under });
    await assertRecord(sandbox, [open(kind)]);
    clock.set(bootedSeconds + hourSeconds);
    terminal.type("exit 3\r");
    await terminal.ended();
    const [row] = await assertRecord(sandbox, [told(kind, 3, kind === "fish" ? null : "exit")]);
    assert.equal(row?.duration_ms, hourMs);
    assert.equal(await basisOf(sandbox, row), "boot_clock");
    assert.ok(wallMs(row) >= 0 && wallMs(row) < hourMs, "the shell's wall clock saw no hour");
  });
}

// zsh alone: bash has its own getenv, which hides the settings from libfaketime, and fish reads the kernel's time stamps.
test("zsh: a machine that was suspended for an hour adds that hour by both clocks", async (t) => {
  const sandbox = createUsedSandbox(t);
  const [boot, wall] = [bootClockFile(sandbox, bootedSeconds), fakeClock(sandbox)];
  const terminal = await openShell(t, sandbox, "zsh", { under: boot.under, env: wall.env });
  await assertRecord(sandbox, [open("zsh")]);
  boot.set(bootedSeconds + hourSeconds);
  wall.set("+1h");
  terminal.type("exit 3\r");
  await terminal.ended();
  const [row] = await assertRecord(sandbox, [told("zsh", 3, "exit")]);
  assert.equal(row?.duration_ms, hourMs);
  assert.equal(await basisOf(sandbox, row), "boot_clock");
  assert.ok(wallMs(row) >= hourMs && wallMs(row) < hourMs + slackMs);
});

for (const [what, bootSeconds, offset] of [
  ["the machine was suspended for an hour", hourSeconds, "+1h"],
  ["the wall clock was set on by an hour", 0, "+1h"],
] as const) {
  test(`seen alive, then ${what}: the look still bounds the end of a shell that was killed`, async (t) => {
    const sandbox = createSandbox(t);
    const [boot, wall] = [bootClockFile(sandbox, bootedSeconds), fakeClock(sandbox)];
    const { child } = await openSession(t, sandbox);
    const look = async () => JSON.parse(await runUnder(sandbox, boot.under, ["list", "--all", "--json"], wall.env))[0];
    const beforeLook = Date.now();
    assert.equal((await look())?.state, "active");
    const deadMs = await killed(child);
    boot.set(bootedSeconds + bootSeconds);
    wall.set(offset);
    const row = await look();
    const aliveMs = Date.parse(row.ended_after);
    assert.equal(row.state, "orphaned");
    assert.ok(aliveMs <= deadMs && aliveMs >= beforeLook - 60_000, `${row.ended_after}, looked at ${beforeLook}`);
  });
}

/** The boot clock is two hours ahead there, and so are the start times of all processes. */
const shifted = ["unshare", "--time", "--boottime", "7200", "--fork"];

test("who sees a shifted boot clock buries no shell of the machine, and the machine none of its shells", async (t) => {
  const sandbox = createSandbox(t);
  const [outside, inside] = [await openSession(t, sandbox), await openSession(t, sandbox)];
  const started = await runUnder(sandbox, shifted, [
    "start",
    "--component",
    "inside",
    "--pid",
    String(inside.child.pid),
  ]);
  const ids = [outside.id, started.trim()];
  for (const under of [shifted, []]) {
    const rows: readonly SessionRow[] = JSON.parse(await runUnder(sandbox, under, ["list", "--all", "--json"]));
    const found = rows.filter((row) => ids.includes(String(row.session_id)));
    assert.deepEqual(
      found.map((row) => row.state),
      ["active", "active"],
    );
  }
  const why = JSON.parse(await runUnder(sandbox, shifted, ["why", outside.id, "--json"]));
  assert.deepEqual(why.process_now, { state: "unknown", reason: "other_namespace" });
});

test("an end that is told by a shifted boot clock is not measured against the machine's", async (t) => {
  const sandbox = createSandbox(t);
  const { id } = await openSession(t, sandbox);
  await runUnder(sandbox, shifted, ["end", id, "--exit-code", "0"]);
  const [row] = await allRows(sandbox);
  assert.equal(row?.state, "ended");
  assert.ok(Number(row?.duration_ms) < slackMs, `${row?.duration_ms} ms`);
  assert.equal(await basisOf(sandbox, row), "wall_clock");
});

test("what a shell says by a shifted boot clock is not measured against the machine's", async (t) => {
  const sandbox = createUsedSandbox(t);
  const child = sleeper(t);
  const start = { time: String(Date.now() / 1000), uptime: "100.00", pid: String(child.pid), shell: "bash", cwd: "/" };
  const path = leftBehind(sandbox).file(child, [recordBytes("start/1", start)]);
  const id = await runUnder(sandbox, shifted, ["start", "--state-file", path, "--written"]);
  await runWell(sandbox, ["end", id.trim(), "--force"]);
  const [row] = await allRows(sandbox);
  assert.equal(row?.state, "ended");
  assert.notEqual(await basisOf(sandbox, row), "boot_clock");
});

for (const [what, under] of [
  ["a shifted boot clock", shifted],
  ["pids of its own, as in a container", ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]],
] as const) {
  test(`a shell with ${what} is not buried from outside, however early its file is found there`, async (t) => {
    const sandbox = createUsedSandbox(t);
    // Its courier is held until the machine has swept.
    const gate = join(sandbox.folder, "gate");
    const courier = `#!/bin/sh\nwhile [ ! -e '${gate}' ]; do sleep 0.05; done\nexec '${launcher}' "$@"\n`;
    const copy = copyHooks(t, courier);
    const terminal = await openShell(t, sandbox, "bash", { under, hookFile: copy.hookFile("bash") });
    await eventually(() => assert.equal(stateFileNames(sandbox).length, 1));
    assert.deepEqual(await allRows(sandbox), [], "left to who can tell");
    writeFileSync(gate, "");
    await eventually(async () => assert.equal((await allRows(sandbox))[0]?.state, "active"));
    terminal.type("exit 3\r");
    await terminal.ended();
    // A container ends with its first process, and the courier of the end with it.
    const row = await eventually(async () => {
      const [ended] = await allRows(sandbox);
      assert.deepEqual([ended?.state, ended?.exit_code, ended?.end_reason], ["ended", 3, "exit"]);
      return ended;
    });
    assert.ok(Number(row?.duration_ms) < slackMs);
  });
}
