/** Proves how the events of one session become its row: state, end, duration and what they are known by. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { noCircumstances } from "../../../src/tracker/circumstances.ts";
import type { BootClock, Observation } from "../../../src/tracker/event.ts";
import { foldSession } from "../../../src/tracker/fold.ts";
import {
  at,
  deathEvent,
  endEvent,
  folded,
  observedNothing,
  sampleSessionId,
  sampleStart,
  startEvent,
} from "../../support/store/session-events.ts";

const startTime = sampleStart.timestamp;

function onBootClock(bootClock: BootClock): { observed: Observation } {
  return { observed: { ...observedNothing, bootClock } };
}

test("without a start there is no session", () => {
  assert.equal(foldSession([]), null);
  assert.equal(foldSession([endEvent(), deathEvent()]), null);
});

test("a session that another record delivered says from where, and what it is called there", () => {
  const origin = { originId: "key-1", sessionId: "shell-20260206-123456", stream: "s", seq: 7 };
  const start = startEvent({}, { observed: { ...observedNothing, origin } });
  assert.deepEqual(folded(start, endEvent()).origin, { originId: "key-1", sessionId: "shell-20260206-123456" });
});

test("a start alone is an active session whose end is unknown", () => {
  const process = {
    hostId: "h",
    bootId: "b",
    pidNamespace: null,
    pid: 12345,
    startTicks: "77",
    executable: "/bin/bash",
    exeId: "65024:1835291",
    comm: "bash",
  };
  const circumstances = { kernel: { tty: "pts/8", loginUid: 1_000 }, hook: { via: "sudo:les" } };
  const start = startEvent({}, { observed: { ...observedNothing, process, circumstances } });
  const { pythonVersion, environmentExtra, metadata, timestamp, ...shown } = sampleStart;
  assert.deepEqual(folded(start), {
    ...shown,
    sessionId: sampleSessionId,
    state: "active",
    startedAt: timestamp,
    endedAt: null,
    endedAfter: null,
    endedBefore: null,
    durationMs: null,
    durationBasis: null,
    exitCode: null,
    endReason: null,
    signal: null,
    endedBy: null,
    process,
    ownerUid: null,
    isVerified: null,
    origin: null,
    circumstances: { ...noCircumstances, tty: "pts/8", loginUid: 1_000, via: "sudo:les" },
    startEventId: start.eventId,
    endEventId: null,
  });
});

test("an end ends it, with what the shell said", () => {
  const end = endEvent({ reason: "signal", exitCode: 129, signal: "HUP" });
  const session = folded(startEvent(), end);
  assert.equal(session.state, "ended");
  assert.equal(session.endedAt, end.content.timestamp);
  assert.deepEqual([session.endReason, session.exitCode, session.signal], ["signal", 129, "HUP"]);
  assert.deepEqual([session.durationMs, session.durationBasis], [3_600_000, "wall_clock"]);
  assert.equal(session.endEventId, end.eventId);
});

test("a proof of death makes it orphaned, with an interval for its end and no duration", () => {
  const death = deathEvent({ proof: "rebooted" });
  const session = folded(startEvent(), death);
  assert.equal(session.state, "orphaned");
  assert.deepEqual([session.endedAfter, session.endedBefore], [death.content.lastAliveAt, death.content.detectedAt]);
  assert.deepEqual([session.endedAt, session.durationMs, session.durationBasis], [null, null, null]);
  assert.equal(session.endReason, "rebooted");
  assert.equal(session.endEventId, death.eventId);
});

test("an end counts more than a proof of death, whichever came first", () => {
  const [start, death, end] = [startEvent(), deathEvent(), endEvent()];
  assert.deepEqual(folded(start, death, end), folded(start, end));
  assert.deepEqual(folded(start, end, death), folded(start, end));
});

test("of several ends the earliest counts, of several proofs the narrowest interval", () => {
  const early = endEvent({ timestamp: at("2026-02-06T12:40:00Z"), exitCode: 1 });
  const late = endEvent({ timestamp: at("2026-02-06T12:50:00Z"), exitCode: 2 });
  assert.equal(folded(startEvent(), late, early).exitCode, 1);
  const first = deathEvent({ lastAliveAt: at("2026-02-06T12:40:00Z"), detectedAt: at("2026-02-06T12:50:00Z") });
  const second = deathEvent({ lastAliveAt: at("2026-02-06T12:45:00Z"), detectedAt: at("2026-02-06T12:55:00Z") });
  const session = folded(startEvent(), second, first);
  assert.deepEqual([session.endedAfter, session.endedBefore], [second.content.lastAliveAt, first.content.detectedAt]);
});

test("a duration comes from the boot clock when both ends were seen in one boot", () => {
  const start = startEvent({}, onBootClock({ bootId: "b", ms: 1_000 }));
  const end = endEvent({ timestamp: at("2020-01-01T00:00:00Z") }, onBootClock({ bootId: "b", ms: 6_000 }));
  const session = folded(start, end);
  assert.deepEqual([session.durationMs, session.durationBasis], [5_000, "boot_clock"]);
  assert.equal(session.endedAt, startTime, "a clock that was set back must not put the end before the start");
});

test("boot clocks of two boots, or one that went backwards, are not compared", () => {
  const start = startEvent({}, onBootClock({ bootId: "b", ms: 5_000 }));
  for (const clock of [
    { bootId: "other", ms: 9_000 },
    { bootId: "b", ms: 4_999 },
  ]) {
    const session = folded(start, endEvent({}, onBootClock(clock)));
    assert.deepEqual([session.durationMs, session.durationBasis], [3_600_000, "wall_clock"]);
  }
});

test("an end before the start is clamped to it and marked", () => {
  const session = folded(startEvent(), endEvent({ timestamp: at("2026-02-06T12:00:00Z") }));
  assert.deepEqual([session.endedAt, session.durationMs, session.durationBasis], [startTime, 0, "clamped"]);
});

test("an interval never reaches before the start nor behind its own end", () => {
  const before = { lastAliveAt: at("2026-01-01T00:00:00Z"), detectedAt: at("2026-01-02T00:00:00Z") };
  const early = folded(startEvent(), deathEvent(before));
  assert.deepEqual([early.endedAfter, early.endedBefore], [startTime, startTime]);
  const crossed = { lastAliveAt: at("2026-02-08T00:00:00Z"), detectedAt: at("2026-02-07T00:00:00Z") };
  const session = folded(startEvent(), deathEvent(crossed));
  assert.deepEqual([session.endedAfter, session.endedBefore], [crossed.detectedAt, crossed.detectedAt]);
});
