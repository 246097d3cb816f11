/** Proves with real processes that alive, dead and unknown are told apart, and that unknown is never taken for dead. */
import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, linkSync, mkdirSync, renameSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { isRunning, type Liveness, liveness, look } from "../../../src/host/liveness.ts";
import { createMachine, type Machine } from "../../../src/host/machine.ts";
import { createProcProcesses } from "../../../src/host/proc.ts";
import type { ProcessIdentity } from "../../../src/tracker/event.ts";
import { eventually } from "../../support/eventually.ts";
import { root } from "../../support/sandbox.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const alive: Liveness = { state: "alive" };
const dead = (proof: string) => ({ state: "dead", proof });
const unknown = (reason: string) => ({ state: "unknown", reason });

function machineOf(t: TestContext): Machine {
  return createMachine(join(temporaryFolder(t), "host-id"), createProcProcesses());
}

function started(t: TestContext, command: string, args: readonly string[]): ChildProcess & { readonly pid: number } {
  const child = spawn(command, args, { stdio: ["pipe", "ignore", "ignore"] });
  t.after(() => child.kill("SIGKILL"));
  assert.ok(child.pid);
  return child as ChildProcess & { readonly pid: number };
}

test("a process is alive until it ends, then its pid is gone", async (t) => {
  const machine = machineOf(t);
  const child = started(t, "sleep", ["60"]);
  const identity = machine.identify(child.pid);
  assert.deepEqual(liveness(identity, machine), alive);
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
  assert.deepEqual(liveness(identity, machine), dead("pid_gone"));
});

test("a process that has ended and is not waited for is dead", async (t) => {
  const machine = machineOf(t);
  // The shell starts a child, then becomes a program that never waits for it.
  const parent = started(t, "sh", ["-c", "sleep 60 & echo $! >&0; exec sleep 61"]);
  const pid = await eventually(() => {
    const found = execFileSync("ps", ["-o", "pid=", "--ppid", String(parent.pid)], { encoding: "utf8" }).trim();
    assert.match(found, /^\d+$/);
    return Number(found);
  });
  const identity = { ...machine.identify(pid), executable: null };
  assert.deepEqual(liveness(identity, machine), alive);
  await eventually(() =>
    assert.match(execFileSync("ps", ["-o", "args=", "-p", String(parent.pid)], { encoding: "utf8" }), /61/),
  );
  process.kill(pid, "SIGKILL");
  await eventually(() => assert.deepEqual(liveness(identity, machine), dead("pid_gone")));
});

test("another start time under the same pid is another process", (t) => {
  const machine = machineOf(t);
  const identity = machine.identify(process.pid);
  assert.deepEqual(
    liveness({ ...identity, startTicks: `${Number(identity.startTicks) - 1}` }, machine),
    dead("pid_reused"),
  );
});

test("exec keeps pid and start time; the executable tells", async (t) => {
  const machine = machineOf(t);
  const child = started(t, "sh", ["-c", "read go; exec sleep 60"]);
  const identity = await eventually(() => {
    const seen = machine.identify(child.pid);
    assert.match(seen.executable ?? "", /dash|bash|sh$/);
    return seen;
  });
  assert.deepEqual(liveness(identity, machine), alive);
  child.stdin?.end("go\n");
  await eventually(() => assert.deepEqual(liveness(identity, machine), dead("executable_replaced")));
});

test("an executable that is called by another path, or was updated meanwhile, is the same", async (t) => {
  const machine = machineOf(t);
  const program = join(temporaryFolder(t), "sleeper");
  copyFileSync("/bin/sleep", program);
  const child = started(t, program, ["60"]);
  const identity = await eventually(() => {
    const seen = machine.identify(child.pid);
    assert.equal(seen.executable, program);
    return seen;
  });
  const old = { ...identity, exeId: null, comm: null };
  for (const known of [identity, old]) {
    assert.deepEqual(liveness({ ...known, executable: `/proc/self/root${program}` }, machine), alive);
    const link = join(temporaryFolder(t), "link");
    linkSync(program, link);
    assert.deepEqual(liveness({ ...known, executable: link }, machine), alive, "one file, two names");
  }
  unlinkSync(program);
  for (const known of [identity, old]) assert.deepEqual(liveness(known, machine), alive, "removed");
  copyFileSync("/bin/true", program);
  for (const known of [identity, old]) assert.deepEqual(liveness(known, machine), alive, "another file has its name");
});

