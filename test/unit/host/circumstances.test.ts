/** Proves what the kernel's words about a process mean: its terminal, its login, its container; and that users cannot forge them. */
import assert from "node:assert/strict";
import { mkdirSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { lookAround, ownContainer, parseId, type SeenCircumstances, ttyName } from "../../../src/host/circumstances.ts";
import { createProcProcesses } from "../../../src/host/proc.ts";
import { openTerminal } from "../../support/shells/pty.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const stat = { hasExited: false, startTicks: "1", comm: "bash", parent: 1, ttyNumber: 34_824 };

/** A root folder with these files of process 7. */
function lookIn(t: TestContext, files: Readonly<Record<string, string>>, marks: readonly string[] = []) {
  const root = temporaryFolder(t);
  const all = { ...Object.fromEntries(Object.entries(files).map(([name, text]) => [`proc/7/${name}`, text])) };
  for (const mark of marks) all[mark] = "";
  for (const [name, text] of Object.entries(all)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
  return lookAround(7, stat, root);
}

const id = "0123456789abcdef".repeat(4);
const status = (uids: string, pids: string) =>
  `Name:\tbash\nUmask:\t0022\nUid:\t${uids}\nGid:\t0\t0\t0\t0\nNSpid:\t${pids}\n`;

test("numbers of terminals are named as in /dev", () => {
  const names: readonly (readonly [number: number, name: string | null])[] = [
    [0, null],
    [34_816, "pts/0"],
    [34_824, "pts/8"],
    [(136 << 8) | 255, "pts/255"],
    // The minor number goes on above the major one.
    [(136 << 8) | (1 << 20), "pts/256"],
    [(136 << 8) | 0x2c | (3 << 20), "pts/812"],
    // A terminal of so high a number is printed as a negative one.
    [(136 << 8) | (0xfff << 20) | 1 | 0, "pts/1048321"],
    [(137 << 8) | 1, "pts/257"],
    [(4 << 8) | 1, "tty1"],
    [(4 << 8) | 63, "tty63"],
    [(4 << 8) | 64, "ttyS0"],
    [(5 << 8) | 1, "console"],
    [(188 << 8) | 2, "ttyUSB2"],
    [(229 << 8) | 0, "hvc0"],
    [(204 << 8) | 65, "204:65"],
  ];
  for (const [number, name] of names) assert.equal(ttyName(number), name, String(number));
});

test("numbers of users and logins are read as the audit writes them; -1 and whatever else is none", () => {
  for (const text of ["0", "1000", "1000\n", "4294967294"]) assert.equal(parseId(text), Number(text));
  for (const text of ["", "4294967295", "-1", "1e3", "0x10", "1.5", "01", " 1 2", "root", "9".repeat(30)]) {
    assert.equal(parseId(text), null, text);
  }
});

test("the terminal and the user of a process are those that it has", async (t) => {
  const script = "while :; do sleep 1; done";
  const terminal = openTerminal(t, "sh", ["-c", `tty; ${script}`], { env: { PATH: process.env.PATH ?? "" }, cwd: "/" });
  await terminal.find(/\/dev\/\S+\r\n/);
  const seen = createProcProcesses().stat(terminal.pid);
  assert.ok(seen !== null);
  const around = lookAround(terminal.pid, seen);
  assert.equal(`/dev/${around.tty}`, terminal.output().trim());
  assert.equal(around.uid, statSync(`/proc/${terminal.pid}`).uid);
});

test("a process of which nothing may be read has its terminal alone", (t) => {
  const nothing = { uid: null, loginUid: null, auditSession: null, systemdSession: null, container: null };
  assert.deepEqual(lookIn(t, {}), { ...nothing, tty: "pts/8" });
  assert.equal(lookAround(7, { ...stat, ttyNumber: null }, temporaryFolder(t)).tty, null);
});

const looks: readonly (readonly [name: string, files: Record<string, string>, expected: Partial<SeenCircumstances>])[] =
  [
    ["of a login", { loginuid: "1000", sessionid: "17" }, { loginUid: 1000, auditSession: 17 }],
    ["without a login", { loginuid: "4294967295", sessionid: "4294967295" }, { loginUid: null, auditSession: null }],
    ["that acts as another user", { status: status("1000\t0\t1000\t1000", "7") }, { uid: 0 }],
    [
      "of a systemd session",
      { cgroup: "0::/user.slice/user-1000.slice/session-42.scope\n" },
      { systemdSession: "42", container: null },
    ],
    [
      "of a systemd session in the first version of groups",
      { cgroup: "12:pids:/x\n1:name=systemd:/user.slice/user-0.slice/session-c1.scope\n" },
      { systemdSession: "c1" },
    ],
    [
      "in a group that its user named like a session",
      { cgroup: "0::/user.slice/user-1000.slice/user@1000.service/user.slice/user-0.slice/session-1.scope\n" },
      { systemdSession: null },
    ],
    ["in docker", { cgroup: `0::/system.slice/docker-${id}.scope\n` }, { container: "docker:0123456789ab" }],
    ["in docker, first version", { cgroup: `3:cpu:/docker/${id}\n` }, { container: "docker:0123456789ab" }],
    ["in podman", { cgroup: `0::/machine.slice/libpod-${id}.scope/container\n` }, { container: "podman:0123456789ab" }],
    [
      "in kubernetes",
      { cgroup: `0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-${id}.scope\n` },
      { container: "containerd:0123456789ab" },
    ],
    ["in lxc", { cgroup: "0::/lxc.payload.web/init.scope\n" }, { container: "lxc:web" }],
    ["in nspawn", { cgroup: "0::/machine.slice/systemd-nspawn@web.service/payload\n" }, { container: "nspawn:web" }],
    ["of docker itself", { cgroup: "0::/system.slice/docker.service\n" }, { container: null }],
    ["in a pid namespace below ours", { status: status("0\t0\t0\t0", "7\t1") }, { container: "namespace" }],
  ];
for (const [name, files, expected] of looks) {
  test(`a process ${name} is seen as such`, (t) => {
    const seen = lookIn(t, files);
    assert.deepEqual({ ...seen, ...expected }, seen);
  });
}

test("the marks in the root folder tell of this program's container, and of no process below it", (t) => {
  const own = { status: status("0\t0\t0\t0", "7") };
  assert.equal(lookIn(t, own, ["run/.containerenv"]).container, "podman");
  assert.equal(lookIn(t, own, [".dockerenv"]).container, "docker");
  assert.equal(lookIn(t, own).container, null);
  assert.equal(lookIn(t, { status: status("0\t0\t0\t0", "7\t1") }, [".dockerenv"]).container, "namespace");
});

test("this program's own container has the name that a process beside it has", (t) => {
  const root = temporaryFolder(t);
  mkdirSync(join(root, "proc/self"), { recursive: true });
  assert.equal(ownContainer(root), null);
  writeFileSync(join(root, "proc/self/cgroup"), "0::/lxc.payload.web/system.slice/session-buddy.service\n");
  assert.equal(ownContainer(root), "lxc:web");
  writeFileSync(join(root, "proc/self/cgroup"), "0::/\n");
  writeFileSync(join(root, ".dockerenv"), "");
  assert.equal(ownContainer(root), "docker");
  const { container } = lookAround(process.pid, stat);
  assert.equal(ownContainer(), container);
});
