/** States the laws of what is known of origins; every store must pass them, after a reopening too. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { type TestContext, test } from "node:test";
import type { OriginLoss, OriginState, ParkedEvent } from "../../../src/tracker/origins.ts";
import type { Store } from "../../../src/tracker/store.ts";
import { at, folded, observedNothing, startEvent } from "../../support/store/session-events.ts";
import { openAt, type StorePlace } from "../../support/store/store-place.ts";

const stream = "0b0f7d7e-3a43-4a6d-9d0b-000000000001";
const hostile = 'a\0b\u0001"\\😀';

const state: OriginState = {
  originId: "key-1",
  name: hostile,
  heardAt: at("2026-02-06T12:00:00Z"),
  skewMs: -1_200,
  program: null,
  boot: { bootId: hostile, ms: 7 },
  earlierBoots: ["boot-0"],
  streams: [{ stream, acked: 2 ** 50, last: 2 ** 51 }],
  clone: { sign: "position", at: at("2026-02-06T12:00:00Z") },
  parked: 1,
  waiting: 0,
  parkedSize: 12,
  losses: 3,
};

const parked: ParkedEvent = {
  originId: "key-1",
  key: "b",
  stream,
  seq: 2 ** 50,
  code: "no_start",
  error: hostile,
  startEventId: randomUUID(),
  body: JSON.stringify({ hostile }),
  at: at("2026-02-06T12:00:00Z"),
};

const loss: OriginLoss = {
  originId: "key-1",
  stream,
  from: 3,
  to: 2 ** 50,
  events: 12,
  why: hostile,
  at: at("2026-02-06T12:00:00Z"),
};

/** @param createPlace - makes a place with no store in it yet, removed when the test is done */
export function originLaws(name: string, createPlace: (t: TestContext) => StorePlace): void {
  const law = (sentence: string, check: (store: Store, reopen: () => Promise<Store>) => Promise<void>) =>
    test(`${name}: ${sentence}`, async (t) => {
      const place = createPlace(t);
      await check(await openAt(place, t), () => openAt(place, t));
    });

  law("an origin is known as it was written last, at once and after a reopening", async (store, reopen) => {
    assert.deepEqual([await store.origins(), await store.origin("key-1")], [[], null]);
    await store.transact(async (tx) => {
      const origins = await tx.origins();
      assert.equal(await origins.origin("key-1"), null);
      await origins.putOrigin({ ...state, skewMs: 0 });
      await origins.putOrigin(state);
      assert.deepEqual(await origins.origin("key-1"), state);
    });
    await store.transact(async (tx) => (await tx.origins()).putOrigin({ ...state, originId: "key-0" }));
    for (const one of [store, await reopen()]) {
      assert.deepEqual(await one.origin("key-1"), state);
      assert.deepEqual(await one.origins(), [{ ...state, originId: "key-0" }, state]);
    }
  });

  law("what a work wrote of an origin is gone when it throws, and its neighbour's stays", async (store) => {
    const failing = store.transact(async (tx) => {
      const origins = await tx.origins();
      await origins.putOrigin(state);
      await origins.park(parked);
      await origins.addLoss(loss);
      throw new Error("taken back");
    });
    const other = { ...state, originId: "key-2" };
    const staying = store.transact(async (tx) => (await tx.origins()).putOrigin(other));
    await Promise.all([assert.rejects(failing, /taken back/), staying]);
    assert.deepEqual(await store.origins(), [other]);
    assert.deepEqual([await store.parkedOf("key-1", "", 9), await store.lossesOf("key-1")], [[], []]);
  });

  law("works of one group see what those before them wrote", async (store) => {
    const counting = () =>
      store.transact(async (tx) => {
        const origins = await tx.origins();
        const before = await origins.origin("key-1");
        await origins.putOrigin({ ...state, losses: (before?.losses ?? 0) + 1 });
        const waiting = await origins.parkedFor("key-1", parked.startEventId ?? "");
        await origins.park({ ...parked, key: `k${waiting.length}` });
      });
    await Promise.all([counting(), counting(), counting()]);
    assert.equal((await store.origin("key-1"))?.losses, 3);
    assert.deepEqual(
      (await store.parkedOf("key-1", "", 9)).map(({ key }) => key),
      ["k0", "k1", "k2"],
    );
  });

  law("what is kept aside is found by its key and by the start that it waits for", async (store, reopen) => {
    const start = parked.startEventId ?? "";
    const others = [
      { ...parked, key: "a" },
      { ...parked, key: "c", startEventId: null, body: null },
      { ...parked, key: "d", startEventId: randomUUID() },
      { ...parked, originId: "key-2" },
    ];
    await store.transact(async (tx) => {
      const origins = await tx.origins();
      for (const one of [parked, ...others]) await origins.park(one);
      assert.deepEqual(await origins.parkedEvent("key-1", "b"), parked);
      assert.deepEqual(await origins.parkedFor("key-1", start), [others[0], parked]);
    });
    await store.transact(async (tx) => {
      const origins = await tx.origins();
      assert.deepEqual(await origins.parkedFor("key-1", start), [others[0], parked]);
      await origins.unpark("key-1", "a");
      await origins.park({ ...parked, error: "another" });
      assert.equal(await origins.parkedEvent("key-1", "a"), null);
      assert.deepEqual(await origins.parkedFor("key-1", start), [{ ...parked, error: "another" }]);
    });
    for (const one of [store, await reopen()]) {
      const [, third, fourth, elsewhere] = others;
      assert.deepEqual(await one.parkedOf("key-1", "", 2), [{ ...parked, error: "another" }, third]);
      assert.deepEqual(await one.parkedOf("key-1", "c", 9), [fourth]);
      assert.deepEqual(await one.parkedOf("key-2", "", 9), [elsewhere]);
    }
  });

  law("a loss is known by its log and positions", async (store, reopen) => {
    await store.transact(async (tx) => {
      const origins = await tx.origins();
      assert.equal(await origins.isLossKnown(loss), false);
      await origins.addLoss(loss);
      assert.equal(await origins.isLossKnown({ ...loss, why: "another" }), true);
      await origins.addLoss({ ...loss, from: 1, to: 2 });
    });
    const known = (one: OriginLoss) => store.transact(async (tx) => (await tx.origins()).isLossKnown(one));
    assert.deepEqual(await Promise.all([known(loss), known({ ...loss, to: 5 })]), [true, false]);
    assert.deepEqual(await known({ ...loss, originId: "key-2" }), false);
    for (const one of [store, await reopen()])
      assert.deepEqual(await one.lossesOf("key-1"), [{ ...loss, from: 1, to: 2 }, loss]);
  });

  law("a session is found by its origin and its id there; of several the one that started last", async (store) => {
    const start = (sessionId: string, minute: number, originId: string, there: string) => {
      const origin = { originId, sessionId: there, stream, seq: minute };
      return startEvent(
        { timestamp: at(`2026-02-06T12:0${minute}:00Z`) },
        { sessionId, observed: { ...observedNothing, origin } },
      );
    };
    const [first, last] = [start("first", 1, "key-1", hostile), start("last", 2, "key-1", hostile)];
    const others = [start("other", 3, "key-2", hostile), start("others", 4, "key-1", "x"), startEvent()];
    const look = (found: string | null) =>
      store.transact(async (tx) => assert.equal(await (await tx.origins()).sessionOfOrigin("key-1", hostile), found));
    await look(null);
    for (const event of [last, ...others, first]) {
      await store.transact(async (tx) => {
        await tx.appendEvent(event);
        await tx.putSession(folded(event));
        const origins = await tx.origins();
        assert.equal(await origins.sessionOfOrigin("key-1", hostile), "last");
        assert.equal(await origins.sessionOfOrigin("key-3", hostile), null);
      });
    }
    await look("last");
  });
}
