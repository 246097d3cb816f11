/** Proves of which sessions it is told how long nothing was typed: open ones, at a terminal of this machine. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { withIdle } from "../../../src/app/idle.ts";
import { createProcProcesses } from "../../../src/host/proc.ts";
import { lastTypedMs } from "../../../src/host/terminal-use.ts";
import { noCircumstances } from "../../../src/tracker/circumstances.ts";
import type { ProcessIdentity } from "../../../src/tracker/event.ts";
import type { Session } from "../../../src/tracker/fold.ts";
import { at, folded, startEvent } from "../../support/store/session-events.ts";

const processes = createProcProcesses();
const machine = { hostId: "host", bootId: "boot", processes };
const here: ProcessIdentity = {
  hostId: "host",
  bootId: "boot",
  pidNamespace: processes.pidNamespace(),
  pid: 5,
  startTicks: "1",
  executable: null,
  exeId: null,
  comm: null,
};
/** The terminal of whoever asks is one on every system, whether there is one or not. */
const open: Session = {
  ...folded(startEvent({ timestamp: at("2026-02-06T12:34:56Z") })),
  process: here,
  circumstances: { ...noCircumstances, tty: "tty" },
};

test("an open session at a terminal of this machine has a length, never longer than it has been open", () => {
  const { idleMs } = withIdle(open, machine, null);
  assert.ok(Number.isInteger(idleMs) && Number(idleMs) >= 0);
  const later = withIdle({ ...open, startedAt: at("2999-01-01T00:00:00Z") }, machine, null);
  assert.equal(later.idleMs, 0);
});

const others: readonly (readonly [name: string, changes: Partial<Session>])[] = [
  ["that has ended", { state: "ended" }],
  ["without a process that was identified", { process: null }],
  ["of another host", { process: { ...here, hostId: "other" } }],
  ["of an unknown host", { process: { ...here, hostId: null } }],
  ["of another boot", { process: { ...here, bootId: "other" } }],
  ["of another pid namespace", { process: { ...here, pidNamespace: "1" } }],
  ["in a container", { circumstances: { ...open.circumstances, container: "docker" } }],
  ["without a terminal", { circumstances: noCircumstances }],
  ["at a terminal that is not there", { circumstances: { ...open.circumstances, tty: "pts/999999999" } }],
];
for (const [name, changes] of others) {
  test(`nothing is said of a session ${name}`, () => {
    assert.equal(withIdle({ ...open, ...changes }, machine, null).idleMs, undefined);
  });
}

test("in a container, something is said of the sessions that are in it too, and of no others", () => {
  const inside = { ...open, circumstances: { ...open.circumstances, container: "docker" } };
  assert.equal(typeof withIdle(inside, machine, "docker").idleMs, "number");
  assert.equal(withIdle(inside, machine, "podman").idleMs, undefined);
  assert.equal(withIdle(open, machine, "docker").idleMs, undefined);
});

test("what is no name of a terminal is not looked at", () => {
  assert.equal(typeof lastTypedMs("tty"), "number");
  for (const name of ["", "null", "pts/../null", "../dev/null", "pts/ptmx", "pts/1/2", "/dev/tty", "tty\0", "zero"]) {
    assert.equal(lastTypedMs(name), null, name);
  }
});
