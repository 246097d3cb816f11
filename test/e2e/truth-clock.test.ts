/** Proves that a clock that is set while shells are open makes no length negative and no end come before its start. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { type TestContext, test } from "node:test";
import { allRows, runWell, type SessionRow } from "../support/rows.ts";
import { createSandbox, type Sandbox } from "../support/sandbox.ts";
import { fakeClock } from "../support/shells/fake-clock.ts";
import { assertRecord, createUsedSandbox, open, openShell, told } from "../support/shells/shells.ts";
import { leftBehind, recordBytes } from "../support/shells/state-files.ts";

const steps = ["-1h", "+1h"] as const;
const halfHourMs = 1_800_000;

function assertInOrder(row: SessionRow | undefined): void {
  assert.ok(row !== undefined);
  const start = Date.parse(String(row.started_at));
  for (const end of [row.ended_at, row.ended_after, row.ended_before]) {
    if (end !== null) assert.ok(Date.parse(String(end)) >= start, JSON.stringify(row));
  }
  if (row.ended_after !== null) assert.ok(String(row.ended_after) <= String(row.ended_before), JSON.stringify(row));
  if (row.duration_ms !== null) assert.ok(Number(row.duration_ms) >= 0, JSON.stringify(row));
}

for (const step of steps) {
  // zsh alone: bash has its own getenv, which hides the settings from libfaketime, and fish reads the kernel's time stamps.
  test(`the clock is set by ${step} while a shell is open: its end is in order, and its length is the true one`, async (t) => {
    const sandbox = createUsedSandbox(t);
    const clock = fakeClock(sandbox);
    const terminal = await openShell(t, sandbox, "zsh", { env: clock.env });
    await assertRecord(sandbox, [open("zsh")]);
    clock.set(step);
    terminal.type("exit 3\r");
    await terminal.ended();
    const [row] = await assertRecord(sandbox, [told("zsh", 3, "exit")]);
    assertInOrder(row);
    assert.ok(Number(row?.duration_ms) < halfHourMs, "an hour was neither added nor taken");
    const wallMs = Date.parse(String(row?.ended_at)) - Date.parse(String(row?.started_at));
    assert.equal(wallMs >= halfHourMs, step === "+1h", "the shell has seen the step");
  });
}

const startSeconds = 1_770_381_296;
const stepSeconds = 3_600;

/** What a hook writes: its wall clock, and the boot clock where it could be read. */
const told5Seconds: readonly (readonly [step: number, uptime: readonly string[], durationMs: number])[] = [
  [-stepSeconds, ["100.50", "105.50"], 5_000],
  [stepSeconds, ["100.50", "105.50"], 5_000],
  [-stepSeconds, ["", ""], 0],
  [-stepSeconds, ["100.50", ""], 0],
];

for (const [step, [from = "", to = ""], durationMs] of told5Seconds) {
  test(`a hook that saw ${step} s by the wall clock and ${from || "?"} to ${to || "?"} by the boot clock: ${durationMs} ms`, async (t) => {
    const sandbox = createSandbox(t);
    const child = spawn("sleep", ["120"], { stdio: "ignore" });
    t.after(() => child.kill("SIGKILL"));
    leftBehind(sandbox).file(child, [
      recordBytes("start/1", {
        time: `${startSeconds}.5`,
        uptime: from,
        pid: String(child.pid),
        shell: "bash",
        cwd: "/",
      }),
      recordBytes("end/1", { time: `${startSeconds + step + 5}.5`, uptime: to, code: "0", reason: "exit" }),
    ]);
    const [row] = await allRows(sandbox);
    assert.deepEqual([row?.state, row?.duration_ms], ["ended", durationMs]);
    assertInOrder(row);
  });
}

/** A session of a process that does nothing, as the clock of the machine has it. */
async function openSession(t: TestContext, sandbox: Sandbox) {
  const child = spawn("sleep", ["120"], { stdio: "ignore" });
  t.after(() => child.kill("SIGKILL"));
  const id = (await runWell(sandbox, ["start", "--pid", String(child.pid)])).trim();
  const kill = async () => {
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
  };
  return { id, kill };
}

for (const [beforeDeath, afterDeath] of [
  ["+0", "-1h"],
  ["+0", "+1h"],
  ["+1h", "+0"],
  ["-1h", "+0"],
  ["+1h", "-1h"],
] as const) {
  test(`looked at with the clock at ${beforeDeath}, then killed and found with it at ${afterDeath}, its end is in order`, async (t) => {
    const sandbox = createSandbox(t);
    const clock = fakeClock(sandbox);
    const { kill } = await openSession(t, sandbox);
    const look = () => runWell(sandbox, ["list", "--all", "--json"], { env: clock.env });
    clock.set(beforeDeath);
    assert.equal(JSON.parse(await look())[0]?.state, "active");
    await kill();
    clock.set(afterDeath);
    const [row] = JSON.parse(await look()) as SessionRow[];
    assert.deepEqual([row?.state, row?.end_reason, row?.duration_ms], ["orphaned", "pid_gone", null]);
    assertInOrder(row);
  });
}

for (const step of steps) {
  test(`an end that comes with the clock at ${step} is not before its start, and its length is the true one`, async (t) => {
    const sandbox = createSandbox(t);
    const clock = fakeClock(sandbox);
    const { id } = await openSession(t, sandbox);
    clock.set(step);
    await runWell(sandbox, ["end", id, "--exit-code", "0", "--force"], { env: clock.env });
    const [row] = await allRows(sandbox);
    assert.equal(row?.state, "ended");
    assertInOrder(row);
    assert.ok(Number(row?.duration_ms) < halfHourMs);
    const { duration_basis } = JSON.parse(await runWell(sandbox, ["why", id, "--json"]));
    assert.equal(duration_basis, "boot_clock");
  });
}
