/** Proves that a session of another record is on record once, under an id that is nobody else's, and changes nothing there. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { type TestContext, test } from "node:test";
import fc from "fast-check";
import type { EventSource, FirstSource, ProcessIdentity, SessionEvent } from "../../../src/tracker/event.ts";
import { foldSession, rankOf } from "../../../src/tracker/fold.ts";
import {
  type ForeignClosing,
  type ForeignSession,
  type Imported,
  type Importer,
  importSession,
} from "../../../src/tracker/import.ts";
import type { Store } from "../../../src/tracker/store.ts";
import {
  at,
  deathEvent,
  endEvent,
  folded,
  observedNothing,
  sampleSessionId,
  startEvent,
} from "../../support/store/session-events.ts";
import { openAt, record, sqlitePlace } from "../../support/store/store-place.ts";

const ann: Importer = {
  uid: 1_000,
  username: "les",
  hostname: "another-host",
  hostId: "the-machine",
  keepsRemote: false,
  now: at("2026-03-01T00:00:00Z"),
};

const brought = (original: FirstSource | null): EventSource => ({
  ...{ kind: "import", uid: ann.uid, original },
  ...{ originalCaller: null, originallyAt: at("2026-02-06T12:34:57Z") },
});
const observed = { ...observedNothing, source: brought({ kind: "hook" }) };

const shell: ProcessIdentity = {
  ...{ hostId: "own", bootId: "boot-1", pidNamespace: "4026531836", pid: 12345, startTicks: "777" },
  ...{ executable: "/bin/bash", exeId: null, comm: "bash" },
};

function foreign(start: Parameters<typeof startEvent>[0] = {}, process: ProcessIdentity | null = null): ForeignSession {
  const begun = startEvent(start, { observed: { ...observed, process } });
  return { sessionId: sampleSessionId, start: begun, closings: [endEvent({}, { observed })] };
}

async function openStore(t: TestContext): Promise<Store> {
  return openAt(sqlitePlace(t), t);
}

const take = (store: Store, session: ForeignSession, importer = ann, isDryRun = false): Promise<Imported> =>
  store.transact((tx) => importSession(tx, session, importer, isDryRun));

async function everything(store: Store): Promise<readonly SessionEvent[]> {
  return (await store.events(0, 1_000)).map(({ event }) => event);
}

/** @returns the session, after a look whether its row is the fold of its events */
async function session(store: Store, sessionId = sampleSessionId) {
  const row = await store.session(sessionId);
  assert.deepEqual(row, foldSession((await store.eventsOf(sessionId)).map(({ event }) => event)));
  assert.ok(row !== null);
  return row;
}

test("it is taken once, with its id, its owner and when it was taken; a dry run writes nothing", async (t) => {
  const store = await openStore(t);
  const sent = foreign();
  const taken: Imported = { outcome: "imported", sessionId: sampleSessionId, newEvents: 2 };
  assert.deepEqual(await take(store, sent, ann, true), taken);
  assert.deepEqual(await everything(store), []);
  assert.deepEqual(await take(store, sent), taken);
  assert.deepEqual(await take(store, sent), { ...taken, outcome: "known", newEvents: 0 });
  const { ownerUid, isVerified, state, endedBy } = await session(store);
  assert.deepEqual([ownerUid, isVerified, state, endedBy], [1_000, false, "ended", "import"]);
  assert.deepEqual(
    (await everything(store)).map((event) => event.observed.recordedAt),
    [ann.now, ann.now],
  );
});

test("its shell's own word is another's word here, and the strongest of those that were brought", async (t) => {
  const store = await openStore(t);
  const sent = foreign();
  const typed = brought({ kind: "command", uid: 1_000, pid: 5 });
  const earlier = endEvent(
    { timestamp: at("2026-02-06T13:00:00Z"), exitCode: 1 },
    { observed: { ...observed, source: typed } },
  );
  await take(store, { ...sent, closings: [earlier, ...sent.closings] });
  const row = await session(store);
  assert.deepEqual([row.exitCode, rankOf(row)], [0, 2]);
  // What this record was told itself counts for more.
  const told = endEvent({ exitCode: 8 }, { observed: { ...observedNothing, source: { kind: "client" } } });
  assert.equal(folded(...(await everything(store)), told).exitCode, 8);
  const own = endEvent({ exitCode: 7 }, { observed: { ...observedNothing, source: { kind: "hook" } } });
  assert.equal(folded(...(await everything(store)), own).exitCode, 7);
});

test("a proof of death that the shell's own word refuted there is refuted here, and one of this record is not", async () => {
  const start = startEvent();
  const told = endEvent({}, { observed: { ...observed, bootClock: { bootId: "b", ms: 2_000 } } });
  const seen = (source: EventSource) =>
    deathEvent(
      { detectedAt: at("2026-02-06T13:00:00Z") },
      { observed: { ...observedNothing, source, bootClock: { bootId: "b", ms: 1_000 } } },
    );
  assert.equal(folded(start, told, seen(brought({ kind: "kernel" }))).endedAt, told.content.timestamp);
  assert.equal(folded(start, told, seen({ kind: "kernel" })).endedAt, at("2026-02-06T13:00:00Z"));
});

test("an id that another session has here is left to it", async (t) => {
  const store = await openStore(t);
  const other = startEvent({ username: "bob" });
  await record(store, other);
  const sent = foreign();
  const outcome = await take(store, sent);
  const expected = `${sampleSessionId}-${sent.start.eventId.slice(0, 4)}`;
  assert.deepEqual(outcome, { outcome: "imported", sessionId: expected, newEvents: 2 });
  assert.deepEqual(await store.session(sampleSessionId), folded(other));
  assert.equal((await take(store, sent)).outcome, "known");
});

