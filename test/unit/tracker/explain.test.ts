/** Proves that an explanation compares what can be compared, calls the rest unknown, and builds commands from the pid alone. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ProcessIdentity } from "../../../src/tracker/event.ts";
import { explain, type Probe, type ProcessLook } from "../../../src/tracker/explain.ts";
import { deathEvent, endEvent, folded, observedNothing, startEvent } from "../../support/store/session-events.ts";

const recorded: ProcessIdentity = {
  hostId: "host",
  bootId: "boot",
  pidNamespace: "1",
  pid: 4711,
  startTicks: "500",
  executable: "/tmp/$(reboot)",
  exeId: "8:15",
  comm: "$(halt)",
};
const start = startEvent({}, { observed: { ...observedNothing, process: recorded } });
const alive: ProcessLook = { state: "alive", reason: null, seen: recorded, isSameFile: true, hasProc: true };

function probes(look: Partial<ProcessLook>): readonly Probe[] {
  return explain(folded(start), [], { ...alive, ...look }).probes;
}

function outcomes(look: Partial<ProcessLook>): readonly string[] {
  return probes(look).map(({ outcome }) => outcome);
}

const nothing = { startTicks: null, executable: null, exeId: null, comm: null };
const gone = { ...recorded, ...nothing, pid: null };
const hidden = { ...recorded, ...nothing };
const other = { ...recorded, executable: "/bin/sleep", exeId: "8:16", comm: "sleep" };
const unseen = ["unknown", "unknown", "unknown", "unknown"] as const;
const same = ["same", "same", "same", "same"] as const;

/** In the order host id, pid namespace, boot id, pid, start ticks, executable, exe id, comm. */
const looks: readonly (readonly [name: string, look: Partial<ProcessLook>, expected: readonly string[]])[] = [
  ["alive", {}, [...same, ...same]],
  [
    "gone",
    { state: "dead", reason: "pid_gone", seen: gone, isSameFile: null },
    ["same", "same", "same", "gone", ...unseen],
  ],
  [
    "ended and not waited for",
    { state: "dead", reason: "pid_gone", seen: hidden, isSameFile: null },
    ["same", "same", "same", "gone", ...unseen],
  ],
  [
    "gone and was never identified",
    { state: "unknown", reason: "not_identified", seen: gone, isSameFile: null },
    ["same", "same", "same", "gone", ...unseen],
  ],
  [
    "reused",
    { state: "dead", reason: "pid_reused", seen: { ...recorded, startTicks: "501" } },
    ["same", "same", "same", "same", "different", "same", "same", "same"],
  ],
  [
    "replaced",
    { state: "dead", reason: "executable_replaced", seen: other, isSameFile: false },
    [...same, "same", "different", "different", "different"],
  ],
  [
    "called by another name",
    { seen: { ...recorded, executable: "/bin/other" } },
    [...same, "same", "same", "same", "same"],
  ],
  [
    "another file under the same name",
    { state: "unknown", reason: "executable_uncertain", seen: { ...recorded, exeId: "8:16" }, isSameFile: false },
    [...same, "same", "different", "different", "same"],
  ],
  [
    "known by a path that is no proof",
    { state: "unknown", reason: "executable_uncertain", seen: { ...recorded, executable: "/b" }, isSameFile: null },
    [...same, "same", "unknown", "same", "same"],
  ],
  [
    "of another boot",
    { state: "dead", reason: "rebooted", seen: { ...recorded, bootId: "next" } },
    ["same", "same", "different", "unknown", ...unseen],
  ],
  [
    "in another namespace",
    { state: "unknown", reason: "other_namespace", seen: { ...recorded, pidNamespace: "2" } },
    ["same", "different", "unknown", "unknown", ...unseen],
  ],
  [
    "of another host",
    { state: "unknown", reason: "other_host", seen: { ...recorded, hostId: "other" } },
    ["different", "unknown", "unknown", "unknown", ...unseen],
  ],
  [
    "hidden",
    { state: "unknown", reason: "not_permitted", seen: hidden, isSameFile: null },
    ["same", "same", "same", "same", ...unseen],
  ],
];

for (const [name, look, expected] of looks) {
  test(`a process that is ${name} is compared as far as it can be`, () => {
    assert.deepEqual(outcomes(look), expected);
  });
}

test("a value that was not compared is not shown", () => {
  const [, , , ...rest] = probes({ state: "dead", reason: "rebooted", seen: { ...recorded, bootId: "next" } });
  assert.deepEqual(
    rest.map(({ seen }) => seen),
    [null, null, null, null, null],
  );
});

test("of a pid that no process has, nothing is shown as seen; of one that has ended, its pid", () => {
  const pidOf = (look: Partial<ProcessLook>) => probes(look).find(({ name }) => name === "pid")?.seen;
  assert.equal(pidOf({ state: "dead", reason: "pid_gone", seen: gone }), null);
  assert.equal(pidOf({ state: "unknown", reason: "not_identified", seen: gone }), null);
  assert.equal(pidOf({ state: "dead", reason: "pid_gone", seen: hidden }), recorded.pid);
});

test("commands hold the pid and nothing else from the record, and none needs proc where there is none", () => {
  assert.deepEqual(
    probes({}).map(({ command }) => command),
    [
      null,
      "readlink /proc/self/ns/pid",
      "cat /proc/sys/kernel/random/boot_id",
      "ps -p 4711",
      "sed 's/.*) //' /proc/4711/stat | cut -d ' ' -f 20",
      "readlink /proc/4711/exe",
      "stat -Lc %d:%i /proc/4711/exe",
      "cat /proc/4711/comm",
    ],
  );
  assert.deepEqual(
    probes({ hasProc: false }).map(({ command }) => command),
    [null, null, null, "ps -p 4711", null, null, null, null],
  );
});

test("the rank grows with the proof, and the deciding event is the one that has it", () => {
  const [death, end] = [deathEvent(), endEvent()];
  for (const [events, rank, deciding] of [
    [[start], 0, start],
    [[start, death], 1, death],
    [[start, death, end], 2, end],
  ] as const) {
    const { rank: found, decidingEventId } = explain(folded(...events), [], alive);
    assert.deepEqual([found, decidingEventId], [rank, deciding.eventId]);
  }
});

test("where no process was identified there is nothing to compare, and nothing is known", () => {
  const { now, probes: none } = explain(folded(startEvent()), [], null);
  assert.deepEqual([now, none], [{ state: "unknown", reason: "not_identified" }, []]);
});
