/** States the laws of counting in a store, of pruning it and of copying it. Every store must pass them. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { SessionBuddyError } from "../../src/tracker/errors.ts";
import type { SessionEvent, StartEvent } from "../../src/tracker/event.ts";
import { instantFromMs, instantToMs } from "../../src/tracker/instant.ts";
import type { StatsRow, Store } from "../../src/tracker/store.ts";
import { createTracker } from "../../src/tracker/tracker.ts";
import { refusal } from "../support/refusals.ts";
import { at, deathEvent, endEvent, observedNothing, sampleEnd, startEvent } from "../support/store/session-events.ts";
import { eventsIn, openAt, record, recordLives, type StorePlace } from "../support/store/store-place.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { idOf, overlapHistory } from "./overlap-history.ts";

const startedAt = at("2026-03-02T23:30:00Z");
/** Far more than are made during a copy that starts once. */
const mostWrites = 5_000;
const noon = at("2026-03-02T12:00:00Z");

/** A session that lasted so many minutes, or is open (null), or orphaned ("lost"). */
function lasting(minutes: number | null | "lost", username: string, hostname = "one"): SessionEvent[] {
  const sessionId = randomUUID();
  const start = startEvent({ username, hostname, timestamp: startedAt }, { sessionId });
  const later = (ms: number) => instantFromMs(instantToMs(startedAt) + ms);
  if (minutes === null) return [start];
  if (minutes === "lost") return [start, deathEvent({ detectedAt: later(1), lastAliveAt: startedAt }, { sessionId })];
  return [start, endEvent({ timestamp: later(minutes * 60_000) }, { sessionId })];
}

function row(
  key: string,
  counts: readonly [number, number, number],
  lengths: readonly [number, number] | null,
): StatsRow {
  const [sessions, open, orphaned] = counts;
  const [medianMs, p95Ms] = lengths?.map((minutes) => minutes * 60_000) ?? [null, null];
  return { key, sessions, open, orphaned, medianMs: medianMs ?? null, p95Ms: p95Ms ?? null };
}