test("what this record was told first-hand is known, and nothing is added to it", async (t) => {
  const store = await openStore(t);
  const sent = foreign();
  const own = startEvent(sent.start.content, { eventId: sent.start.eventId });
  await record(store, own);
  assert.deepEqual(await take(store, sent), { outcome: "known", sessionId: sampleSessionId, newEvents: 0 });
  assert.deepEqual(await everything(store), [own]);
});

test("a shell that has told both records is on record once; one that took its place, or its pid later, is another", async (t) => {
  const store = await openStore(t);
  const own = startEvent({}, { observed: { ...observedNothing, process: { ...shell, hostId: "the-machine" } } });
  await record(store, own);
  const soon = at("2026-02-06T12:34:57Z");
  const known = await take(store, { ...foreign({ timestamp: soon }, shell), sessionId: "mahavishnu-20260206-123457" });
  assert.deepEqual(known, { outcome: "known", sessionId: sampleSessionId, newEvents: 0 });
  const others = [
    foreign({ timestamp: soon }, { ...shell, startTicks: "778" }),
    // The other record has told these two apart.
    foreign({ timestamp: soon }, { ...shell, startTicks: "778" }),
    foreign({ timestamp: soon }, { ...shell, bootId: "boot-2" }),
    foreign({ timestamp: soon, shellType: "zsh" }, shell),
    foreign({ timestamp: soon }, null),
    foreign({ timestamp: at("2026-02-06T12:34:59Z") }, shell),
  ];
  for (const [index, other] of others.entries()) {
    const id = index === 5 ? "mahavishnu-20260206-123459" : "mahavishnu-20260206-123457";
    assert.equal((await take(store, { ...other, sessionId: id })).outcome, "imported", String(index));
  }
});

test("a session that was pruned here stays away", async (t) => {
  const store = await openStore(t);
  const sent = foreign();
  await take(store, sent);
  assert.equal(await store.prune(at("2026-02-20T00:00:00Z"), 10), 1);
  assert.deepEqual(await take(store, sent), { outcome: "known", sessionId: sampleSessionId, newEvents: 0 });
  assert.deepEqual(await everything(store), []);
});

test("another user cannot add to what somebody has imported, nor take its events' ids", async (t) => {
  const store = await openStore(t);
  const sent = foreign();
  await take(store, sent);
  const before = await everything(store);
  const bob = { ...ann, uid: 1_001 };
  const more: ForeignClosing = endEvent({ timestamp: at("2026-02-06T12:40:00Z") }, { observed });
  assert.equal((await take(store, { ...sent, closings: [...sent.closings, more] }, bob)).outcome, "known");
  const stolen = { ...foreign({ pid: 6 }), closings: sent.closings };
  assert.deepEqual(await take(store, stolen), {
    outcome: "refused",
    reason: "an event of it has the id of another event",
  });
  const changed = { ...sent, start: { ...sent.start, content: { ...sent.start.content, cwd: "/" } } };
  assert.equal((await take(store, changed)).outcome, "refused");
  assert.deepEqual(await everything(store), before);
});

test("of what surrounded it, all is a claim, and what speaks of another user is not taken", async (t) => {
  const store = await openStore(t);
  const parent = foreign({ timestamp: at("2026-02-06T12:00:00Z") });
  await take(store, { ...parent, sessionId: "mahavishnu-20260206-120000" });
  await record(store, startEvent({ username: "bob" }, { sessionId: "bob-1" }));
  const told = (parentSession: string) => ({
    kernel: { uid: 0, loginUid: 1_000, loginUser: "bob", tty: "pts/1", parentSession },
    hook: { remote: "192.0.2.1 22" },
  });
  const knownOf = async (parentSession: string, importer = ann) => {
    const sent = foreign();
    const start = { ...sent.start, observed: { ...sent.start.observed, circumstances: told(parentSession) } };
    const outcome = await take(store, { ...sent, start, sessionId: sampleSessionId }, importer);
    assert.ok(outcome.outcome === "imported");
    return (await session(store, outcome.sessionId)).circumstances;
  };
  const own = await knownOf("mahavishnu-20260206-120000");
  assert.deepEqual(
    [own.uid, own.loginUid, own.loginUser, own.tty, own.remote, own.parentSession],
    [null, 1_000, null, "pts/1", null, "mahavishnu-20260206-120000"],
  );
  assert.equal((await knownOf("bob-1")).parentSession, null);
  assert.equal((await knownOf("nothing")).parentSession, null);
  assert.equal((await knownOf("nothing", { ...ann, keepsRemote: true })).remote, "192.0.2.1 22");
});

test("however often, in whatever order and cut wherever, the same sessions give the same record", async (t) => {
  const stories = Array.from({ length: 4 }, (_, index) => {
    const second = `0${index % 2}`;
    const sent = foreign({ timestamp: at(`2026-02-06T12:34:${second}Z`), pid: index + 1 });
    const lost = deathEvent({}, { eventId: randomUUID(), observed });
    return { ...sent, sessionId: `mahavishnu-20260206-1234${second}`, closings: [...sent.closings, lost] };
  });
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(3), { maxLength: 8 }), async (order) => {
      const store = await openStore(t);
      for (const index of [...order, 0, 1, 2, 3]) {
        const story = stories[index] as ForeignSession;
        // One that was sent before its proof of death was on its own record.
        await take(store, { ...story, closings: story.closings.slice(0, 1) });
        await take(store, story);
      }
      const rows = await store.sessions({});
      assert.deepEqual(
        rows.map(({ startEventId }) => startEventId).sort(),
        stories.map(({ start }) => start.eventId).sort(),
      );
      for (const { sessionId } of rows) await session(store, sessionId);
      assert.equal((await everything(store)).length, 12);
      await store.close();
    }),
    { numRuns: 15 },
  );
});
