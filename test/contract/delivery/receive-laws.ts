/** States what a centre makes of what hosts deliver; with every kind of store it must be the same. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { type TestContext, test } from "node:test";
import { rebuild } from "../../../src/app/rebuild.ts";
import { createReceive, type Receive, type Received } from "../../../src/app/receive.ts";
import type { HostCaller } from "../../../src/auth/host-caller.ts";
import type { EndEvent, SessionEvent, StartEvent } from "../../../src/tracker/event.ts";
import { instantToMs } from "../../../src/tracker/instant.ts";
import type { Store } from "../../../src/tracker/store.ts";
import { anyHost, batchOf, hostLog, otherHost, type Sent } from "../../support/delivery.ts";
import { refusal } from "../../support/refusals.ts";
import { at, deathEvent, endEvent, observedNothing, startEvent } from "../../support/store/session-events.ts";
import { eventsIn, openAt, record, type StorePlace } from "../../support/store/store-place.ts";

const serverTime = at("2026-02-06T12:00:01.5Z");

interface Centre {
  readonly store: Store;
  readonly receive: Receive;
  /** What was logged. */
  readonly logged: readonly string[];
  /** Sends a batch that is taken. @returns the answer without its times */
  send(batch: Sent, host?: HostCaller): Promise<object>;
}

function openCentre(store: Store): Centre {
  const logged: string[] = [];
  const log = {
    info: (message: string) => void logged.push(message),
    warning: (message: string) => void logged.push(message),
    error: (message: string) => void logged.push(message),
  };
  const receive = createReceive(
    { store, log },
    () => {},
    () => instantToMs(serverTime),
  );
  return {
    store,
    receive,
    logged,
    async send(batch, host = anyHost) {
      const received = await receive.take(host, batch);
      assert.equal(received.outcome, "taken", JSON.stringify(received));
      const { server_time, skew_ms, stream, refused, ...counts } = answerOf(received);
      return { ...counts, refused: refused.map(({ seq, code }) => `${seq} ${code}`) };
    },
  };
}

function answerOf(received: Received) {
  assert.ok(received.outcome === "taken");
  return received.answer;
}

const hook = { ...observedNothing, source: { kind: "hook" as const } };

/** A shell of a host, whose id there is the one that many have. */
function life(
  changes: Partial<StartEvent["content"]> = {},
  sessionId = "shell-20260206-123456",
): [StartEvent, EndEvent] {
  const start = startEvent(changes, { sessionId, observed: hook });
  return [start, endEvent({}, { sessionId, observed: hook })];
}

