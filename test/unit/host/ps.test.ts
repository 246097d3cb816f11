/** Proves what is read from ps(1) and sysctl(8): lines in the form of macOS, and real processes through this system's ps. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { liveness } from "../../../src/host/liveness.ts";
import { createMachine, type Machine } from "../../../src/host/machine.ts";
import { createProcProcesses } from "../../../src/host/proc.ts";
import { createPsProcesses, parseBootSession, parsePsLine } from "../../../src/host/ps.ts";
import { eventually } from "../../support/eventually.ts";
import { killed, sleeper } from "../../support/shells/processes.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const bootSession = "0F5C2B31-9E1D-4C55-8A0B-2B1E9D3F6A77";

for (const [line, pid, parent, hasExited, started, name] of [
  // Columns as wide as macOS has them: the state by its longest, the start time 28, the name 16.
  [" 4711     1 Ss   Mon Feb  2 09:05:07 2026     -zsh", 4711, 1, false, "Mon Feb  2 09:05:07 2026", "-zsh"],
  [
    "99998   501 S+   Sun Nov 22 20:15:48 2026     bash            ",
    99998,
    501,
    false,
    "Sun Nov 22 20:15:48 2026",
    "bash",
  ],
  ["  312   311 Z    Thu Jan  1 00:00:00 1970     zsh", 312, 311, true, "Thu Jan  1 00:00:00 1970", "zsh"],
  [
    "  313   312 U    Thu Jan  1 00:00:00 1970     Google Chrome He",
    313,
    312,
    false,
    "Thu Jan  1 00:00:00 1970",
    "Google Chrome He",
  ],
  ["    1     0 Ss   Mon Feb  2 09:05:07 2026     ", 1, 0, false, "Mon Feb  2 09:05:07 2026", ""],
] as const) {
  test(`ps tells of process ${pid}`, () => {
    for (const end of ["", "\n"]) assert.deepEqual(parsePsLine(line + end), { pid, parent, hasExited, started, name });
  });
}

test("what ps prints in another form is not read at all", () => {
  for (const text of [
    "",
    "\n",
    "4711",
    "  PID  PPID STAT STARTED                      UCOMM\n",
    " 4711     1 Ss   Mo  2 Feb 09:05:07 2026     zsh",
    " 4711     1 Ss   09:05AM     zsh",
    " 4711     1 Ss   Mon Feb  2 09:05:07 2026     zsh\n 4712     1 Ss   Mon Feb  2 09:05:07 2026     zsh\n",
  ]) {
    assert.equal(parsePsLine(text), null, text);
  }
});

test("the boot session is the UUID that sysctl prints", () => {
  assert.equal(parseBootSession(`${bootSession}\n`), bootSession);
  for (const text of ["", "\n", "sysctl: unknown oid 'kern.bootsessionuuid'\n", "{ sec = 1770381296, usec = 0 }\n"]) {
    assert.equal(parseBootSession(text), null);
  }
});

interface Mac extends Machine {
  /** Starts it anew. */
  reboot(): Mac;
}

const hostId = "6ba7b810-9dad-41d1-80b4-00c04fd430c8";

/** A machine that is looked at through ps, with a sysctl that says what a Mac's would. */
function macOf(t: TestContext, boot = bootSession): Mac {
  const folder = temporaryFolder(t);
  const sysctl = join(folder, "sysctl");
  writeFileSync(sysctl, `#!/bin/sh\n[ "$*" = "-n kern.bootsessionuuid" ] && echo ${boot}\n`, { mode: 0o700 });
  const hostIdFile = join(folder, "host-id");
  writeFileSync(hostIdFile, `${hostId}\n`, { mode: 0o600 });
  const mac = createMachine(hostIdFile, createPsProcesses({ ps: "/bin/ps", sysctl }));
  return { ...mac, reboot: () => macOf(t, "11111111-2222-3333-4444-555555555555") };
}

const dead = (proof: string) => ({ state: "dead", proof });
const unknown = (reason: string) => ({ state: "unknown", reason });

