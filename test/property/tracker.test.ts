/** Proves that after any run of operations the table of sessions is the fold of the log, and no start is lost. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { foldSession } from "../../src/tracker/fold.ts";
import type { Store } from "../../src/tracker/store.ts";
import { createTracker, type Tracker } from "../../src/tracker/tracker.ts";
import { anyDeath, anyEnd, anyStart } from "../support/arbitraries.ts";
import { at, observedNothing } from "../support/store/session-events.ts";
import { emptyStores, openAt, sqlitePlace } from "../support/store/store-place.ts";

/** Few starts, components and seconds, so that ids collide and starts are sent again. */
const someStart = fc
  .tuple(anyStart, fc.constantFrom("a", "b"), fc.nat(1), fc.nat(9))
  .map(([start, component, second, n]) => ({
    eventId: `6ba7b810-9dad-41d1-80b4-00c04fd430c${n}`,
    content: { ...start.content, componentName: component, timestamp: at(`2026-02-06T12:00:0${second}Z`) },
    observed: start.observed,
  }));
const someSession = fc.nat(5);
const operation = fc.oneof(
  fc.record({ kind: fc.constant("start" as const), start: someStart }),
  fc.record({ kind: fc.constant("end" as const), session: someSession, event: anyEnd }),
  fc.record({ kind: fc.constant("death" as const), session: someSession, event: anyDeath }),
);
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

/** Runs batches of operations, those of one batch at the same time. @returns the answer of each start by its event id */
async function runAll(tracker: Tracker, batches: readonly (readonly Operation[])[]): Promise<Map<string, string>> {
  const answers = new Map<string, string>();
  const runOne = async (op: Operation) => {
    const known = [...new Set(answers.values())];
    if (op.kind === "start") {
      const { sessionId } = await tracker.startOfHost(op.start, op.start.observed);
      assert.equal(answers.get(op.start.eventId) ?? sessionId, sessionId, "one event has one answer");
      answers.set(op.start.eventId, sessionId);
    } else if (op.kind === "end") {
      await tracker.end(known[op.session] ?? "unknown", op.event.content, op.event.observed);
    } else {
      await tracker.death(known[op.session] ?? "unknown", op.event.content, observedNothing);
    }
  };
  for (const batch of batches) await Promise.all(batch.map(runOne));
  return answers;
}

async function checkTable(store: Store, answers: ReadonlyMap<string, string>): Promise<void> {
  const sessions = await store.sessions({});
  assert.equal(new Set(answers.values()).size, answers.size, "every start has an id of its own");
  assert.deepEqual(sessions.map(({ sessionId }) => sessionId).sort(), [...answers.values()].sort());
  const log = await store.events(0, 1_000);
  for (const session of sessions) {
    const events = log.map(({ event }) => event).filter(({ sessionId }) => sessionId === session.sessionId);
    assert.deepEqual(session, foldSession(events));
    assert.equal(answers.get(session.startEventId), session.sessionId);
  }
  assert.ok(log.every(({ event }) => sessions.some(({ sessionId }) => sessionId === event.sessionId)));
}

test("after any run of operations, one by one or at once, fold(events) is the table", async (t) => {
  const batches = fc.array(fc.array(operation, { minLength: 1, maxLength: 5 }), { maxLength: 8 });
  const makeStore = await emptyStores(t);
  await fc.assert(
    fc.asyncProperty(batches, async (ops) => {
      const place = sqlitePlace(t);
      makeStore(place.options.path);
      const store = await openAt(place);
      const dependencies = { store, newEventId: randomUUID, hostname: "", directoryProblem: async () => null };
      try {
        await checkTable(store, await runAll(createTracker(dependencies), ops));
      } finally {
        await store.close();
      }
    }),
    { numRuns: 25 },
  );
});
