/** Proves that a session's class says how long it lasted at most, and from when on such a session can have started. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { earliestStart, spanClasses, spanClassOf } from "../../../src/store/spans.ts";
import type { Instant } from "../../../src/tracker/instant.ts";
import { anyInstant } from "../../support/arbitraries.ts";
import { at } from "../../support/store/session-events.ts";

const startedAt = at("2026-03-02T12:00:00Z");
const lengths: readonly (readonly [length: string, closedAt: string, step: number])[] = [
  ["nothing", "2026-03-02T12:00:00Z", 0],
  ["just less than 4 s", "2026-03-02T12:00:03.999999999Z", 0],
  ["4 s", "2026-03-02T12:00:04Z", 1],
  ["just less than 16 s", "2026-03-02T12:00:15.999999999Z", 1],
  ["16 s", "2026-03-02T12:00:16Z", 2],
  ["an hour", "2026-03-02T13:00:00Z", 5],
  ["to the end of the calendar", "9999-12-31T23:59:59.999999999Z", 18],
];

for (const [length, closed, step] of lengths) {
  test(`a session that lasted ${length} is in step ${step} of its state`, () => {
    const closedAt = at(closed);
    const ended = spanClassOf({ state: "ended", startedAt, endedAt: closedAt, endedBefore: null });
    const orphaned = spanClassOf({ state: "orphaned", startedAt, endedAt: null, endedBefore: closedAt });
    assert.deepEqual([ended, orphaned], [1 + step, 21 + step]);
  });
}

test("open sessions have a class of their own, whose start can be at any time", () => {
  assert.equal(spanClassOf({ state: "active", startedAt, endedAt: null, endedBefore: null }), 0);
  const [open] = spanClasses;
  assert.ok(open !== undefined);
  assert.equal(earliestStart(open, startedAt), null);
});

test("the numbers of the classes are their places, and each belongs to one state", () => {
  assert.deepEqual(
    spanClasses.map(({ number }) => number),
    spanClasses.map((_, index) => index),
  );
  for (const state of ["ended", "orphaned"]) {
    const limits = spanClasses.filter((known) => known.state === state).map(({ limitMs }) => limitMs);
    assert.deepEqual(
      limits,
      limits.toSorted((a, b) => a - b),
    );
  }
});

test("whatever was open at a moment started no earlier than its class allows", () => {
  fc.assert(
    fc.property(fc.tuple(anyInstant, anyInstant, anyInstant), (instants) => {
      const [from, moment, to] = instants.sort() as [Instant, Instant, Instant];
      const number = spanClassOf({ state: "ended", startedAt: from, endedAt: to, endedBefore: null });
      const earliest = earliestStart(spanClasses[number] ?? assert.fail(), moment);
      assert.ok(earliest === null || earliest <= from, `${earliest} is after ${from}`);
    }),
    { numRuns: 500 },
  );
});
