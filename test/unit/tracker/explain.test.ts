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
};
const start = startEvent({}, { observed: { ...observedNothing, process: recorded } });
const alive: ProcessLook = { state: "alive", reason: null, seen: recorded, hasProc: true };

function probes(look: Partial<ProcessLook>): readonly Probe[] {
  return explain(folded(start), [], { ...alive, ...look }).probes;
}

function outcomes(look: Partial<ProcessLook>): readonly string[] {
  return probes(look).map(({ outcome }) => outcome);
}

const empty = { ...recorded, startTicks: null, executable: null };
/** In the order host id, pid namespace, boot id, pid, start ticks, executable. */
const looks: readonly (readonly [name: string, look: Partial<ProcessLook>, expected: readonly string[]])[] = [
  ["alive", {}, ["same", "same", "same", "same", "same", "same"]],
  ["gone", { state: "dead", reason: "pid_gone", seen: empty }, ["same", "same", "same", "gone", "unknown", "unknown"]],
  [
    "reused",
    { state: "dead", reason: "pid_reused", seen: { ...recorded, startTicks: "501" } },
    ["same", "same", "same", "same", "different", "same"],
  ],
  [
    "replaced",
    { state: "dead", reason: "executable_replaced", seen: { ...recorded, executable: "/bin/sleep" } },
    ["same", "same", "same", "same", "same", "different"],
  ],
  [
    "of another boot",
    { state: "dead", reason: "rebooted", seen: { ...recorded, bootId: "next" } },
    ["same", "same", "different", "unknown", "unknown", "unknown"],
  ],
  [
    "in another namespace",
    { state: "unknown", reason: "other_namespace", seen: { ...recorded, pidNamespace: "2" } },
    ["same", "different", "unknown", "unknown", "unknown", "unknown"],
  ],
  [
    "of another host",
    { state: "unknown", reason: "other_host", seen: { ...recorded, hostId: "other" } },
    ["different", "unknown", "unknown", "unknown", "unknown", "unknown"],
  ],
  [
    "hidden",
    { state: "unknown", reason: "not_permitted", seen: empty },
    ["same", "same", "same", "same", "unknown", "unknown"],
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
    [null, null, null],
  );
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
    ],
  );
  assert.deepEqual(
    probes({ hasProc: false }).map(({ command }) => command),
    [null, null, null, "ps -p 4711", null, null],
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