/** @param createPlace - makes a place with no store in it yet, removed when the test is done */
export function receiveLaws(name: string, createPlace: (t: TestContext) => StorePlace): void {
  const law = (sentence: string, check: (centre: Centre) => Promise<void>) =>
    test(`${name}: ${sentence}`, async (t) => {
      const centre = openCentre(await openAt(createPlace(t), t));
      await check(centre);
      const { differences } = await rebuild(centre.store, { isCheck: true, onProgress: () => {} });
      assert.deepEqual(differences, [], "every session is the fold of its events");
    });

  law("a batch is on record with where it came from, once, however often it is sent", async ({ store, send }) => {
    const log = hostLog(life());
    assert.deepEqual(await send(log.batch()), { acked: 2, stored: 2, known: 0, refused: [] });
    for (let again = 0; again < 2; again += 1)
      assert.deepEqual(await send(log.batch()), { acked: 2, stored: 0, known: 2, refused: [] });
    const [session, ...others] = await store.sessions({});
    assert.deepEqual([others, session?.state, session?.endedBy], [[], "ended", "hook"]);
    assert.equal(session?.sessionId, "mahavishnu-20260206-123456");
    assert.deepEqual(session?.origin, { originId: "key-1", sessionId: "shell-20260206-123456" });
    const { stream } = log;
    assert.deepEqual(
      (await eventsIn(store)).map(({ observed }) => observed.origin),
      [1, 2].map((seq) => ({ originId: "key-1", sessionId: "shell-20260206-123456", stream, seq })),
    );
  });

  law("an event comes on record as it was there", async ({ store, send }) => {
    const [start, end] = life({ metadata: { "\0": ["\u001b[2J", 0.1] }, cwd: " /home/\0/x " });
    const observed = {
      ...hook,
      caller: "ann",
      process: {
        ...{ hostId: "h", bootId: "b", pidNamespace: "1", pid: 5, startTicks: "7" },
        ...{ executable: "/bin/sh", exeId: "8:1", comm: "sh" },
      },
      bootClock: { bootId: "b", ms: 5 },
      circumstances: { kernel: { tty: "pts/8", loginUid: 0 }, hook: { via: "sudo:les" } },
      owner: { uid: 1_000, isVerified: true },
    };
    await send(hostLog([{ ...start, observed }, end]).batch());
    const [taken] = await eventsIn(store);
    const { origin, ...others } = taken?.observed ?? {};
    assert.deepEqual([taken?.content, others], [start.content, observed]);
  });

  law("the ids that sessions have at their hosts mean nothing here", async ({ store, send }) => {
    const [first, second] = [life({ pid: 1 }), life({ pid: 2 })];
    const logs = [hostLog(first), hostLog([second[0]])];
    await send(logs[0]?.batch(0, 1) ?? {});
    await send(logs[1]?.batch() ?? {}, otherHost);
    await send(logs[0]?.batch(1, 2) ?? {});
    const rows = await store.sessions({});
    assert.deepEqual(rows.map(({ pid, state, origin }) => [pid, state, origin?.originId]).sort(), [
      [1, "ended", "key-1"],
      [2, "active", "key-2"],
    ]);
    assert.equal(new Set(rows.map(({ sessionId }) => sessionId)).size, 2);
  });

  law("a host reaches no session but its own, by no event", async ({ store, send }) => {
    const [start, end] = life();
    const own = startEvent({ pid: 3 }, { sessionId: "own" });
    await record(store, own);
    await send(hostLog([start]).batch());
    const before = await store.sessions({});
    const events = [start, own].flatMap((victim) => [
      { ...endEvent({}, { observed: hook }), named: victim.eventId },
      { ...deathEvent({}, { observed: hook }), named: victim.eventId },
    ]);
    const stolen = hostLog(events).batch();
    const sent = (stolen.events as Sent[]).map((event, n) => ({ ...event, start_event_id: events[n]?.named }));
    assert.deepEqual(await send({ ...stolen, events: sent }, otherHost), {
      ...{ acked: 4, stored: 0, known: 0 },
      refused: ["1 no_start", "2 no_start", "3 no_start", "4 no_start"],
    });
    // The same events again, as somebody else's: an id is no answer to whoever has it not.
    const copies = hostLog([start, own, end]).batch();
    assert.deepEqual(await send(copies, otherHost), {
      ...{ acked: 3, stored: 0, known: 0 },
      refused: ["1 event_id_taken", "2 event_id_taken", "3 no_start"],
    });
    assert.deepEqual(await store.sessions({}), before);
  });

  law("an id of an event stays that event's: another content, kind or session is refused", async ({ store, send }) => {
    const [start, end] = life();
    const other = life({ pid: 9 }, "another");
    await send(hostLog([start, end, other[0]]).batch());
    const before = await eventsIn(store);
    const changed: SessionEvent[] = [
      { ...start, content: { ...start.content, pid: 5 } },
      { ...end, content: { ...end.content, exitCode: 7 } },
      { ...deathEvent(), eventId: end.eventId, sessionId: start.sessionId },
      { ...end, eventId: start.eventId },
    ];
    const log = hostLog([start, ...changed]).batch();
    const moved = (log.events as Sent[]).concat([
      { ...(hostLog([start, end]).batch().events as Sent[])[1], seq: 6, start_event_id: other[0].eventId },
    ]);
    assert.deepEqual(await send({ ...log, events: moved, upto: 6, last: 6 }), {
      ...{ acked: 6, stored: 0, known: 1 },
      refused: [2, 3, 4, 5, 6].map((seq) => `${seq} event_id_taken`),
    });
    assert.deepEqual(await eventsIn(store), before);
  });

  law("a host that was invited for one user sends that one's sessions alone", async ({ store, send }) => {
    const host = { ...anyHost, username: "les" };
    const [start, end] = life({ username: "bob" });
    const log = hostLog([start, end, ...life({ username: "les" }, "own")]);
    assert.deepEqual(await send(log.batch(), host), {
      ...{ acked: 4, stored: 2, known: 0 },
      refused: ["1 not_yours", "2 no_start"],
    });
    assert.deepEqual(
      (await store.sessions({})).map(({ username }) => username),
      ["les"],
    );
    // Once it may, both come on record: what was kept aside is not lost.
    assert.deepEqual(await send(log.batch(), anyHost), { acked: 4, stored: 1, known: 3, refused: [] });
    assert.deepEqual(
      (await store.sessions({})).map(({ state }) => state),
      ["ended", "ended"],
    );
    assert.deepEqual(await store.parkedOf("key-1", "", 9), []);
    assert.equal((await store.origin("key-1"))?.clone, null);
  });

  law("an end that comes before its start waits for it", async ({ store, send }) => {
    const [start, end] = life();
    const log = hostLog([start, end, deathEvent({}, { sessionId: start.sessionId })]);
    const [first, ...ends] = log.batch().events as Sent[];
    const other = batchOf({ upto: 3, last: 3, events: ends });
    assert.deepEqual(await send(other), { acked: 3, stored: 0, known: 0, refused: ["2 no_start", "3 no_start"] });
    assert.deepEqual(await send(other), { acked: 3, stored: 0, known: 0, refused: ["2 no_start", "3 no_start"] });
    const { waiting, parked } = (await store.origin("key-1")) ?? {};
    assert.deepEqual([waiting, parked, await store.sessions({})], [2, 2, []]);
    assert.deepEqual(await send(batchOf({ upto: 1, last: 1, events: [first] })), {
      ...{ acked: 1, stored: 1, known: 0, refused: [] },
    });
    const [session] = await store.sessions({});
    assert.deepEqual([session?.state, session?.endedBy], ["ended", "hook"]);
    assert.deepEqual((await store.origin("key-1"))?.waiting, 0);
    assert.deepEqual(await store.parkedOf("key-1", "", 9), []);
    assert.deepEqual(await send(other), { acked: 3, stored: 0, known: 2, refused: [] });
  });

  law("an end that stands before its start in one batch is on record, and not refused", async ({ store, send }) => {
    const [start, end] = hostLog(life()).batch().events as [Sent, Sent];
    const events = [
      { ...end, seq: 1 },
      { ...start, seq: 2 },
    ];
    assert.deepEqual(await send(batchOf({ upto: 2, last: 2, events })), {
      ...{ acked: 2, stored: 2, known: 0, refused: [] },
    });
    assert.deepEqual(
      (await store.sessions({})).map(({ state }) => state),
      ["ended"],
    );
  });

  law("what cannot be taken is kept aside as it came, and keeps nothing back", async ({ store, send }) => {
    const [start, end] = life();
    const [first, last] = hostLog([start, end]).batch().events as [Sent, Sent];
    const strange = { ...first, seq: 2, event_id: randomUUID(), kind: "pause" };
    const broken = { ...first, seq: 3, event_id: "\0", content: null };
    const events = [first, strange, broken, { ...last, seq: 4 }];
    const batch = batchOf({ upto: 4, last: 4, events });
    const refused = ["2 unknown_kind", "3 invalid"];
    assert.deepEqual(await send(batch), { acked: 4, stored: 2, known: 0, refused });
    assert.deepEqual(await send(batch), { acked: 4, stored: 0, known: 2, refused });
    const kept = await store.parkedOf("key-1", "", 9);
    const bodies = kept.map(({ body }) => JSON.parse(body ?? ""));
    assert.deepEqual(
      new Set(bodies.map((body) => JSON.stringify(body))),
      new Set([strange, broken].map((one) => JSON.stringify(one))),
    );
    assert.equal((await store.origin("key-1"))?.parked, 2);
  });

  law(
    "a batch behind a gap, or of a log that has become shorter, changes nothing",
    async ({ store, receive, send }) => {
      const log = hostLog([...life(), ...life({ pid: 2 }, "b")]);
      assert.deepEqual(await receive.take(anyHost, log.batch(1, 4)), { outcome: "gap", acked: 0 });
      assert.deepEqual([await store.origins(), await eventsIn(store)], [[], []]);
      await send(log.batch(0, 3));
      assert.deepEqual(await receive.take(anyHost, log.batch(4, 4)), { outcome: "gap", acked: 3 });
      const shorter = hostLog(life({ pid: 3 }, "c"), log.stream);
      assert.deepEqual(await receive.take(anyHost, shorter.batch()), { outcome: "new_stream" });
      assert.equal((await eventsIn(store)).length, 3);
      assert.deepEqual(
        await Promise.all([receive.position(anyHost, log.stream), receive.position(otherHost, log.stream)]),
        [3, 0],
      );
      // The same log of another host is another log.
      assert.deepEqual(await send(shorter.batch(), otherHost), { acked: 2, stored: 2, known: 0, refused: [] });
    },
  );

  law("a batch that overlaps what is known takes the position back for nobody", async ({ send }) => {
    const log = hostLog([...life(), ...life({ pid: 2 }, "b")]);
    await send(log.batch(0, 3));
    assert.deepEqual(await send(log.batch(0, 1)), { acked: 3, stored: 0, known: 1, refused: [] });
    assert.deepEqual(await send(log.batch(1, 4)), { acked: 4, stored: 1, known: 2, refused: [] });
  });

  law("two machines with one key are flagged, and both are kept", async ({ store, send, logged }) => {
    const [base, own, copy] = [life(), life({ pid: 2 }, "own"), life({ pid: 3 }, "copy")];
    const [original, clone] = [hostLog([...base, ...own]), null];
    await send(original.batch(0, 2));
    await send(original.batch(2, 4));
    assert.equal((await store.origin("key-1"))?.clone, clone);
    const copied = hostLog([...base, ...copy], original.stream);
    assert.deepEqual(await send(copied.batch(2, 4)), { acked: 4, stored: 2, known: 0, refused: [] });
    assert.deepEqual((await store.origin("key-1"))?.clone, { sign: "position", at: serverTime });
    assert.equal((await store.sessions({})).length, 3);
    assert.deepEqual(logged, ["Two machines seem to send with the key of one host"]);
  });

  law("boots or logs that alternate are two machines; a new boot or log is none", async ({ store, send }) => {
    const sign = async () => (await store.origin("key-1"))?.clone?.sign ?? null;
    const beat = (boot: string, stream: string, host: HostCaller) =>
      send(batchOf({ stream, boot: { id: boot, ms: 1 } }), host);
    const [a, b] = [randomUUID(), randomUUID()];
    for (const [boot, stream] of [
      ["1", a],
      ["1", a],
      ["2", a],
      ["3", b],
      ["3", b],
    ] as const)
      await beat(boot, stream, anyHost);
    assert.equal(await sign(), null);
    await beat("2", b, anyHost);
    assert.equal(await sign(), "alternating");
    await beat("1", a, otherHost);
    await beat("1", b, otherHost);
    await beat("1", a, otherHost);
    assert.equal((await store.origin("key-2"))?.clone?.sign, "alternating");
  });

  law("a heartbeat says that a host lives, what its clock says, and what it has left", async ({ store, receive }) => {
    const batch = batchOf({ last: 7, sent_at: "2026-02-06T11:59:59.3Z", program: null, boot: null });
    const { server_time, skew_ms } = answerOf(await receive.take(anyHost, batch));
    assert.deepEqual([server_time, skew_ms], ["2026-02-06T12:00:01.500Z", -2_200]);
    const state = await store.origin("key-1");
    assert.deepEqual(
      [
        state?.heardAt,
        state?.skewMs,
        state?.program,
        state?.boot,
        state?.streams.map(({ acked, last }) => [acked, last]),
      ],
      [serverTime, -2_200, null, null, [[0, 7]]],
    );
  });

  law("what a host has lost is on record once", async ({ store, send, logged }) => {
    const lost = [{ from: 1, to: 20, events: 12, why: "disk_cap" }];
    const batch = batchOf({ after: 0, upto: 21, last: 21, lost });
    for (let again = 0; again < 2; again += 1) await send(batch);
    const [loss, ...others] = await store.lossesOf("key-1");
    assert.deepEqual([loss?.from, loss?.to, loss?.events, loss?.why, others], [1, 20, 12, "disk_cap", []]);
    assert.deepEqual([(await store.origin("key-1"))?.losses, logged], [1, ["A host has lost events"]]);
  });

  law("the session around a shell is the one of its own host, or none", async ({ store, send }) => {
    const inside = (sessionId: string, pid: number, parentSession: string) =>
      startEvent(
        { pid },
        { sessionId, observed: { ...hook, circumstances: { kernel: { parentSession, tty: "pts/1" } } } },
      );
    const [outer] = life({ pid: 1 }, "outer");
    await send(hostLog([startEvent({ pid: 7 }, { sessionId: "outer", observed: hook })]).batch(), otherHost);
    const log = hostLog([outer, inside("a", 2, "outer"), inside("b", 3, "outer"), inside("c", 4, "unknown")]);
    await send(log.batch(0, 2));
    await send(log.batch(2, 4));
    const rows = await store.sessions({});
    const outerHere = rows.find(({ pid }) => pid === 1)?.sessionId;
    const parents = rows
      .filter(({ circumstances }) => circumstances.tty !== null)
      .map(({ pid, circumstances }) => [pid, circumstances.parentSession])
      .sort();
    assert.deepEqual(parents, [
      [2, outerHere],
      [3, outerHere],
      [4, null],
    ]);
    assert.deepEqual(await send(log.batch(0, 4)), { acked: 4, stored: 0, known: 4, refused: [] });
  });

  law("a session that was pruned is known, and not begun again", async ({ store, send }) => {
    const log = hostLog([...life(), deathEvent({}, { sessionId: "shell-20260206-123456" })]);
    await send(log.batch(0, 2));
    assert.equal(await store.prune(at("2027-01-01T00:00:00Z"), 10), 1);
    assert.deepEqual(await send(log.batch()), { acked: 3, stored: 0, known: 3, refused: [] });
    assert.deepEqual([await store.sessions({}), (await store.origin("key-1"))?.clone], [[], null]);
  });

  law("one session takes only so many ends", async ({ store, send }) => {
    const [start] = life();
    const deaths = Array.from({ length: 110 }, () => deathEvent({}, { sessionId: start.sessionId, observed: hook }));
    const { refused } = (await send(hostLog([start, ...deaths]).batch())) as { refused: string[] };
    assert.deepEqual([refused.length, refused[0], (await eventsIn(store)).length], [10, "102 invalid", 101]);
  });

  law("what is no batch is refused whole, and nothing of it is on record", async ({ store, receive }) => {
    const [first, second] = hostLog(life()).batch().events as [Sent, Sent];
    const good = { upto: 2, last: 2, events: [first, second] };
    for (const [words, changes] of [
      [/^format: this record takes format 1, not 2; update its session-buddy$/, { format: 2 }],
      [/^stream: it is not a UUID/, { stream: "x" }],
      [/^upto: it lies between/, { upto: 3 }],
      [/^upto: it lies between/, { after: 3 }],
      [/^after: Input should be greater/, { after: -1 }],
      [/^sent_at: |^Invalid ISO 8601/, { sent_at: "yesterday" }],
      [/^events: Input should be a list of at most 500 items$/, { events: null }],
      [/^events: Input should be a list of at most 500 items$/, { events: Array.from({ length: 501 }, () => first) }],
      [/^events: Input should be a list of objects$/, { events: [null] }],
      [/^events: each has its position/, { events: [{ ...first, seq: "1" }] }],
      [/^events: each position is above/, { events: [second, first] }],
      [/^events: each position is above/, { events: [first, first] }],
      [/^events: each position is above/, { after: 1 }],
      [/^events: each position is above/, { upto: 1 }],
      [/^lost\.to: /, { lost: [{ from: 2, to: 1, events: 1, why: "x" }] }],
      [/^lost: Input should be a list of objects$/, { lost: [7] }],
    ] as const) {
      await assert.rejects(receive.take(anyHost, batchOf({ ...good, ...changes })), refusal("invalid", words));
    }
    for (const none of [null, [], "x", 7]) await assert.rejects(receive.take(anyHost, none), { code: "invalid" });
    assert.deepEqual([await eventsIn(store), await store.origins()], [[], []]);
  });
}
