/** States the laws of pruning a store, and of what is found wrong with it. Every store must pass them. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { type TestContext, test } from "node:test";
import type { StartEvent } from "../../../src/tracker/event.ts";
import type { Store } from "../../../src/tracker/store.ts";
import { createTracker } from "../../../src/tracker/tracker.ts";
import { at, endEvent, observedNothing, sampleEnd, startEvent } from "../../support/store/session-events.ts";
import { eventsIn, openAt, record, recordLives, type StorePlace } from "../../support/store/store-place.ts";
import { idOf, overlapHistory } from "./overlap-history.ts";

const noon = at("2026-03-02T12:00:00Z");

/** @param createPlace - makes a place with no store in it yet, removed when the test is done */
export function upkeepLaws(name: string, createPlace: (t: TestContext) => StorePlace): void {
  const law = (sentence: string, check: (store: Store, t: TestContext, place: StorePlace) => Promise<void>) =>
    test(`${name}: ${sentence}`, async (t) => {
      const place = createPlace(t);
      await check(await openAt(place, t), t, place);
    });

  law(
    "pruning removes what ended before the moment with its events, in batches; open and later ones stay",
    async (store) => {
      await recordLives(store, overlapHistory);
      assert.equal(await store.countPrunable(noon), 5);
      assert.equal(await store.prune(noon, 2), 2);
      assert.equal(await store.countPrunable(noon), 3);
      assert.deepEqual([await store.prune(noon, 2), await store.prune(noon, 2), await store.prune(noon, 2)], [2, 1, 0]);
      const gone = [1, 2, 27, 35, 36].map(idOf);
      const left = overlapHistory.filter(([start]) => !gone.includes(start?.sessionId ?? ""));
      assert.equal((await store.sessions({})).length, 35);
      assert.deepEqual(await eventsIn(store), left.flat());
      for (const id of gone) {
        assert.equal(await store.session(id), null);
        assert.deepEqual(await store.eventsOf(id), []);
      }
      assert.deepEqual(await store.problems(), []);
    },
  );

  law("the id of a pruned session is never given again, and its events never come back", async (store) => {
    const start = startEvent();
    await recordLives(store, [[start, endEvent()], [startEvent({}, { sessionId: "other" })]]);
    const position = await store.lastSeq();
    assert.equal(await store.transact((tx) => tx.prunedSessionId(start.eventId)), null);
    await store.prune(at("2030-01-01T00:00:00Z"), 10);
    await store.transact(async (tx) => {
      assert.equal(await tx.prunedSessionId(start.eventId), start.sessionId);
      assert.equal(await tx.isSessionIdTaken(start.sessionId), true);
      assert.equal(await tx.eventById(start.eventId), null);
    });
    await assert.rejects(record(store, start));
    await assert.rejects(record(store, startEvent()), "the session id is used up");
    await record(store, startEvent({}, { sessionId: "third" }));
    assert.ok(((await store.events(0, 10)).at(-1)?.seq ?? 0) > position);
  });

  law("a start that is sent again after pruning names the same session, opens none, and has no end", async (store) => {
    const start: StartEvent = startEvent();
    const { eventId, content, observed } = start;
    const dependencies = { store, newEventId: randomUUID, hostname: "", directoryProblem: async () => null };
    const tracker = createTracker(dependencies);
    const { sessionId } = await tracker.start({ eventId, content }, observed);
    await tracker.end(sessionId, sampleEnd, observedNothing);
    await store.prune(at("2030-01-01T00:00:00Z"), 10);
    assert.equal((await tracker.start({ eventId, content }, observed)).sessionId, sessionId);
    assert.equal((await tracker.startOfHost({ eventId, content }, observed)).sessionId, sessionId);
    assert.equal(await tracker.end(sessionId, sampleEnd, observedNothing), "not_found");
    assert.deepEqual([await store.sessions({}), await eventsIn(store)], [[], []]);
    const other = await tracker.start({ eventId: randomUUID(), content }, observed);
    assert.notEqual(other.sessionId, sessionId);
  });
}
