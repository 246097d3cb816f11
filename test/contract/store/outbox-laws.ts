/** States the laws of the outbox: who sends, how far delivery has got, and what is kept for it. Every store must pass them. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { type TestContext, test } from "node:test";
import type { Delivery, DeliveryChange } from "../../../src/tracker/outbox.ts";
import type { Store } from "../../../src/tracker/store.ts";
import { at, endEvent, startEvent } from "../../support/store/session-events.ts";
import { openAt, recordLives, type StorePlace } from "../../support/store/store-place.ts";

const central = { name: "central", url: "https://central:8678", origin: "origin-1" };
const nowMs = Date.parse("2026-11-24T12:00:00Z");
const dayMs = 86_400_000;
const lease = (fromMs = nowMs) => ({ id: randomUUID(), nowMs: fromMs, untilMs: fromMs + 30_000 });
const farFuture = at("2030-01-01T00:00:00Z");
const everything = { ackedBeforeMs: 0, oldPosition: 0, mostBytes: Number.MAX_SAFE_INTEGER };

/** @param createPlace - makes a place with no store in it yet, removed when the test is done */
export function outboxLaws(name: string, createPlace: (t: TestContext) => StorePlace): void {
  const law = (sentence: string, check: (store: Store, t: TestContext, place: StorePlace) => Promise<void>) =>
    test(`${name}: ${sentence}`, async (t) => {
      const place = createPlace(t);
      await check(await openAt(place, t), t, place);
    });

  law("a new place in the outbox begins before the first event, and is kept", async (store, t, place) => {
    assert.deepEqual(await store.deliveries(), []);
    const taken = lease();
    const made = await store.leaseDelivery(central, "stream-1", taken);
    const expected: Delivery = {
      ...central,
      stream: "stream-1",
      sent: 0,
      acked: 0,
      tries: 0,
      triedAtMs: null,
      nextAtMs: null,
      lastOkAtMs: null,
      lastError: null,
      clockOffsetMs: 0,
      leasedBy: taken.id,
    };
    assert.deepEqual(made, expected);
    await store.close();
    assert.deepEqual(await (await openAt(place, t)).deliveries(), [expected]);
  });

  law("one at a time has the lease, until it gives it back, it runs out, or the clock is set back", async (store) => {
    const first = lease();
    assert.ok(await store.leaseDelivery(central, "s", first));
    assert.equal(await store.leaseDelivery(central, "s", lease()), null);
    const other = { ...central, name: "other" };
    assert.ok(await store.leaseDelivery(other, "s", lease()), "another place has a lease of its own");
    await store.settleDelivery("central", first.id, { nowMs, leaseUntilMs: null });
    const second = lease();
    assert.ok(await store.leaseDelivery(central, "s", second));
    assert.equal(await store.leaseDelivery(central, "s", lease(nowMs + 29_999)), null);
    const third = lease(nowMs + 30_000);
    assert.ok(await store.leaseDelivery(central, "s", third), "it has run out");
    const change: DeliveryChange = { sent: 7, nowMs, leaseUntilMs: null };
    assert.equal(await store.settleDelivery("central", second.id, change), null, "the lease is another's");
    assert.equal((await store.deliveries())[0]?.sent, 0);
    const fourth = lease(nowMs - dayMs);
    assert.ok(await store.leaseDelivery(central, "s", fourth), "it is from the future");
    const another = { ...lease(nowMs - dayMs), abandoned: third.id };
    assert.equal(await store.leaseDelivery(central, "s", another), null, "who is gone had it before");
    assert.ok(await store.leaseDelivery(central, "s", { ...another, abandoned: fourth.id }), "its holder is gone");
  });

  law("of many that want the lease at once, one has it", async (store, t, place) => {
    const stores = [store, await openAt(place, t), await openAt(place, t)];
    const wanted = Array.from({ length: 12 }, (_, index) =>
      (stores[index % 3] as Store).leaseDelivery(central, randomUUID(), lease()),
    );
    const had = (await Promise.all(wanted)).filter((delivery) => delivery !== null);
    assert.equal(had.length, 1);
    assert.deepEqual(await store.deliveries(), had);
  });

  law("what an exchange changed is kept whole, and what it did not name stays", async (store) => {
    const { id } = lease();
    await store.leaseDelivery(central, "s", { id, nowMs, untilMs: nowMs + 1 });
    const failed = { tries: 3, triedAtMs: nowMs, nextAtMs: nowMs + 500, lastError: "it is “down”: \u0001\n" };
    const base = { nowMs, leaseUntilMs: nowMs + 60_000 };
    await store.settleDelivery("central", id, { ...failed, ...base });
    const later = await store.settleDelivery("central", id, { sent: 9, acked: 8, clockOffsetMs: -5, ...base });
    const [kept] = await store.deliveries();
    assert.deepEqual(later, kept);
    assert.deepEqual(kept, { ...kept, ...failed, sent: 9, acked: 8, clockOffsetMs: -5, stream: "s", lastOkAtMs: null });
    assert.equal(await store.leaseDelivery(central, "s", lease(nowMs + 59_999)), null, "the lease was made longer");
  });

  law("a place of another record, or of this one under another name there, begins anew", async (store) => {
    const { id } = lease();
    await store.leaseDelivery(central, "s", { id, nowMs, untilMs: nowMs + 1 });
    const refused = [{ seq: 1, eventId: randomUUID(), code: "invalid", error: "no" }];
    await store.settleDelivery("central", id, { sent: 9, refused, nowMs, leaseUntilMs: null });
    const elsewhere = { ...central, url: "https://other:8678" };
    const made = await store.leaseDelivery(elsewhere, "s2", lease());
    assert.deepEqual([made?.sent, made?.stream, made?.url], [0, "s2", elsewhere.url]);
    assert.deepEqual(await store.refusedEvents("central", 10), []);
    const anew = await store.leaseDelivery({ ...elsewhere, origin: "origin-2" }, "s3", lease());
    assert.deepEqual([anew?.stream, anew?.origin], ["s3", "origin-2"]);
  });

  law("what is refused is kept once, with its reason, and counted", async (store) => {
    await recordLives(store, [[startEvent(), endEvent()]]);
    const { id } = lease();
    await store.leaseDelivery(central, "s", { id, nowMs, untilMs: nowMs + 1 });
    const one = { seq: 1, eventId: randomUUID(), code: "unknown_kind", error: "a \u0001 sentence" };
    const two = { seq: 2, eventId: randomUUID(), code: "too_large", error: "" };
    await store.settleDelivery("central", id, { refused: [one], nowMs, leaseUntilMs: nowMs });
    await store.settleDelivery("central", id, { refused: [{ ...one, code: "x" }, two], nowMs, leaseUntilMs: nowMs });
    assert.deepEqual(await store.refusedEvents("central", 10), [two, one]);
    assert.deepEqual(await store.refusedEvents("central", 1), [two]);
    assert.deepEqual(await store.backlog("central"), { events: 2, refused: 2, lost: 0 });
    await store.settleDelivery("central", id, { sent: 1, nowMs, leaseUntilMs: nowMs });
    assert.deepEqual(await store.backlog("central"), { events: 1, refused: 2, lost: 0 });
    assert.deepEqual(await store.backlog("nowhere"), { events: 2, refused: 0, lost: 0 });
  });

  law("a place whose destination is gone is forgotten, and keeps nothing", async (store) => {
    await recordLives(store, [[startEvent(), endEvent()]]);
    await store.leaseDelivery(central, "s", lease());
    await store.leaseDelivery({ ...central, name: "other" }, "s", lease());
    assert.equal(await store.prune(farFuture, 10), 0);
    await store.keepDeliveries(["other"]);
    assert.deepEqual(
      (await store.deliveries()).map(({ name: place }) => place),
      ["other"],
    );
    assert.equal(await store.prune(farFuture, 10), 0);
    await store.keepDeliveries([]);
    assert.equal(await store.prune(farFuture, 10), 1);
    assert.deepEqual(await store.untoldLosses("central", 10), []);
  });

  law(
    "what has to be sent is kept, then what was acknowledged is kept for a time, and all of it is counted",
    async (store) => {
      const lives = [1, 2, 3].map((n) => {
        const sessionId = `shell-${n}`;
        return [startEvent({}, { sessionId }), endEvent({}, { sessionId })];
      });
      await recordLives(store, lives);
      const { id } = lease();
      await store.leaseDelivery(central, "s", { id, nowMs, untilMs: nowMs + 1 });
      const settle = (sent: number, atMs: number) =>
        store.settleDelivery("central", id, { sent, acked: sent, lastOkAtMs: atMs, nowMs: atMs, leaseUntilMs: atMs });
      assert.deepEqual([await store.countPrunable(farFuture), await store.countHeld(farFuture)], [0, 3]);
      await settle(3, nowMs);
      await settle(5, nowMs + dayMs);
      const held = async (ackedBeforeMs: number) => {
        await store.holdEvents({ ...everything, ackedBeforeMs });
        return [await store.countPrunable(farFuture), await store.countHeld(farFuture)];
      };
      assert.deepEqual(await held(nowMs - 1), [0, 3]);
      assert.deepEqual(await held(nowMs), [1, 2], "the second session has an event that came later");
      assert.deepEqual(await held(nowMs + dayMs), [2, 1]);
      assert.equal(await store.prune(farFuture, 10), 2);
      assert.deepEqual(await store.untoldLosses("central", 10), []);
      assert.deepEqual(
        (await store.sessions({})).map(({ sessionId }) => sessionId),
        ["shell-3"],
      );
      assert.deepEqual(await store.countHeld(at("2020-01-01T00:00:00Z")), 0, "it ended later");
    },
  );

  law("what the other record lost is kept again, from where it has to be sent", async (store) => {
    await recordLives(store, [[startEvent(), endEvent()]]);
    const { id } = lease();
    await store.leaseDelivery(central, "s", { id, nowMs, untilMs: nowMs + 1 });
    const settle = (change: Partial<DeliveryChange>) =>
      store.settleDelivery("central", id, { nowMs, leaseUntilMs: nowMs, ...change });
    await settle({ sent: 2, lastOkAtMs: nowMs });
    await settle({ sent: 1 });
    await settle({ sent: 1, lastOkAtMs: nowMs + 40 * dayMs, nowMs: nowMs + 40 * dayMs });
    await store.holdEvents({ ...everything, ackedBeforeMs: nowMs + 10 * dayMs });
    assert.deepEqual([await store.countPrunable(farFuture), await store.countHeld(farFuture)], [0, 1]);
  });

  law(
    "what waits for too long or is too much goes with whole sessions, as a loss of each place that had not got it",
    async (store) => {
      const lives = [1, 2, 3, 4].map((n) => {
        const sessionId = `shell-${n}`;
        return [startEvent({}, { sessionId }), endEvent({}, { sessionId })];
      });
      await recordLives(store, lives);
      await recordLives(store, [[startEvent({}, { sessionId: "open" })]]);
      const [one, two] = [lease(), lease()];
      await store.leaseDelivery(central, "s", one);
      await store.leaseDelivery({ ...central, name: "other" }, "s", two);
      await store.settleDelivery("other", two.id, { sent: 3, nowMs, leaseUntilMs: null });
      await store.holdEvents({ ...everything, oldPosition: 4 });
      assert.equal(await store.prune(farFuture, 10), 2);
      const lossOf = async (place: string) =>
        (await store.untoldLosses(place, 10)).map(({ from, to, events, why }) => [from, to, events, why]);
      assert.deepEqual(await lossOf("central"), [[1, 4, 4, "age"]]);
      assert.deepEqual(await lossOf("other"), [[4, 4, 1, "age"]]);
      assert.equal((await store.backlog("central")).lost, 4);
      const [last] = (await store.events(8, 1)).slice(-1);
      assert.ok(last !== undefined);
      await store.holdEvents({ ...everything, mostBytes: 1 });
      assert.equal(await store.prune(farFuture, 1), 1);
      assert.equal(await store.prune(farFuture, 10), 1, "the open session stays, whatever waits");
      assert.deepEqual(await lossOf("central"), [
        [1, 4, 4, "age"],
        [5, 6, 2, "disk_cap"],
        [7, 8, 2, "disk_cap"],
      ]);
      assert.equal((await store.sessions({})).length, 1);
    },
  );

  law("a loss that was told is not told again, unless the other record has forgotten it", async (store) => {
    await recordLives(store, [[startEvent(), endEvent()]]);
    const { id } = lease();
    await store.leaseDelivery(central, "s", { id, nowMs, untilMs: nowMs + 1 });
    await store.holdEvents({ ...everything, oldPosition: 2 });
    await store.prune(farFuture, 1);
    const settle = (change: Partial<DeliveryChange>) =>
      store.settleDelivery("central", id, { nowMs, leaseUntilMs: nowMs, ...change });
    const untold = async () => (await store.untoldLosses("central", 10)).length;
    await settle({ sent: 2, toldLosses: [1] });
    assert.equal(await untold(), 0);
    await settle({ sent: 1 });
    assert.equal(await untold(), 1);
    await settle({ sent: 2, toldLosses: [1] });
    await settle({ stream: "new", sent: 0 });
    assert.equal(await untold(), 1);
  });
}
