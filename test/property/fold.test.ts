/** Proves for any events of a session that the fold is a join: order, repetition and batches make no difference. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { DeathEvent, EndEvent, EventSource, SessionEvent } from "../../src/tracker/event.ts";
import { foldSession, rankOf } from "../../src/tracker/fold.ts";
import { anyDeath, anyEnd, anyLife, anyLifeOfMany } from "../support/arbitraries.ts";
import { folded } from "../support/store/session-events.ts";

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
      assert.ok(rankOf(folded(...life, later)) >= rankOf(folded(...life)));
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
        Array(2).fill(state === "orphaned" || state === "replaced"),
      );
      if (endedAt !== null) assert.ok(endedAt >= startedAt);
      if (durationMs !== null) assert.ok(durationMs >= 0);
      if (endedAfter !== null && endedBefore !== null) assert.ok(startedAt <= endedAfter && endedAfter <= endedBefore);
    }),
    { numRuns: 300 },
  );
});

/** The shell's own word, which another record has as such, against what that one has found out. */
function isOfShell(source: EventSource | null, { observed }: DeathEvent): boolean {
  if (source?.kind !== "import") return source?.kind === "hook";
  return source.original?.kind === "hook" && observed.source?.kind === "import";
}

/** The boot clock says that this shell wrote its end after it was taken for dead. */
function isRefuted(death: DeathEvent, events: readonly SessionEvent[]): boolean {
  return events.some(
    ({ kind, observed: { source, bootClock } }) =>
      kind === "end" &&
      isOfShell(source, death) &&
      bootClock !== null &&
      bootClock.bootId === death.observed.bootClock?.bootId &&
      bootClock.ms > death.observed.bootClock.ms,
  );
}

test("of 10,000 lives told by all sources, in any order and doubled: one row, a rank that never falls, no end after its proof of death", () => {
  const told = anyLifeOfMany().chain((life) =>
    fc.tuple(fc.constant(life), fc.shuffledSubarray([...life, ...life], { minLength: 2 * life.length })),
  );
  fc.assert(
    fc.property(told, ([life, shuffled]) => {
      const row = folded(...life);
      assert.deepEqual(foldSession(shuffled), row);
      let rank = 0;
      for (let count = 1; count <= shuffled.length; count += 1) {
        const session = foldSession(shuffled.slice(0, count));
        const next = session === null ? 0 : rankOf(session);
        assert.ok(next >= rank);
        rank = next;
      }
      const deaths = life.filter((event) => event.kind === "death").filter((death) => !isRefuted(death, life));
      for (const { content } of deaths) {
        const bound = [row.startedAt, content.detectedAt].sort()[1] ?? "";
        assert.ok((row.endedAt ?? "") <= bound);
      }
      const own = life.filter(
        (event): event is EndEvent => event.kind === "end" && event.observed.source?.kind === "hook",
      );
      assert.equal(rankOf(row) === 3, own.length > 0);
      if (own.length > 0) assert.ok(own.some(({ eventId }) => eventId === row.endEventId));
    }),
    { numRuns: 10_000 },
  );
});