/** @param createPlace - makes a place with no store in it yet, removed when the test is done */
export function storeUpkeepLaws(name: string, createPlace: (t: TestContext) => StorePlace): void {
  const law = (sentence: string, check: (store: Store, t: TestContext, place: StorePlace) => Promise<void>) =>
    test(`${name}: ${sentence}`, async (t) => {
      const place = createPlace(t);
      await check(await openAt(place, t), t, place);
    });

  law("counts are exact, lengths by nearest rank, and an open or lost session has no length", async (store) => {
    assert.deepEqual(await store.stats("user", {}), []);
    const minutes = Array.from({ length: 20 }, (_, index) => 20 - index);
    await recordLives(store, [
      ...minutes.map((length) => lasting(length, "many")),
      ...[3, 1, 2].map((length) => lasting(length, "few", "two")),
      lasting(0, "one"),
      lasting(null, "few"),
      ...["lost", "lost", null, null].map((end) => lasting(end as "lost" | null, "nolength", "two")),
    ]);
    const users = [
      row("many", [20, 0, 0], [10, 19]),
      row("few", [4, 1, 0], [2, 3]),
      row("nolength", [4, 2, 2], null),
      row("one", [1, 0, 0], [0, 0]),
    ];
    assert.deepEqual(await store.stats("user", {}), users);
    assert.deepEqual(await store.stats("user", { limit: 1, after: { startedAt, sessionId: "" } }), users);
    assert.deepEqual(await store.stats("host", {}), [row("one", [22, 1, 0], [10, 19]), row("two", [7, 2, 2], [2, 3])]);
    assert.deepEqual(await store.stats("component", { username: "few" }), [row("mahavishnu", [4, 1, 0], [2, 3])]);
    assert.deepEqual(await store.stats("state", { hostname: "two" }), [
      row("ended", [3, 0, 0], [2, 3]),
      row("active", [2, 2, 0], null),
      row("orphaned", [2, 0, 2], null),
    ]);
    assert.deepEqual(await store.stats("user", { username: "nobody" }), []);
  });

  law("components are counted over all their sessions, most sessions first, equal ones by name", async (store) => {
    assert.deepEqual(await store.componentCounts(), []);
    const life = (componentName: string, events: number) => {
      const sessionId = randomUUID();
      const start = startEvent({ componentName }, { sessionId });
      return [start, endEvent({}, { sessionId }), deathEvent({}, { sessionId })].slice(0, events);
    };
    const lives = [life("b", 1), life("b", 2), life("c", 3), life("a", 1), life("c", 2), life("Z", 1), life("c", 1)];
    await recordLives(store, lives);
    const counts = (await store.componentCounts()).map(({ componentName, sessions }) => `${componentName}${sessions}`);
    assert.deepEqual(counts, ["c3", "b2", "Z1", "a1"]);
  });

  law("days come in their order, a session counts on the day of its start in UTC", async (store) => {
    await recordLives(store, overlapHistory);
    const days = (await store.stats("day", {})).map(({ key, sessions }) => [key, sessions]);
    const expected = [
      ["0001-01-01", 1],
      ["2025-03-02", 1],
      ["2026-01-01", 2],
      ["2026-03-02", 36],
    ];
    assert.deepEqual(days, expected);
    const atNoon = await store.stats("day", { openSince: noon, openUntil: noon, states: ["ended"], cwd: "/srv" });
    assert.deepEqual(
      atNoon.map(({ key, sessions }) => [key, sessions]),
      [["2026-03-02", 3]],
    );
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

  law("a copy is whole, of one moment, private, and made while others write", async (store, t, place) => {
    const path = join(temporaryFolder(t), "copy.db");
    const lives = (from: number) =>
      Array.from({ length: 3_000 }, (_, index) => lasting(index % 50, `u${from + index}`));
    await recordLives(store, lives(0));
    const before = await store.events(0, 1_000_000);
    const writer = await openAt(place, t);
    const progress: (readonly [number, number])[] = [];
    let written = 0;
    let isDone = false;
    const writing = (async () => {
      while ((!isDone && written < mostWrites) || written === 0) {
        await record(writer, startEvent({}, { sessionId: `w${written}` }));
        written += 1;
      }
    })();
    await store.backup(path, (done, total) => progress.push([done, total]));
    isDone = true;
    await writing;
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.ok(progress.length > 1 && progress.every(([done], index) => done >= (progress[index - 1]?.[0] ?? 0)));
    assert.ok(written < mostWrites, "the copy did not have to wait until nobody wrote");
    const [done, total] = progress.at(-1) ?? [0, 1];
    assert.equal(done, total);
    const copy = await openAt({ ...place, options: { path } }, t);
    assert.deepEqual(await copy.problems(), []);
    assert.deepEqual((await copy.events(0, 1_000_000)).slice(0, before.length), before);
    const sessions = new Set((await copy.sessions({})).map(({ sessionId }) => sessionId));
    assert.deepEqual(new Set((await eventsIn(copy)).map(({ sessionId }) => sessionId)), sessions);
    assert.equal((await eventsIn(writer)).length, before.length + written, "nobody had to wait in vain");
  });

  law("a copy never takes the place of a file, and none is left where none could be made", async (store, t) => {
    const folder = temporaryFolder(t);
    const path = join(folder, "notes.txt");
    writeFileSync(path, "my notes\n");
    await assert.rejects(
      store.backup(path, () => {}),
      refusal("usage", /notes\.txt exists already; name a file that/),
    );
    assert.equal(readFileSync(path, "utf8"), "my notes\n");
    const nowhere = join(folder, "missing", "copy.db");
    await assert.rejects(
      store.backup(nowhere, () => {}),
      refusal("storage.unavailable", /missing\/copy\.db cannot be opened/),
    );
    const stopped = join(folder, "stopped.db");
    await recordLives(
      store,
      Array.from({ length: 2_000 }, () => lasting(1, "les")),
    );
    const stop = () => {
      throw new SessionBuddyError("usage", "stopped");
    };
    await assert.rejects(store.backup(stopped, stop), refusal("usage", /stopped/));
    assert.throws(() => statSync(stopped), /ENOENT/);
  });

  law("closing waits for a count and a copy that are under way", async (store, t, place) => {
    await recordLives(store, overlapHistory);
    const path = join(temporaryFolder(t), "copy.db");
    const [rows] = await Promise.all([store.stats("state", {}), store.backup(path, () => {}), store.close()]);
    assert.equal(rows.length, 3);
    const copy = await openAt({ ...place, options: { path } }, t);
    assert.equal((await copy.sessions({})).length, 40);
  });
}
