/** Proves that starts, ends and deaths are recorded once and answered the same however often, in a real store. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { type TestContext, test } from "node:test";
import type { StartContent, StartEvent } from "../../../src/tracker/event.ts";
import { instantFromMs, instantToMs } from "../../../src/tracker/instant.ts";
import type { Store } from "../../../src/tracker/store.ts";
import { createTracker, type DirectoryProblem, type Tracker } from "../../../src/tracker/tracker.ts";
import { parseStart } from "../../../src/wire/parse-event.ts";
import { startArguments } from "../../support/events.ts";
import { refusal } from "../../support/refusals.ts";
import {
  at,
  observedNothing,
  sampleDeath,
  sampleEnd,
  sampleSessionId,
  sampleStart,
  startEvent,
} from "../../support/store/session-events.ts";
import { openAt, record, sqlitePlace } from "../../support/store/store-place.ts";

const reused = refusal("invalid", "event_id already used by another event");

async function openTracker(
  t: TestContext,
  directoryProblem: () => Promise<DirectoryProblem | null> = async () => null,
): Promise<{ store: Store; tracker: Tracker }> {
  const store = await openAt(sqlitePlace(t), t);
  const dependencies = { store, newEventId: randomUUID, hostname: "this-host", directoryProblem };
  return { store, tracker: createTracker(dependencies) };
}

const parsed = (changes: Partial<StartContent> = {}, eventId: string = randomUUID()) => ({
  eventId,
  content: { ...sampleStart, ...changes },
});

async function eventCount(store: Store): Promise<number> {
  return (await store.events(0, 1_000)).length;
}

test("a start sent again, at the same moment or later, is on record once and has one answer", async (t) => {
  const { store, tracker } = await openTracker(t);
  const start = parsed();
  const answers = await Promise.all([1, 2, 3].map(() => tracker.start(start, observedNothing)));
  const later = { ...observedNothing, recordedAt: at("2027-01-01T00:00:00Z"), caller: "someone else" };
  answers.push(await tracker.start(start, later));
  for (const answer of answers) assert.deepEqual(answer, await store.session(sampleSessionId));
  assert.equal(await eventCount(store), 1);
});

test("what says the same in another spelling is the same start", async (t) => {
  const { store, tracker } = await openTracker(t);
  const input = startArguments({ metadata: { a: 1, b: 2 } });
  const spelled = {
    ...input,
    event_id: String(input.event_id).toUpperCase(),
    timestamp: "2026-02-06T13:34:56.789012000+01:00",
    pid: "12345",
    metadata: { b: 2, a: 1 },
    user: { home: " /home/les", username: "les\n" },
  };
  const first = await tracker.start(parseStart(input), observedNothing);
  assert.deepEqual(await tracker.start(parseStart(spelled), observedNothing), first);
  assert.equal(await eventCount(store), 1);
});

test("an event id that belongs to another event is refused, the event of an end included", async (t) => {
  const { store, tracker } = await openTracker(t);
  const start = parsed();
  const { sessionId } = await tracker.start(start, observedNothing);
  for (const changes of [{ pid: 5 }, { metadata: {} }, { cwd: "" }, { environmentExtra: { a: "b" } }]) {
    await assert.rejects(tracker.start(parsed(changes, start.eventId), observedNothing), reused);
  }
  await tracker.end(sessionId, sampleEnd, observedNothing);
  const endEventId = (await store.session(sessionId))?.endEventId ?? "";
  await assert.rejects(tracker.start(parsed({}, endEventId), observedNothing), reused);
  assert.equal(await eventCount(store), 2);
});

test("starts of one second get ids that add as many digits of their event id as are needed", async (t) => {
  const { tracker } = await openTracker(t);
  const ids = [];
  for (const last of ["1", "2", "3", "4"]) {
    const start = parsed({}, `6ba7b810-9dad-41d1-80b4-00c04fd430c${last}`);
    ids.push((await tracker.start(start, observedNothing)).sessionId);
  }
  const suffixes = ["", "-6ba7", "-6ba7b810", "-6ba7b8109dad"];
  assert.deepEqual(
    ids,
    suffixes.map((suffix) => `${sampleSessionId}${suffix}`),
  );
});

test("an id is not given again to another start when its session has ended", async (t) => {
  const { tracker } = await openTracker(t);
  await tracker.start(parsed(), observedNothing);
  await tracker.end(sampleSessionId, sampleEnd, observedNothing);
  assert.notEqual((await tracker.start(parsed(), observedNothing)).sessionId, sampleSessionId);
});

test("the first end is kept; a second one, even an earlier one, changes nothing", async (t) => {
  const { store, tracker } = await openTracker(t);
  await tracker.start(parsed(), observedNothing);
  assert.equal(await tracker.end(sampleSessionId, sampleEnd, observedNothing), "recorded");
  const ended = await store.session(sampleSessionId);
  for (const timestamp of [at("2026-02-06T13:00:00Z"), at("2026-02-06T15:00:00Z")]) {
    const second = { ...sampleEnd, timestamp, exitCode: 9 };
    assert.equal(await tracker.end(sampleSessionId, second, observedNothing), "already_ended");
  }
  assert.deepEqual(await store.session(sampleSessionId), ended);
  assert.equal(ended?.endedAt, sampleEnd.timestamp);
});

test("the end or death of an unknown session is an answer and leaves nothing", async (t) => {
  const { store, tracker } = await openTracker(t);
  for (const id of ["", "unknown", "a\0b"]) {
    assert.equal(await tracker.end(id, sampleEnd, observedNothing), "not_found");
    assert.equal(await tracker.death(id, sampleDeath, observedNothing), "not_found");
  }
  assert.equal(await eventCount(store), 0);
});

test("an end after a proof of death raises the session; a second proof adds nothing", async (t) => {
  const { store, tracker } = await openTracker(t);
  await tracker.start(parsed(), observedNothing);
  assert.equal(await tracker.death(sampleSessionId, sampleDeath, observedNothing), "recorded");
  assert.equal(await tracker.death(sampleSessionId, sampleDeath, observedNothing), "already_ended");
  assert.equal((await store.session(sampleSessionId))?.state, "orphaned");
  assert.equal(await tracker.end(sampleSessionId, sampleEnd, observedNothing), "recorded");
  assert.equal((await store.session(sampleSessionId))?.state, "ended");
  assert.equal(await eventCount(store), 3);
});

test("a proof of death after the end changes nothing", async (t) => {
  const { store, tracker } = await openTracker(t);
  await tracker.start(parsed(), observedNothing);
  await tracker.end(sampleSessionId, sampleEnd, observedNothing);
  const ended = await store.session(sampleSessionId);
  assert.equal(await tracker.death(sampleSessionId, sampleDeath, observedNothing), "already_ended");
  assert.deepEqual(await store.session(sampleSessionId), ended);
  assert.equal(await eventCount(store), 2);
});

for (const problem of ["does not exist", "is not a directory", "is not accessible"] as const) {
  test(`a directory of this machine that ${problem} is refused; other hosts' directories are not looked at`, async (t) => {
    const { store, tracker } = await openTracker(t, async () => problem);
    const sentence = `Session initialization failed: Working directory ${problem}: /home/les/project`;
    const here = parsed({ hostname: "this-host" });
    await assert.rejects(tracker.start(here, observedNothing), refusal("invalid", sentence));
    assert.equal(await eventCount(store), 0);
    await tracker.start(parsed(), observedNothing);
    await tracker.startOfHost(here, observedNothing);
    assert.equal(await eventCount(store), 2);
  });
}

test("a start that is on record is answered although its directory is gone since", async (t) => {
  let problem: DirectoryProblem | null = null;
  const { tracker } = await openTracker(t, async () => problem);
  const start = parsed({ hostname: "this-host" });
  const first = await tracker.start(start, observedNothing);
  problem = "does not exist";
  assert.deepEqual(await tracker.start(start, observedNothing), first);
});

test("a start that this machine saw itself is known by its event id alone", async (t) => {
  const { store, tracker } = await openTracker(t);
  const start = parsed();
  const first = await tracker.startOfHost(start, observedNothing);
  assert.deepEqual(await tracker.startOfHost(parsed({ cwd: "/elsewhere" }, start.eventId), observedNothing), first);
  assert.equal(await eventCount(store), 1);
});

test("a start and an end that are recorded together are what they are one after the other, however often", async (t) => {
  const { store, tracker } = await openTracker(t);
  const start = parsed();
  const timestamp = instantFromMs(instantToMs(start.content.timestamp) + 60_000);
  const content = { timestamp, reason: "exit", exitCode: 3, signal: null, metadata: null };
  const end = { content, observed: { ...observedNothing, source: { kind: "hook" } as const } };
  const { sessionId } = await tracker.lifeOfHost(start, observedNothing, end);
  const { state, exitCode } = (await store.session(sessionId)) ?? {};
  assert.deepEqual([state, exitCode], ["ended", 3]);
  assert.equal((await tracker.lifeOfHost(start, observedNothing, end)).sessionId, sessionId);
  assert.equal(await eventCount(store), 2);
});

/** A session that another record delivered, with the id and the content of `start`. */
async function deliver(store: Store, start: ReturnType<typeof parsed>): Promise<StartEvent> {
  const origin = { originId: "key-1", sessionId: "there", stream: randomUUID(), seq: 1 };
  const event = startEvent(start.content, { eventId: start.eventId, observed: { ...observedNothing, origin } });
  await record(store, event);
  return event;
}

