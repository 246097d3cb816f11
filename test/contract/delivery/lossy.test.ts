/** Proves that over a way which loses requests and answers nothing is lost or doubled, and that no order of batches takes an end back. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { rebuild } from "../../../src/app/rebuild.ts";
import { createReceive, type Receive } from "../../../src/app/receive.ts";
import type { HostCaller } from "../../../src/auth/host-caller.ts";
import type { SessionEvent } from "../../../src/tracker/event.ts";
import { foldSession, rankOf, type Session } from "../../../src/tracker/fold.ts";
import { instantFromMs } from "../../../src/tracker/instant.ts";
import type { Store } from "../../../src/tracker/store.ts";
import { anyLife } from "../../support/arbitraries.ts";
import { anyHost, type HostLog, hostLog } from "../../support/delivery.ts";
import { deathEvent, endEvent, observedNothing, startEvent } from "../../support/store/session-events.ts";
import { emptyStores, openAt, sqlitePlace } from "../../support/store/store-place.ts";

const silent = { info: () => {}, warning: () => {}, error: () => {} };

/** How many events are sent; FLEET_EVENTS says more. */
const eventCount = Number(process.env.FLEET_EVENTS || 10_000);
const hosts = 20;
const batchSize = 500;
const beginMs = Date.parse("2026-02-06T00:00:00Z");
const hook = { ...observedNothing, source: { kind: "hook" as const } };

