/** Proves for any events of a session that the fold is a join: order, repetition and batches make no difference. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { SessionEvent } from "../../src/tracker/event.ts";
import { foldSession, type SessionState } from "../../src/tracker/fold.ts";
import { anyDeath, anyEnd, anyLife } from "../support/arbitraries.ts";
import { folded } from "../support/store/session-events.ts";

const ranks: readonly SessionState[] = ["active", "orphaned", "ended"];
const rankOf = (events: readonly SessionEvent[]) => ranks.indexOf(folded(...events).state);

test("any order of the events, any of them repeated, gives the same row", () => {
  const lifeAndShuffle = anyLife.chain((life) =>
    fc.tuple(
      fc.constant(life),
      fc.shuffledSubarray([...life], { minLength: life.length }),
      fc.array(fc.constantFrom(...life)),
      fc.nat(),
    ),
  );
  fc.assert(
    fc.property(lifeAndShuffle, ([life, shuffled, repeated, position]) => {
      const events = [...shuffled];
      events.splice(position % (events.length + 1), 0, ...repeated);
      assert.deepEqual(foldSession(events), folded(...life));
    }),
    { numRuns: 300 },
  );
});

test("events that come in batches, each folded on arrival, give the row of all at once", () => {
  fc.assert(
    fc.property(anyLife, fc.array(fc.nat(3), { minLength: 6, maxLength: 6 }), (life, batchOf) => {
      const seen: SessionEvent[] = [];
      let row = null;
      for (const batch of [0, 1, 2, 3]) {
        seen.push(...life.filter((_, index) => batchOf[index] === batch));
        row = foldSession(seen);
      }
      assert.deepEqual(row, folded(...life));
    }),
  );
});

test("a later event only raises how well the end is known", () => {
  fc.assert(
    fc.property(anyLife, fc.oneof(anyEnd, anyDeath), (life, later) => {
      assert.ok(rankOf([...life, later]) >= rankOf(life));
    }),
  );
});

test("no duration is negative and no end lies before the start", () => {
  fc.assert(
    fc.property(anyLife, (life) => {
      const { state, startedAt, endedAt, endedAfter, endedBefore, durationMs, durationBasis } = folded(...life);
      assert.deepEqual(
        [endedAt, durationMs, durationBasis].map((value) => value !== null),
        Array(3).fill(state === "ended"),
      );
      assert.deepEqual(
        [endedAfter, endedBefore].map((value) => value !== null),
        Array(2).fill(state === "orphaned"),
      );
      if (endedAt !== null) assert.ok(endedAt >= startedAt);
      if (durationMs !== null) assert.ok(durationMs >= 0);
      if (endedAfter !== null && endedBefore !== null) assert.ok(startedAt <= endedAfter && endedAfter <= endedBefore);
    }),
    { numRuns: 300 },
  );
});