test("an executable that was moved is the same; a record of its path alone says neither that nor another", async (t) => {
  const machine = machineOf(t);
  const folder = temporaryFolder(t);
  copyFileSync("/bin/sleep", join(folder, "sleeper"));
  const child = started(t, join(folder, "sleeper"), ["60"]);
  const identity = await eventually(() => {
    const seen = machine.identify(child.pid);
    assert.equal(seen.comm, "sleeper");
    return seen;
  });
  renameSync(join(folder, "sleeper"), join(folder, "old"));
  assert.deepEqual(liveness(identity, machine), alive);
  assert.equal(look(identity, machine).isSameFile, true);
  const old = { ...identity, exeId: null, comm: null };
  assert.deepEqual(liveness(old, machine), unknown("executable_uncertain"));
  assert.equal(look(old, machine).isSameFile, null);
});

test("`exec` of another copy, or of the same file by another name, proves neither life nor death", async (t) => {
  const machine = machineOf(t);
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, "next"));
  copyFileSync("/bin/bash", join(folder, "bash"));
  copyFileSync("/bin/bash", join(folder, "next/bash"));
  linkSync(join(folder, "bash"), join(folder, "other"));
  for (const next of ["next/bash", "other"]) {
    const child = started(t, join(folder, "bash"), ["-c", `read go; exec ${join(folder, next)} -c 'read go'`]);
    const identity = await eventually(() => {
      const seen = machine.identify(child.pid);
      assert.equal(seen.executable, join(folder, "bash"));
      return seen;
    });
    child.stdin?.write("go\n");
    await eventually(() => assert.deepEqual(liveness(identity, machine), unknown("executable_uncertain"), next));
    assert.ok(isRunning(identity, machine));
  }
});

test("a process that gives itself another name is not taken for another program", async (t) => {
  const machine = machineOf(t);
  const child = started(t, "bash", ["-c", "echo -n work >/proc/$$/comm; read go"]);
  await eventually(() => assert.equal(machine.identify(child.pid).comm, "work"));
  const identity = { ...machine.identify(child.pid), comm: "bash" };
  assert.deepEqual(liveness(identity, machine), unknown("executable_uncertain"));
});

test("a pid that no process has is not shown as seen, whatever is on record", (t) => {
  const machine = machineOf(t);
  const never = { ...machine.identify(process.pid), pid: 4_194_304, startTicks: null };
  assert.deepEqual(look(never, machine).seen.pid, null);
  assert.deepEqual(look(machine.identify(process.pid), machine).seen.pid, process.pid);
});

test("another boot proves death, but only to who sees the same pids", (t) => {
  const machine = machineOf(t);
  const identity = machine.identify(process.pid);
  const before = { ...identity, bootId: "00000000-0000-4000-8000-000000000000" };
  assert.deepEqual(liveness(before, machine), dead("rebooted"));
  assert.deepEqual(liveness({ ...before, pidNamespace: "1" }, machine), unknown("other_namespace"));
});

test("what cannot be compared is unknown", (t) => {
  const machine = machineOf(t);
  const gone: ProcessIdentity = { ...machine.identify(process.pid), pid: 4_194_304 };
  assert.deepEqual(liveness(gone, machine), dead("pid_gone"));
  for (const [change, reason] of [
    [{ hostId: "another" }, "other_host"],
    [{ hostId: null }, "other_host"],
    [{ pidNamespace: "1" }, "other_namespace"],
    [{ pidNamespace: null }, "other_namespace"],
    [{ startTicks: null }, "not_identified"],
    [{ bootId: null }, "not_identified"],
  ] as const) {
    assert.deepEqual(liveness({ ...gone, ...change }, machine), unknown(reason), reason);
  }
  assert.deepEqual(liveness(gone, { ...machine, bootId: null }), unknown("not_identified"));
});

test("another user's process that /proc hides is unknown, not dead", (t) => {
  const machine = machineOf(t);
  const child = started(t, "sleep", ["60"]);
  const identity = machine.identify(child.pid);
  // Its own mount of /proc that hides other users' processes, seen by a user who is not root.
  const look = `
    import { liveness } from ${JSON.stringify(join(root, "src/host/liveness.ts"))};
    import { createProcProcesses } from ${JSON.stringify(join(root, "src/host/proc.ts"))};
    const ids = JSON.parse(process.argv[2]);
    console.log(JSON.stringify(liveness(JSON.parse(process.argv[1]), { ...ids, processes: createProcProcesses() })));`;
  const output = execFileSync(
    "unshare",
    [
      "--mount",
      "sh",
      "-c",
      'mount -t proc -o hidepid=2 proc /proc && exec setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all --bounding-set=-all "$0" --input-type=module -e "$@"',
      process.execPath,
      look,
      JSON.stringify(identity),
      JSON.stringify({ hostId: machine.hostId, bootId: machine.bootId }),
    ],
    { encoding: "utf8" },
  );
  assert.deepEqual(JSON.parse(output), unknown("not_permitted"));
});
