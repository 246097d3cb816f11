/** States the laws of taking over another record, position by position. Every store must pass them. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { Session } from "../../../src/tracker/fold.ts";
import type { Store } from "../../../src/tracker/store.ts";
import type { PrunedSession, RecordPart } from "../../../src/tracker/transfer.ts";
import { at, endEvent, folded, startEvent } from "../../support/store/session-events.ts";
import { eventsIn, openAt, record, recordLives, type StorePlace } from "../../support/store/store-place.ts";
import { overlapHistory } from "./overlap-history.ts";

const everything = 1_000_000;
const afterAll = at("2030-01-01T00:00:00Z");
const nothing: RecordPart = { events: [], sessions: [], pruned: [], tables: [], head: 0 };

/** @param createPlace - makes a place with no store in it yet, removed when the test is done */
export function transferLaws(name: string, createPlace: (t: TestContext) => StorePlace): void {
  const law = (sentence: string, check: (store: Store) => Promise<void>) =>
    test(`${name}: ${sentence}`, async (t) => check(await openAt(createPlace(t), t)));

  law("the position that was given last stays, also where its event was pruned", async (store) => {
    assert.equal(await store.head(), 0);
    await recordLives(store, overlapHistory);
    const head = await store.head();
    assert.equal(head, await store.lastSeq());
    await store.prune(afterAll, everything);
    assert.equal(await store.head(), head);
  });

  law("the ids of pruned sessions are told in their order, and pages of them join without a gap", async (store) => {
    await recordLives(store, overlapHistory);
    await recordLives(store, [
      [startEvent({}, { sessionId: "zero \0\u0001" }), endEvent({}, { sessionId: "zero \0\u0001" })],
    ]);
    const before = await store.sessions({});
    assert.deepEqual(await store.prunedSessions("", everything), []);
    await store.prune(afterAll, everything);
    const all = await store.prunedSessions("", everything);
    const left = new Set((await store.sessions({})).map(({ sessionId }) => sessionId));
    const expected = before.filter(({ sessionId }) => !left.has(sessionId)).map(toPruned);
    assert.deepEqual(
      all,
      expected.sort((a, b) => (a.sessionId < b.sessionId ? -1 : 1)),
    );
    assert.ok(all.some(({ sessionId }) => sessionId.startsWith("zero")));
    const paged = [];
    for (let page = await store.prunedSessions("", 3); page.length > 0; ) {
      paged.push(...page);
      page = await store.prunedSessions(page.at(-1)?.sessionId ?? "", 3);
    }
    assert.deepEqual(paged, all);
  });

  law("events are taken over at their positions, and what is new goes on after them", async (store) => {
    const [start, end] = [startEvent({}, { sessionId: "s" }), endEvent({}, { sessionId: "s" })];
    const events = [
      { seq: 3, event: start },
      { seq: 7, event: end },
    ];
    const sessions = [folded(start, end)];
    assert.equal(await store.takeOver(0, { ...nothing, events, sessions, head: 9 }), true);
    assert.deepEqual(await store.events(0, everything), events);
    assert.deepEqual(await store.sessions({}), sessions);
    assert.equal(await store.head(), 9);
    await record(store, startEvent({}, { sessionId: "new" }));
    assert.deepEqual(
      (await store.events(7, everything)).map(({ seq }) => seq),
      [10],
    );
    assert.deepEqual(await store.problems(), []);
  });

  law("nothing is taken over where the log has gone on, or ends before", async (store) => {
    await recordLives(store, overlapHistory);
    const log = await eventsIn(store);
    const head = await store.head();
    const events = [{ seq: head + 1, event: startEvent({}, { sessionId: "s" }) }];
    for (const after of [0, head - 1, head + 1]) {
      assert.equal(await store.takeOver(after, { ...nothing, events, head: head + 1 }), false);
    }
    assert.deepEqual(await eventsIn(store), log);
    assert.equal(await store.head(), head);
  });

  law("a session that was pruned elsewhere goes, once or again, and its ids are never given again", async (store) => {
    await recordLives(store, overlapHistory);
    const head = await store.head();
    const gone = (await store.sessions({})).slice(3, 6);
    const pruned = gone.map(toPruned);
    for (let time = 0; time < 2; time += 1) {
      assert.equal(await store.takeOver(head, { ...nothing, pruned, head }), true);
      assert.equal((await store.sessions({})).length, overlapHistory.length - 3);
      const left = overlapHistory.filter(([start]) => !gone.some(({ sessionId }) => sessionId === start?.sessionId));
      assert.deepEqual(await eventsIn(store), left.flat());
    }
    for (const { sessionId, startEventId } of pruned) {
      assert.equal(await store.transact((tx) => tx.isSessionIdTaken(sessionId)), true);
      assert.equal(await store.transact((tx) => tx.prunedSessionId(startEventId)), sessionId);
    }
  });

  law("rows of the other tables are taken over as they are, in the place of those before", async (store) => {
    const text = "\0\u0001 é \n'\"";
    const row = (key: string, body: string | null) => ({
      origin_id: "o",
      key,
      stream: "s",
      seq: 2 ** 40,
      code: "invalid",
      error: text,
      start_event_id: null,
      body,
      parked_at: "t",
    });
    const table = "parked_events";
    const take = (isFirst: boolean, ...rows: ReturnType<typeof row>[]) =>
      store.takeOver(0, { ...nothing, tables: [{ table, isFirst, rows }] });
    await take(true, row("gone", null));
    await take(true, row("c", text), row("a", null));
    await take(false, row("b", ""));
    assert.deepEqual(await store.rowsOf(table, 0, 2), [row("a", null), row("b", "")]);
    assert.deepEqual(await store.rowsOf(table, 2, 2), [row("c", text)]);
    assert.deepEqual(await store.rowsOf(table, 3, 2), []);
  });

  law("a part is taken over whole or not at all", async (store) => {
    await recordLives(store, overlapHistory);
    const [before, head] = [await eventsIn(store), await store.head()];
    const [first] = before;
    assert.ok(first !== undefined);
    const events = [
      { seq: head + 1, event: startEvent({}, { sessionId: "s" }) },
      { seq: head + 2, event: first },
    ];
    await assert.rejects(store.takeOver(head, { ...nothing, events, head: head + 2 }));
    assert.deepEqual([await eventsIn(store), await store.head()], [before, head]);
  });
}

function toPruned({ sessionId, startEventId }: Session): PrunedSession {
  return { sessionId, startEventId };
}