test("an end or a proof of death does not reach a session that another record delivered", async (t) => {
  const { store, tracker } = await openTracker(t);
  const { sessionId } = await deliver(store, parsed());
  assert.equal(await tracker.end(sessionId, sampleEnd, observedNothing), "not_found");
  assert.equal(await tracker.death(sessionId, sampleDeath, observedNothing), "not_found");
  assert.equal((await store.session(sessionId))?.state, "active");
  assert.equal(await eventCount(store), 1);
});

test("a start with the id and the words of a delivered one is refused", async (t) => {
  const { store, tracker } = await openTracker(t);
  const start = parsed();
  await deliver(store, start);
  await assert.rejects(tracker.start(start, observedNothing), reused);
});

test("a shell of this machine whose event id was delivered is on record all the same, once", async (t) => {
  const { store, tracker } = await openTracker(t);
  const start = parsed({}, "0b0f7d7e-3a43-4a6d-9d0b-ffffffffffff");
  const { sessionId } = await deliver(store, start);
  const first = await tracker.startOfHost(start, observedNothing);
  const second = await tracker.startOfHost(start, observedNothing);
  assert.notEqual(first.sessionId, sessionId);
  assert.deepEqual([second.sessionId, first.origin], [first.sessionId, null]);
  assert.equal(await tracker.end(first.sessionId, sampleEnd, observedNothing), "recorded");
  assert.equal(await eventCount(store), 3);
});
