/** Proves the rules of delivery one by one: what is sent next after each answer, when, and what is left. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { answer } from "../../support/delivery/model-centre.ts";
import { createModelHost, Killed, type ModelHost } from "../../support/delivery/model-host.ts";
import { at, startEvent } from "../../support/store/session-events.ts";
import { recordLives } from "../../support/store/store-place.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const minuteMs = 60_000;

async function openHost(t: TestContext): Promise<ModelHost> {
  const host = await createModelHost(join(temporaryFolder(t), "sessions.db"));
  t.after(() => host.close());
  return host;
}

test("batches have at most 500 events, name their positions, and are sent until there are no more", async (t) => {
  const host = await openHost(t);
  await host.record(600);
  assert.deepEqual(await host.deliver(), { outcome: "done", stored: 1_200, known: 0, refused: 0 });
  const seen = host.centre.batches.map(({ after, upto, last, events }) => [after, upto, last, events.length]);
  assert.deepEqual(seen, [
    [0, 500, 1_200, 500],
    [500, 1_000, 1_200, 500],
    [1_000, 1_200, 1_200, 200],
  ]);
  const [first] = host.centre.batches;
  assert.deepEqual([first?.program, first?.boot], ["1.2.3", { bootId: "boot", ms: 5 }]);
});

test("a heartbeat goes at once, then each minute while sessions are open, and each hour while none is", async (t) => {
  const host = await openHost(t);
  const beats = async (ms: number) => {
    host.nowMs += ms;
    const before = host.centre.batches.length;
    await host.deliver();
    return host.centre.batches.length - before;
  };
  const idle = [await beats(0), await beats(minuteMs), await beats(58 * minuteMs), await beats(minuteMs)];
  assert.deepEqual(idle, [1, 0, 0, 1]);
  await host.record(1, true);
  assert.deepEqual([await beats(0), await beats(minuteMs - 1), await beats(1), await beats(minuteMs)], [1, 0, 1, 1]);
});

test("what other records delivered here is not sent on, and its positions are passed over", async (t) => {
  const host = await openHost(t);
  const origin = { originId: "o", sessionId: "there", stream: "s", seq: 1 };
  const own = await host.record(1);
  const other = startEvent({}, { sessionId: "other" });
  await recordLives(host.store, [[{ ...other, observed: { ...other.observed, origin } }]]);
  await host.deliver();
  assert.deepEqual(host.centre.kept.stored, new Set(own.map(({ eventId }) => eventId)));
  assert.equal((await host.place())?.sent, 3);
});

test("a batch that is too large is halved until it is taken; an event too large alone is left, and skipped from then on", async (t) => {
  const host = await openHost(t);
  const events = await host.record(20);
  host.centre.mostEvents = 7;
  const large = events[11]?.eventId ?? "";
  host.centre.tooLarge.add(large);
  const turn = await host.deliver();
  assert.deepEqual([turn.outcome, turn.stored, turn.refused], ["done", 39, 1]);
  const [refused] = await host.store.refusedEvents("central", 9);
  assert.deepEqual([refused?.eventId, refused?.code], [large, "too_large"]);
  await host.record(1);
  assert.equal((await host.deliver()).outcome, "done");
});

test("Retry-After wins over the wait of its own; it is kept, and a forced turn does not mind it", async (t) => {
  const host = await openHost(t);
  await host.record(1);
  host.fates.push(answer(503, {}, { "retry-after": "600" }));
  assert.equal((await host.deliver()).outcome, "failed");
  host.nowMs += 599_999;
  assert.equal((await host.deliver()).outcome, "waiting");
  assert.equal((await host.place())?.lastError, "it failed (503)");
  host.nowMs += 1;
  host.fates.push("busy");
  assert.equal((await host.deliver()).outcome, "failed");
  const place = await host.place();
  assert.deepEqual([place?.tries, (place?.nextAtMs ?? 0) - host.nowMs], [2, 2_000]);
  assert.equal((await host.deliver({ isForced: true })).outcome, "done");
  assert.deepEqual([(await host.place())?.tries, (await host.place())?.lastError], [0, null]);
});

test("who is not known, was revoked or is not understood waits a quarter of an hour", async (t) => {
  const host = await openHost(t);
  await host.record(1);
  const refusals = [
    [401, "unknown_host"],
    [403, "revoked"],
    [422, "invalid"],
    [404, ""],
  ] as const;
  for (const [status, code] of refusals) {
    host.fates.push(answer(status, { code, error: "no" }));
    assert.equal((await host.deliver()).outcome, "refused");
    host.nowMs += 15 * minuteMs - 1;
    assert.equal((await host.deliver()).outcome, "waiting");
    host.nowMs += 1;
  }
  assert.equal((await host.deliver()).outcome, "done");
});

test("a clock that is hours off is known after one answer, and tokens are made by the other's from then on", async (t) => {
  const host = await openHost(t);
  await host.record(1);
  const theirs = host.nowMs + 5 * 3_600_000;
  const refusal = answer(401, { code: "clock" }, { date: new Date(theirs).toUTCString() });
  host.fates.push(refusal);
  assert.equal((await host.deliver()).outcome, "done");
  host.nowMs += minuteMs;
  await host.record(1);
  await host.deliver();
  const times = host.tokenTimes.map((ms) => ms - theirs);
  assert.deepEqual(times, [-5 * 3_600_000, 0, minuteMs]);
  host.fates.push(refusal, refusal);
  await host.record(1);
  assert.equal((await host.deliver()).outcome, "refused");
});

test("a centre that was restored from a backup gets what it lacks; a host that was restored gives its log another name", async (t) => {
  const host = await openHost(t);
  const copy = join(temporaryFolder(t), "copy.db");
  await host.record(5);
  await host.deliver();
  await host.backUp(copy);
  const kept = host.centre.kept;
  await host.record(5);
  await host.deliver();
  const stream = (await host.place())?.stream;
  host.centre.restore(kept);
  await host.record(1);
  assert.deepEqual(await host.deliver(), { outcome: "done", stored: 12, known: 0, refused: 0 });
  assert.equal((await host.place())?.stream, stream);
  await host.restore(copy);
  await host.record(1);
  assert.deepEqual(await host.deliver(), { outcome: "done", stored: 2, known: 10, refused: 0 });
  assert.notEqual((await host.place())?.stream, stream);
});

test("what takes the position back again and again is waited for, not asked without end", async (t) => {
  const host = await openHost(t);
  await host.record(2);
  host.fates.push(...Array.from({ length: 50 }, () => answer(409, { code: "new_stream" })));
  assert.equal((await host.deliver()).outcome, "failed");
  assert.equal(host.fates.length, 45);
});

test("who was killed keeps others out until its lease is over, and what it sent is known then", async (t) => {
  const host = await openHost(t);
  await host.record(1);
  host.fates.push("killed after");
  await assert.rejects(host.deliver(), Killed);
  assert.equal((await host.deliver()).outcome, "busy");
  host.nowMs += 36_000;
  assert.deepEqual(await host.deliver(), { outcome: "done", stored: 0, known: 2, refused: 0 });
});

test("a loss is told with the next batch, once, and again where the centre lost it", async (t) => {
  const host = await openHost(t);
  await host.record(3);
  host.fates.push("request lost");
  await host.deliver();
  await host.store.holdEvents({ ackedBeforeMs: 0, oldPosition: 2, mostBytes: Number.MAX_SAFE_INTEGER });
  assert.equal(await host.store.prune(at("2030-01-01T00:00:00Z"), 9), 1);
  const kept = host.centre.kept;
  host.nowMs += minuteMs;
  // The ends and starts of two sessions are left.
  assert.deepEqual(await host.deliver(), { outcome: "done", stored: 4, known: 0, refused: 0 });
  await host.record(1);
  await host.deliver();
  const loss = { from: 1, to: 2, events: 2, why: "age" };
  const told = () => host.centre.kept.losses.map((text) => JSON.parse(text));
  assert.deepEqual(told(), [loss]);
  host.centre.restore(kept);
  await host.record(1);
  await host.deliver();
  assert.deepEqual(told(), [loss]);
});

test("a turn has an end: what is left is for the next one", async (t) => {
  const host = await openHost(t);
  await host.record(1);
  const nothing = { outcome: "stopped", stored: 0, known: 0, refused: 0 };
  assert.deepEqual(await host.deliver({ signal: AbortSignal.abort() }), nothing);
  assert.equal((await host.deliver()).stored, 2);
});
