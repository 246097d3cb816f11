/** States the laws of the log of events and of what becomes durable together; every store must pass them, after a reopening too. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { type TestContext, test } from "node:test";
import fc from "fast-check";
import { SessionBuddyError } from "../../../src/tracker/errors.ts";
import type { SessionEvent } from "../../../src/tracker/event.ts";
import { foldSession, type SessionState } from "../../../src/tracker/fold.ts";
import type { LoggedChange, Store, StoreTransaction } from "../../../src/tracker/store.ts";
import { anyLife } from "../../support/arbitraries.ts";
import { at, deathEvent, endEvent, folded, sampleSessionId, startEvent } from "../../support/store/session-events.ts";
import { eventsIn, openAt, record, recordLives, type StorePlace } from "../../support/store/store-place.ts";
import { idsOfStoreWorkers, spawnStoreWorker } from "../../support/store/store-worker.ts";

const everything = 1_000_000;
const endOfTime = at("9999-12-31T23:59:59Z");

/** @param createPlace - makes a place with no store in it yet, removed when the test is done */
export function logLaws(name: string, createPlace: (t: TestContext) => StorePlace): void {
  const law = (sentence: string, check: (place: StorePlace, t: TestContext) => Promise<void>) =>
    test(`${name}: ${sentence}`, (t) => check(createPlace(t), t));

  law("a transaction gives back what its work gave back, and the work sees its own writes", async (place, t) => {
    const store = await openAt(place, t);
    const start = startEvent();
    const seen = await store.transact(async (tx) => {
      assert.equal(await tx.eventById(start.eventId), null);
      assert.equal(await tx.isSessionIdTaken(sampleSessionId), false);
      await tx.appendEvent(start);
      assert.equal(await tx.isSessionIdTaken(sampleSessionId), true);
      assert.deepEqual(await tx.eventsOf(sampleSessionId), [start]);
      return tx.eventById(start.eventId);
    });
    assert.deepEqual(seen, start);
  });

  law(
    "in a transaction sessions are found as outside of it, those that it has written among them",
    async (place, t) => {
      const store = await openAt(place, t);
      const [own, other] = [
        startEvent({}, { sessionId: "own" }),
        startEvent({ username: "bob" }, { sessionId: "other" }),
      ];
      await record(store, other);
      await store.transact(async (tx) => {
        assert.deepEqual(await tx.sessions({ username: "les" }), []);
        await tx.appendEvent(own);
        await tx.putSession(folded(own));
        assert.deepEqual(await tx.sessions({ username: "les" }), [folded(own)]);
      });
      assert.deepEqual(await store.sessions({ username: "les" }), [folded(own)]);
    },
  );

  law("nobody else sees the writes of a transaction before it is done", async (place, t) => {
    const [writer, reader] = [await openAt(place, t), await openAt(place, t)];
    await writer.transact(async (tx) => {
      await tx.appendEvent(startEvent());
      assert.deepEqual(await reader.events(0, everything), []);
    });
    assert.equal((await reader.events(0, everything)).length, 1);
  });

  law("work that throws leaves nothing, its caller gets that error, and others' work stays", async (place, t) => {
    const store = await openAt(place, t);
    const failure = new Error("the work failed");
    const kept = [startEvent({}, { sessionId: "kept-1" }), startEvent({}, { sessionId: "kept-2" })] as const;
    const thrown = startEvent({}, { sessionId: "thrown" });
    const outcomes = await Promise.allSettled([
      record(store, kept[0]),
      store.transact(async (tx) => {
        await tx.appendEvent(thrown);
        await tx.putSession(folded(thrown));
        throw failure;
      }),
      record(store, kept[1]),
    ]);
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ["fulfilled", "rejected", "fulfilled"],
    );
    assert.equal((outcomes[1] as PromiseRejectedResult).reason, failure);
    assert.deepEqual(await eventsIn(store), kept);
    assert.equal(await store.session("thrown"), null);
    assert.equal(await store.transact((tx) => tx.isSessionIdTaken("thrown")), false);
  });

  law("work that is refused in the program's own words keeps nobody else from an answer", async (place, t) => {
    const store = await openAt(place, t);
    const refused = new SessionBuddyError("invalid", "refused");
    const outcomes = await Promise.allSettled([
      record(store, startEvent({}, { sessionId: "kept-1" })),
      store.transact(async () => {
        throw refused;
      }),
      record(store, startEvent({}, { sessionId: "kept-2" })),
    ]);
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ["fulfilled", "rejected", "fulfilled"],
    );
    assert.equal((outcomes[1] as PromiseRejectedResult).reason, refused);
    assert.equal((await eventsIn(store)).length, 2);
  });

  law("work that waited together with work that throws sees nothing of it", async (place, t) => {
    const store = await openAt(place, t);
    const thrown = startEvent({}, { sessionId: "thrown" });
    const isTaken = () => store.transact((tx) => tx.isSessionIdTaken("thrown"));
    const outcomes = await Promise.allSettled([
      isTaken(),
      store.transact(async (tx) => {
        await tx.appendEvent(thrown);
        throw new Error("the work failed");
      }),
      isTaken(),
      record(store, startEvent({}, { sessionId: "kept" })),
    ]);
    assert.deepEqual(
      outcomes.map((outcome) => (outcome.status === "fulfilled" ? outcome.value : "thrown")),
      [false, "thrown", false, undefined],
    );
    assert.equal((await eventsIn(store)).length, 1);
  });

  law(
    "no other transaction comes between the reads and the writes of one, in one open store or several",
    async (place, t) => {
      const stores = await Promise.all(Array.from({ length: 4 }, () => openAt(place, t)));
      const appendCounted = (store: Store) =>
        store.transact(async (tx) => {
          const before = (await tx.eventsOf(sampleSessionId)).length;
          await new Promise(setImmediate);
          await tx.appendEvent(endEvent({ exitCode: before }));
        });
      await Promise.all(Array.from({ length: 60 }, (_, index) => appendCounted(stores[index % 4] as Store)));
      const counts = (await eventsIn(stores[0] as Store)).map((event) =>
        event.kind === "end" ? event.content.exitCode : null,
      );
      assert.deepEqual(
        counts,
        Array.from({ length: 60 }, (_, index) => index),
      );
    },
  );

  law("several processes at once lose nothing and get no id twice", async (place, t) => {
    const ids = await idsOfStoreWorkers(place, 4, 20);
    const store = await openAt(place, t);
    assert.equal(new Set(ids).size, 80);
    assert.deepEqual((await store.sessions({})).map(({ sessionId }) => sessionId).sort(), ids.sort());
    assert.equal((await eventsIn(store)).length, 80);
  });

  law("what was acknowledged is on record although the process was killed", async (place, t) => {
    const child = spawnStoreWorker(place, everything);
    t.after(() => child.kill("SIGKILL"));
    let printed = "";
    child.stdout?.setEncoding("utf8").on("data", (chunk: string) => {
      printed += chunk;
      if (printed.split("\n").length > 10) child.kill("SIGKILL");
    });
    await once(child, "close");
    const acknowledged = printed.split("\n").slice(0, -1);
    assert.ok(acknowledged.length >= 10, printed);
    const onRecord = new Set((await (await openAt(place, t)).sessions({})).map(({ sessionId }) => sessionId));
    assert.deepEqual(
      acknowledged.filter((id) => !onRecord.has(id)),
      [],
    );
  });

  law("what was written is there after closing and opening again", async (place, t) => {
    const life = [startEvent(), deathEvent(), endEvent()];
    const first = await openAt(place);
    for (const event of life) await record(first, event, folded(...life));
    const log = await first.events(0, everything);
    await first.close();
    const second = await openAt(place, t);
    assert.deepEqual(await second.events(0, everything), log);
    assert.deepEqual(await second.eventsOf(sampleSessionId), log);
    assert.deepEqual(await second.session(sampleSessionId), folded(...life));
  });

  law(
    "what a work says it will ask changes no answer: of the record, of its own writes, of what is not there",
    async (place, t) => {
      const store = await openAt(place, t);
      const pruned = startEvent({}, { sessionId: "pruned" });
      const zero = startEvent({ username: "\0\u0001" }, { sessionId: "zero \0\u0001" });
      const lives = [
        [pruned, endEvent({}, { sessionId: "pruned" })],
        [zero, deathEvent({ detectedAt: endOfTime }, { sessionId: zero.sessionId })],
        [startEvent({}, { sessionId: "open" })],
      ];
      await recordLives(store, lives);
      await store.prune(at("2030-01-01T00:00:00Z"), 1);
      const own = startEvent({}, { sessionId: "own" });
      const events = [...lives.flat(), own];
      const ids = [...events.map(({ eventId }) => eventId), randomUUID(), "", "no uuid", "\0"];
      const sessionIds = [...events.map(({ sessionId }) => sessionId), "unknown", ""];
      const answers = async (tx: StoreTransaction) => ({
        events: await Promise.all(ids.map((id) => tx.eventById(id))),
        pruned: await Promise.all(ids.map((id) => tx.prunedSessionId(id))),
        lives: await Promise.all(sessionIds.map((id) => tx.eventsOf(id))),
        taken: await Promise.all(sessionIds.map((id) => tx.isSessionIdTaken(id))),
      });
      await store.transact(async (tx) => {
        const before = await answers(tx);
        await tx.expect({ eventIds: ids, startEventIds: ids, sessionIds });
        assert.deepEqual(await answers(tx), before);
        await tx.expect({});
        await tx.appendEvent(own);
        await tx.putSession(folded(own));
        const { events: found, lives: stories, taken } = await answers(tx);
        assert.deepEqual(found, [null, null, ...lives.slice(1).flat(), own, null, null, null, null]);
        assert.deepEqual(stories.at(-3), [own]);
        assert.deepEqual(taken, [true, true, true, true, true, true, false, false]);
        await tx.expect({ eventIds: [own.eventId], startEventIds: [own.eventId], sessionIds: ["own"] });
        assert.deepEqual(await answers(tx), { ...before, events: found, lives: stories, taken });
      });
    },
  );

  law("an event id is on record once, whoever comes with it again", async (place, t) => {
    const store = await openAt(place, t);
    const start = startEvent();
    await record(store, start);
    for (const again of [start, endEvent({}, { eventId: start.eventId, sessionId: "other" })]) {
      await assert.rejects(store.transact((tx) => tx.appendEvent(again)));
    }
    assert.deepEqual(await eventsIn(store), [start]);
  });

  law("writing a session again replaces its row and leaves the log as it was", async (place, t) => {
    const store = await openAt(place, t);
    const [start, end] = [startEvent(), endEvent()];
    await record(store, start);
    const log = await store.events(0, everything);
    await store.transact((tx) => tx.putSession(folded(start, end)));
    assert.deepEqual(await store.sessions({}), [folded(start, end)]);
    assert.deepEqual(await store.events(0, everything), log);
  });

  law("positions in the log grow in the order of the writes, and pages of it join without a gap", async (place, t) => {
    const store = await openAt(place, t);
    assert.equal(await store.lastSeq(), 0);
    const events = Array.from({ length: 7 }, (_, index) => startEvent({}, { sessionId: `s-${index % 2}` }));
    for (const event of events) await record(store, event);
    const log = await store.events(0, everything);
    assert.deepEqual(
      log.map(({ event }) => event),
      events,
    );
    assert.ok(log.every(({ seq }, index) => seq > (log[index - 1]?.seq ?? 0)));
    const paged = [];
    for (let after = 0, page = await store.events(0, 3); page.length > 0; page = await store.events(after, 3)) {
      assert.ok(page.length <= 3);
      paged.push(...page);
      after = page.at(-1)?.seq ?? everything;
    }
    assert.deepEqual(paged, log);
    assert.equal(await store.lastSeq(), log.at(-1)?.seq);
    assert.deepEqual(
      await store.eventsOf("s-1"),
      log.filter(({ event }) => event.sessionId === "s-1"),
    );
    assert.deepEqual(await store.eventsOf("unknown"), []);
  });

  law("each event of the log is told as what it did to its session, and pages join without a gap", async (place, t) => {
    const store = await openAt(place, t);
    const lives = fc.sample(anyLife, { numRuns: 60, seed: 5 }).map((life, index) => {
      const own = { sessionId: `s-${index}` };
      return life.map((event) => ({ ...event, ...own, eventId: randomUUID() }));
    });
    // Event by event over all sessions, so that the events of one do not stand together.
    const events = Array.from({ length: 6 }, (_, n) => lives.flatMap((life) => life[n] ?? [])).flat();
    await store.transact(async (tx) => {
      for (const event of events) await tx.appendEvent(event);
      for (const life of lives) await tx.putSession(folded(...life));
    });
    const log = await store.events(0, everything);
    const expected = log.map(({ seq, event }) => {
      const own = (part: typeof log) => part.map((one) => one.event).filter((one) => one.sessionId === event.sessionId);
      const before = foldSession(own(log.filter((one) => one.seq < seq)));
      const { componentName, shellType, durationMs } = folded(...own(log));
      const change = changeBy(event, before?.state ?? null);
      const isLengthNew = change === "ended" || change === "raised";
      return { seq, change, componentName, shellType, durationMs: isLengthNew ? durationMs : null };
    });
    assert.deepEqual(new Set(expected.map(({ change }) => change)).size, 6, "not every change occurs");
    assert.deepEqual(await store.changes(0, everything), expected);
    const paged = [];
    for (let page = await store.changes(0, 7); page.length > 0; page = await store.changes(paged.at(-1)?.seq ?? 0, 7)) {
      paged.push(...page);
    }
    assert.deepEqual(paged, expected);
  });

  law("every value comes back as it was written", async (place, t) => {
    const stores = [await openAt(place, t), await openAt(place, t)] as const;
    await fc.assert(
      fc.asyncProperty(anyLife, async (life) => {
        // Ids of their own in every run, so that the runs do not meet.
        const sessionId = randomUUID();
        const events = life.map((event) => ({ ...event, sessionId, eventId: randomUUID() }));
        await stores[0].transact(async (tx) => {
          for (const event of events) await tx.appendEvent(event);
          await tx.putSession(folded(...events));
        });
        for (const store of stores) {
          assert.deepEqual(
            (await store.eventsOf(sessionId)).map(({ event }) => event),
            events,
          );
          assert.deepEqual(await store.session(sessionId), folded(...events));
        }
      }),
      { numRuns: 60 },
    );
  });

  law("the largest metadata and the longest texts come back as they were written", async (place, t) => {
    const store = await openAt(place, t);
    const metadata = { a: "é".repeat(8_000) };
    const start = startEvent({ metadata, cwd: `/${"😀".repeat(4095)}`, hostname: "\0\n\u001b".repeat(85) });
    await record(store, start);
    assert.deepEqual(await eventsIn(store), [start]);
    assert.deepEqual(await store.session(sampleSessionId), folded(start));
  });

  law("closing waits for what is under way, and a second time does nothing", async (place, t) => {
    const store = await openAt(place);
    const starts = Array.from({ length: 5 }, () => startEvent());
    const recorded = Promise.all(starts.map((start) => record(store, start)));
    await Promise.all([store.close(), store.close()]);
    await recorded;
    await store.close();
    assert.deepEqual(await eventsIn(await openAt(place, t)), starts);
  });
}

/** The port's words: what an event does to a session that is in this state, or not there. */
function changeBy(event: SessionEvent, before: SessionState | null): LoggedChange["change"] {
  if (event.kind === "start") return before === null ? "started" : "none";
  if (event.kind === "death") {
    if (before !== "active") return "none";
    return event.content.proof === "executable_replaced" ? "replaced" : "orphaned";
  }
  if (before === "ended") return "none";
  return before === "active" ? "ended" : "raised";
}
