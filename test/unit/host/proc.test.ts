/** Proves what is told about real processes, whatever their commands are called. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, readFileSync, readlinkSync, realpathSync, statSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { createProcProcesses } from "../../../src/host/proc.ts";
import { processIdentity } from "../../../src/host/processes.ts";
import { eventually } from "../../support/eventually.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const ids = { hostId: "host", bootId: "boot" };
const home = { ...ids, processes: createProcProcesses() };
/** Fields of `/proc/PID/stat` after the start time, field 22 of 52. */
const fieldsAfterStartTime = 30;

/** Runs a copy of `sleep` under another name until the test is done. */
function sleeperNamed(t: TestContext, name: string): { child: ChildProcess; pid: number; path: string } {
  const path = join(temporaryFolder(t), name);
  copyFileSync(realpathSync("/bin/sleep"), path);
  const child = spawn(path, ["1000"], { stdio: "ignore" });
  t.after(() => child.kill("SIGKILL"));
  assert.ok(child.pid !== undefined);
  return { child, pid: child.pid, path };
}

function idOf(path: string): string {
  const { dev, ino } = statSync(path, { bigint: true });
  return `${dev}:${ino}`;
}

for (const name of ["sleep", "a) (b", ") S 1 2", "( ", "a\nb"]) {
  test(`a process whose command is ${JSON.stringify(name)} is told from its stat file`, (t) => {
    const { pid, path } = sleeperNamed(t, name);
    const text = readFileSync(`/proc/${pid}/stat`, "utf8").trim();
    const startTicks = text.split(" ").at(-1 - fieldsAfterStartTime);
    const [, tty = ""] = /^(?:\S+ ){4}(\S+) /.exec(text.slice(text.lastIndexOf(")") + 2)) ?? [];
    const { pid: parent } = process;
    const told = { hasExited: false, startTicks, comm: name, parent, ttyNumber: Number(tty) };
    assert.deepEqual(createProcProcesses().stat(pid), told);
    assert.match(startTicks ?? "", /^[1-9]\d*$/);
    const identity = processIdentity(pid, home);
    assert.deepEqual(identity, {
      ...ids,
      pidNamespace: createProcProcesses().pidNamespace(),
      pid,
      startTicks,
      executable: path,
      exeId: idOf(path),
      comm: name,
    });
  });
}

test("a command's name is told without the dash of a login shell and the spaces around it", (t) => {
  for (const [name, told] of [
    ["a) (b", "a) (b"],
    ["-bash", "bash"],
    ["zsh-5", "zsh-5"],
  ] as const) {
    assert.equal(createProcProcesses().nameOf(sleeperNamed(t, name).pid), told);
  }
});

test("a process that has ended is told from a running one while its parent has not noticed", async (t) => {
  // The shell becomes a program that waits for no child.
  const parent = spawn("sh", ["-c", "sleep 1000 & echo $!; exec sleep 1000"], { stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => parent.kill("SIGKILL"));
  const [line] = await once(parent.stdout, "data");
  const pid = Number(String(line));
  assert.equal(createProcProcesses().stat(pid)?.hasExited, false);
  await eventually(() => assert.equal(createProcProcesses().nameOf(parent.pid ?? 0), "sleep"));
  process.kill(pid, "SIGKILL");
  await eventually(() => assert.equal(createProcProcesses().stat(pid)?.hasExited, true));
  assert.match(createProcProcesses().stat(pid)?.startTicks ?? "", /^[1-9]\d*$/);
});

test("of a process that is gone nothing is known but its pid", async (t) => {
  const { child, pid } = sleeperNamed(t, "sleep");
  child.kill("SIGKILL");
  await once(child, "close");
  assert.equal(createProcProcesses().stat(pid), null);
  assert.equal(createProcProcesses().nameOf(pid), null);
  const unknown = { startTicks: null, executable: null, exeId: null, comm: null };
  assert.deepEqual(processIdentity(pid, home), {
    ...ids,
    pidNamespace: createProcProcesses().pidNamespace(),
    pid,
    ...unknown,
  });
});

test("numbers that are no process of this machine are unknown", () => {
  for (const pid of [0, -1, 4_194_305, Number.NaN]) assert.equal(createProcProcesses().stat(pid), null);
});

test("the pid namespace is the number that the system gives it", () => {
  assert.equal(`pid:[${createProcProcesses().pidNamespace()}]`, readlinkSync("/proc/self/ns/pid"));
});