test("a process is alive until it ends, and another start, boot, host or kind of pid is told apart", async (t) => {
  const mac = macOf(t);
  const child = sleeper(t);
  const identity = mac.identify(child.pid ?? 0);
  assert.deepEqual([identity.hostId, identity.bootId, identity.executable], [hostId, bootSession, "sleep"]);
  assert.equal(identity.pidNamespace, process.platform);
  assert.match(identity.startTicks ?? "", /^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}$/);
  assert.deepEqual(liveness(identity, mac), { state: "alive" });
  const earlier = { ...identity, startTicks: "Mon Feb  2 09:05:07 2026" };
  assert.deepEqual(liveness(earlier, mac), dead("pid_reused"));
  assert.deepEqual(liveness(identity, mac.reboot()), dead("rebooted"));
  assert.deepEqual(liveness({ ...identity, hostId: "another" }, mac), unknown("other_host"));
  const byProc = { ...mac, processes: createProcProcesses() };
  assert.deepEqual(liveness(identity, byProc), unknown("other_namespace"), "who has /proc knows no such start times");
  await killed(child);
  assert.deepEqual(liveness(identity, mac), dead("pid_gone"));
});

test("the start time is the same at every look, in every zone and language", (t) => {
  const mac = macOf(t);
  const child = sleeper(t);
  const { TZ, LC_ALL } = process.env;
  t.after(() => Object.assign(process.env, { TZ: TZ ?? "", LC_ALL: LC_ALL ?? "" }));
  const first = mac.identify(child.pid ?? 0);
  for (const zone of ["Pacific/Kiritimati", "Asia/Kathmandu", "UTC"]) {
    Object.assign(process.env, { TZ: zone, LC_ALL: "de_DE.UTF-8" });
    assert.deepEqual(mac.identify(child.pid ?? 0), first);
  }
});

test("exec keeps pid and start; the name that the kernel keeps tells", async (t) => {
  const mac = macOf(t);
  const child = spawn("sh", ["-c", "read go; exec sleep 120"], { stdio: ["pipe", "ignore", "ignore"] });
  t.after(() => child.kill("SIGKILL"));
  const identity = await eventually(() => {
    const seen = mac.identify(child.pid ?? 0);
    assert.equal(seen.executable, "sh");
    return seen;
  });
  assert.deepEqual(liveness(identity, mac), { state: "alive" });
  child.stdin.end("go\n");
  await eventually(() => assert.deepEqual(liveness(identity, mac), dead("executable_replaced")));
  // A path is nothing to compare a name with.
  assert.deepEqual(liveness({ ...identity, executable: "/bin/sh" }, mac), { state: "alive" });
});

test("a process that has ended and is not waited for is dead; its parent is told", async (t) => {
  const mac = macOf(t);
  const parent = spawn("sh", ["-c", "sleep 60 & echo $!; exec sleep 120"], { stdio: ["ignore", "pipe", "ignore"] });
  t.after(() => parent.kill("SIGKILL"));
  const pid = Number(String((await once(parent.stdout, "data"))[0]));
  await eventually(() => assert.equal(mac.processes.nameOf(parent.pid ?? 0), "sleep"));
  const identity = await eventually(() => {
    const seen = mac.identify(pid);
    assert.equal(seen.executable, "sleep");
    return seen;
  });
  assert.equal(mac.processes.parentOf(pid), parent.pid);
  process.kill(pid, "SIGKILL");
  await eventually(() => assert.deepEqual(liveness(identity, mac), dead("pid_gone")));
});

test("where ps or sysctl cannot be run or say something else, nothing is known, and nobody is dead", async (t) => {
  const mac = macOf(t);
  const child = sleeper(t);
  const identity = mac.identify(child.pid ?? 0);
  const another = join(temporaryFolder(t), "another");
  writeFileSync(another, "#!/bin/sh\necho '    1     0 Ss   Mon Feb  2 09:05:07 2026     launchd'\n", { mode: 0o700 });
  for (const program of ["/nonexistent", "/bin/false", "/bin/echo", another]) {
    const processes = createPsProcesses({ ps: program, sysctl: program });
    assert.equal(processes.bootId(), null);
    assert.equal(processes.parentOf(process.pid), null);
    assert.deepEqual(liveness(identity, { ...mac, processes }), unknown("not_permitted"), program);
  }
  assert.equal(mac.identify(4_194_304).startTicks, null);
});
