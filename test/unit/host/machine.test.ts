/** Proves what identifies this machine: an id that is made once, the boot and its clock, the user. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { hostname, userInfo } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { createMachine, newUuid } from "../../../src/host/machine.ts";
import { createProcProcesses } from "../../../src/host/proc.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const uuidV4Pattern = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

test("the host's id is made once, kept for its owner alone, and read ever after", (t) => {
  const file = join(temporaryFolder(t), "made", "host-id");
  const { hostId } = createMachine(file, createProcProcesses());
  assert.match(hostId ?? "", uuidV4Pattern);
  assert.equal(createMachine(file, createProcProcesses()).hostId, hostId);
  assert.equal(readFileSync(file, "utf8").split("\n")[0], hostId);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.deepEqual(readdirSync(dirname(file)), ["host-id"]);
});

test("hosts that share a home folder have each an id of their own, and one without a machine id has the first", (t) => {
  const folder = temporaryFolder(t);
  const file = join(folder, "host-id");
  const idOn = (name: string, machineId: string) => {
    writeFileSync(join(folder, name), machineId);
    return createMachine(file, createProcProcesses(), join(folder, name)).hostId;
  };
  const [one, other] = [idOn("one", `${"1".repeat(32)}\n`), idOn("other", `${"2".repeat(32)}\n`)];
  assert.match(one ?? "", uuidV4Pattern);
  assert.match(other ?? "", uuidV4Pattern);
  assert.notEqual(one, other);
  assert.deepEqual([idOn("one", `${"1".repeat(32)}\n`), idOn("other", `${"2".repeat(32)}\n`)], [one, other]);
  for (const none of ["", "uninitialized\n", "../../etc/passwd\n"]) assert.equal(idOn("none", none), one);
});

test("a file without a machine id is taken by every host, as it was made", (t) => {
  const file = join(temporaryFolder(t), "host-id");
  writeFileSync(file, "33333333-3333-4333-8333-333333333333\n");
  assert.equal(createMachine(file, createProcProcesses()).hostId, "33333333-3333-4333-8333-333333333333");
});

test("where no id can be kept, none is told", (t) => {
  const file = join(temporaryFolder(t), "file");
  writeFileSync(file, "");
  assert.equal(createMachine(join(file, "host-id"), createProcProcesses()).hostId, null);
});

test("the facts are those of the system", (t) => {
  const { facts, bootId } = createMachine(join(temporaryFolder(t), "host-id"), createProcProcesses());
  const { username, homedir } = userInfo();
  assert.deepEqual([facts.hostname, facts.username, facts.home], [hostname(), username, homedir]);
  assert.match(facts.platform, /^Linux-\S+-\S+$/);
  assert.equal(bootId, readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim());
});

test("the boot clock is of this boot and between the system's own readings", (t) => {
  const machine = createMachine(join(temporaryFolder(t), "host-id"), createProcProcesses());
  const uptimeMs = () => Math.round(Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]) * 1000);
  const before = uptimeMs();
  const clock = machine.bootClock();
  assert.equal(clock?.bootId, machine.bootId);
  assert.ok(Number.isInteger(clock?.ms) && before <= (clock?.ms ?? 0) && (clock?.ms ?? 0) <= uptimeMs());
});

test("a process is identified with the ids of the machine and its boot", (t) => {
  const { hostId, bootId, identify } = createMachine(join(temporaryFolder(t), "host-id"), createProcProcesses());
  const identity = identify(process.pid);
  assert.deepEqual([identity.hostId, identity.bootId, identity.pid], [hostId, bootId, process.pid]);
  assert.equal(identity.executable, process.execPath);
});

test("new ids are UUIDs version 4, each another", () => {
  const ids = Array.from({ length: 100 }, newUuid);
  for (const id of ids) assert.match(id, uuidV4Pattern);
  assert.equal(new Set(ids).size, ids.length);
});