/** The same numbers in each run. */
function chances(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Sessions of one host, some of which end twice; many begin in one second, as those of other hosts do. */
function livesOf(host: number, events: number): SessionEvent[] {
  const log: SessionEvent[] = [];
  for (let n = 0; log.length < events; n += 1) {
    const sessionId = `shell-${n}`;
    const timestamp = instantFromMs(beginMs + n * 997);
    log.push(startEvent({ timestamp, pid: host + 1, hostname: `host-${host}` }, { sessionId, observed: hook }));
    if (n % 5 === 0) log.push(deathEvent({}, { sessionId, observed: hook }));
    if (n % 7 !== 0) log.push(endEvent({}, { sessionId, observed: hook }));
  }
  return log.slice(0, events);
}

interface Host {
  readonly caller: HostCaller;
  readonly log: HostLog;
  readonly events: readonly SessionEvent[];
}

/** A host as its outbox has it: it sends from its cursor on, which the centre's answers move. */
async function drain({ caller, log, events }: Host, receive: Receive, chance: () => number): Promise<number> {
  let [sent, requests] = [0, 0];
  while (sent < events.length) {
    requests += 1;
    const isRequestLost = chance() < 0.2;
    const isAnswerLost = chance() < 0.2;
    const isAway = chance() < 0.1;
    // Now and then it has forgotten how far it was, as one that was restored; or thinks that it is further.
    const fault = chance();
    const after = fault < 0.05 ? Math.max(0, sent - 700) : fault < 0.08 ? Math.min(events.length, sent + 300) : sent;
    if (isRequestLost || isAway) continue;
    const received = await receive.take(caller, log.batch(after, Math.min(events.length, after + batchSize)));
    if (isAnswerLost) continue;
    assert.notEqual(received.outcome, "new_stream");
    if (received.outcome === "gap") sent = received.acked;
    else if (received.outcome === "taken") {
      assert.deepEqual(received.answer.refused, []);
      sent = Math.max(sent, received.answer.acked);
    }
  }
  return requests;
}

async function idsOf(store: Store): Promise<string[]> {
  const ids: string[] = [];
  for (let after = 0; ; ) {
    const page = await store.events(after, 10_000);
    ids.push(...page.map(({ event }) => event.eventId));
    const last = page.at(-1);
    if (last === undefined) return ids;
    after = last.seq;
  }
}

test("of many events over a way that loses a fifth of all, nothing is lost, doubled, or another host's", async (t) => {
  const store = await openAt(sqlitePlace(t), t);
  const receive = createReceive({ store, log: silent });
  const all = Array.from({ length: hosts }, (_, n): Host => {
    const events = livesOf(n, eventCount / hosts);
    return { caller: { originId: `key-${n}`, name: `host-${n}`, username: null }, log: hostLog(events), events };
  });
  const requests = await Promise.all(all.map((host, n) => drain(host, receive, chances(n + 1))));
  t.diagnostic(`${requests.reduce((sum, n) => sum + n, 0)} requests`);
  const expected = all.flatMap(({ events }) => events.map(({ eventId }) => eventId)).sort();
  assert.deepEqual((await idsOf(store)).sort(), expected);
  const sessions = await store.sessions({});
  assert.equal(sessions.length, all.flatMap(({ events }) => events.filter(({ kind }) => kind === "start")).length);
  for (const { origin, pid, hostname } of sessions)
    assert.deepEqual([origin?.originId, hostname], [`key-${pid - 1}`, `host-${pid - 1}`]);
  const { differences } = await rebuild(store, { isCheck: true, onProgress: () => {} });
  assert.deepEqual(differences, []);
  for (const { parked, clone, streams } of await store.origins())
    assert.deepEqual([parked, clone, streams.map(({ acked }) => acked)], [0, null, [eventCount / hosts]]);
});

/** What the fold compares of a session, without what differs between records. */
function withoutIds(session: Session): object {
  const { sessionId, origin, circumstances, ...others } = session;
  return others;
}

/** Their own ids and rules; the exit status is one byte. */
function asRecorded(lives: readonly (readonly SessionEvent[])[]): SessionEvent[][] {
  return lives.map((life, n) =>
    life
      // A host has one start of each session.
      .filter((event, at) => event.kind !== "start" || at === 0)
      .map((event): SessionEvent => {
        const { origin, ...observed } = event.observed;
        const own = { ...event, eventId: randomUUID(), sessionId: `s${n}`, observed } as SessionEvent;
        return own.kind === "end" ? { ...own, content: { ...own.content, exitCode: n } } : own;
      }),
  );
}

test("doubled, reordered and cut batches give one row a session, the fold of its events; its rank never falls", async (t) => {
  const makeStore = await emptyStores(t);
  const someLives = fc.array(anyLife, { minLength: 1, maxLength: 4 }).map(asRecorded);
  const someCuts = fc.array(fc.tuple(fc.nat(24), fc.integer({ min: 1, max: 6 })), { minLength: 1, maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(someLives, someCuts, fc.nat(), async (lives, cuts, seed) => {
      const place = sqlitePlace(t);
      makeStore(place.options.path);
      const store = await openAt(place);
      const receive = createReceive({ store, log: silent });
      const chance = chances(seed);
      const events = lives.flat();
      const log = hostLog(events);
      // The same log, its positions dealt anew: an end may stand before its start.
      const dealt = log.batch();
      const rows = dealt.events as Record<string, unknown>[];
      const order = rows.map((row) => ({ row, at: chance() })).sort((a, b) => a.at - b.at);
      const shuffled = order.map(({ row }, n) => ({ ...row, seq: n + 1 }));
      const ranks = new Map<string, number>();
      const send = async (after: number, upto: number) => {
        await receive.take(anyHost, { ...dealt, after, upto, events: shuffled.slice(after, upto) });
        for (const session of await store.sessions({})) {
          assert.ok(rankOf(session) >= (ranks.get(session.startEventId) ?? 0));
          ranks.set(session.startEventId, rankOf(session));
        }
      };
      try {
        for (const [after, length] of cuts)
          await send(Math.min(after, rows.length), Math.min(after + length, rows.length));
        await send(0, rows.length);
        await send(0, rows.length);
        assert.deepEqual((await idsOf(store)).sort(), events.map(({ eventId }) => eventId).sort());
        const found = new Map((await store.sessions({})).map((session) => [session.startEventId, withoutIds(session)]));
        const expected = new Map(
          lives.map((life) => [life[0]?.eventId ?? "", withoutIds(foldSession(life) as Session)]),
        );
        assert.deepEqual(found, expected);
        assert.deepEqual([(await store.origin("key-1"))?.parked, await store.parkedOf("key-1", "", 9)], [0, []]);
      } finally {
        await store.close();
      }
    }),
    { numRuns: 40 },
  );
});
