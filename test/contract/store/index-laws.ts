/** States the laws of the index of sessions: rows, filters, overlap, pages, counts. Every store must pass them. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { type TestContext, test } from "node:test";
import fc from "fast-check";
import { type Circumstances, toldBy } from "../../../src/tracker/circumstances.ts";
import type { ProcessIdentity } from "../../../src/tracker/event.ts";
import type { Session } from "../../../src/tracker/fold.ts";
import { type Instant, instantFromMs } from "../../../src/tracker/instant.ts";
import type { SessionQuery, StatsRow, Store } from "../../../src/tracker/store.ts";
import { lasting, livesStartedAt as startedAt } from "../../support/store/lives.ts";
import {
  at,
  deathEvent,
  endEvent,
  folded,
  observedNothing,
  sampleSessionId,
  startEvent,
} from "../../support/store/session-events.ts";
import { openAt, record, recordLives, type StorePlace } from "../../support/store/store-place.ts";
import { idOf, overlapAnswers, overlapHistory } from "./overlap-history.ts";

const noon = at("2026-03-02T12:00:00Z");
const pageSizes = [1, 2, 7, 39, 40, 41];

const anyProcess: ProcessIdentity = {
  hostId: null,
  bootId: null,
  pidNamespace: null,
  pid: 1,
  startTicks: "1",
  executable: null,
  exeId: null,
  comm: null,
};

function row(
  key: string,
  counts: readonly [number, number, number],
  lengths: readonly [number, number] | null,
): StatsRow {
  const [sessions, open, orphaned] = counts;
  const [medianMs, p95Ms] = lengths?.map((minutes) => minutes * 60_000) ?? [null, null];
  return { key, sessions, open, orphaned, replaced: 0, medianMs: medianMs ?? null, p95Ms: p95Ms ?? null };
}

/** @param createPlace - makes a place with no store in it yet, removed when the test is done */
export function indexLaws(name: string, createPlace: (t: TestContext) => StorePlace): void {
  const law = (sentence: string, check: (store: Store) => Promise<void>) =>
    test(`${name}: ${sentence}`, async (t) => check(await openAt(createPlace(t), t)));

  law(
    "filters and overlaps are answered as written by hand, and so is a page of any size after another",
    async (store) => {
      await recordLives(store, overlapHistory);
      for (const [query, numbers] of overlapAnswers) {
        const expected = numbers.split(" ").filter(Boolean).map(Number).map(idOf);
        assert.deepEqual(idsOf(await store.sessions(query)), expected, JSON.stringify(query));
        for (const limit of pageSizes) {
          assert.deepEqual(idsOf(await pagesOf(store, query, limit)), expected, `${JSON.stringify(query)} by ${limit}`);
        }
      }
    },
  );

  law("any question about any history is answered as by looking at every session", async (store) => {
    const lives = fc.sample(anyBriefLife, { numRuns: 400, seed: 4 });
    const sessions = lives.map((life, index) => withId(life, `s${String(index).padStart(3, "0")}`));
    await recordLives(store, sessions);
    const all = sessions.map((life) => folded(...life)).sort(byNewest);
    await fc.assert(
      fc.asyncProperty(anyQuery, async (query) => {
        const expected = all.filter((session) => matches(session, query)).slice(0, query.limit);
        assert.deepEqual(await store.sessions(query), expected);
      }),
      { numRuns: 400 },
    );
  });

  law("pages join without a gap or a repeat while sessions start and end between them", async (store) => {
    await recordLives(store, overlapHistory);
    const before = idsOf(await store.sessions({}));
    const seen: string[] = [];
    let page = await store.sessions({ limit: 6 });
    for (let later = 0; page.length > 0; later += 1) {
      seen.push(...idsOf(page));
      const last = page.at(-1) as Session;
      await recordLives(store, [
        [startEvent({ timestamp: at("2026-03-03T00:00:00Z") }, { sessionId: `new-${later}` })],
      ]);
      page = await store.sessions({ limit: 6, after: last });
    }
    assert.deepEqual(seen, before);
  });

  law("a page may begin at any position, also where no session is", async (store) => {
    await recordLives(store, overlapHistory);
    const after = { startedAt: at("2026-03-02T12:30:00Z"), sessionId: idOf(24) };
    assert.deepEqual(idsOf(await store.sessions({ after, limit: 2 })), [idOf(23), idOf(15)]);
    const afterAll = { startedAt: at("0001-01-01T00:00:00Z"), sessionId: "" };
    assert.deepEqual(await store.sessions({ after: afterAll }), []);
    assert.equal(
      (await store.sessions({ after: { startedAt: at("9999-01-01T00:00:00Z"), sessionId: "" } })).length,
      40,
    );
  });

  law("a directory with thousands below it is searched whole, and only it", async (store) => {
    const life = (index: number, cwd: string) => [
      startEvent({ cwd, username: index % 2 === 0 ? "even" : "odd" }, { sessionId: `d${index}` }),
    ];
    await recordLives(store, [
      ...Array.from({ length: 1_200 }, (_, index) => life(index, `/many/${index}/below`)),
      life(2_000, "/manyother"),
      life(2_001, "/many"),
    ]);
    assert.equal((await store.sessions({ cwd: "/many" })).length, 1_201);
    assert.equal((await store.sessions({ cwd: "/many", username: "odd" })).length, 601);
    assert.deepEqual(idsOf(await store.sessions({ cwd: "/many/7" })), ["d7"]);
    assert.equal((await pagesOf(store, { cwd: "/many", username: "even" }, 100)).length, 600);
  });

  law(
    "sessions come newest start first, equal starts by id downwards, only the states and the number asked for",
    async (store) => {
      const minutes = [
        ["b", 2],
        ["a", 1],
        ["d", 3],
        ["c", 2],
      ] as const;
      for (const [sessionId, minute] of minutes) {
        const start = startEvent({ timestamp: at(`2026-02-06T12:0${minute}:00Z`) }, { sessionId });
        const closing = sessionId === "a" ? endEvent : deathEvent;
        const events = sessionId < "c" ? [start, closing({}, { sessionId })] : [start];
        await record(store, start, folded(...events));
      }
      const ids = async (query: Parameters<Store["sessions"]>[0]) =>
        (await store.sessions(query)).map(({ sessionId }) => sessionId).join("");
      assert.equal(await ids({}), "dcba");
      assert.equal(await ids({ states: [] }), "dcba");
      assert.equal(await ids({ states: ["active"] }), "dc");
      assert.equal(await ids({ states: ["ended", "orphaned"] }), "ba");
      assert.equal(await ids({ limit: 3 }), "dcb");
      assert.equal(await ids({ limit: 9 }), "dcba");
      assert.equal(await ids({ states: ["active"], limit: 1 }), "d");
    },
  );

  law("an id that no session has gives null", async (store) => {
    await record(store, startEvent());
    for (const id of ["", "unknown", `${sampleSessionId} `, sampleSessionId.toUpperCase()]) {
      assert.equal(await store.session(id), null);
    }
  });

  law("the open sessions of a host are those whose process was identified there, newest first", async (store) => {
    await recordLives(store, overlapHistory);
    assert.deepEqual(idsOf(await store.activeOfHost("h1")), [idOf(21)]);
    assert.deepEqual(await store.activeOfHost("h2"), []);
  });

  law("what another record delivered is none of a host's open sessions, whatever host it says", async (store) => {
    const process = { ...anyProcess, hostId: "h1", pid: 7, bootId: "b1" };
    const circumstances = { kernel: { auditSession: 3, remote: "192.0.2.1 5" } };
    const origin = { originId: "key-1", sessionId: "there", stream: randomUUID(), seq: 1 };
    const observed = { ...observedNothing, process, circumstances, origin };
    const delivered = startEvent({}, { sessionId: "delivered", observed });
    const looks = async (index: Pick<typeof store, "activeOfPids">) => idsOf(await index.activeOfPids("h1", [7]));
    await store.transact(async (tx) => {
      await tx.appendEvent(delivered);
      await tx.putSession(folded(delivered));
      assert.deepEqual(await looks(tx), []);
    });
    assert.deepEqual(await store.session("delivered"), folded(delivered));
    assert.deepEqual(await looks(store), []);
    assert.deepEqual(await store.activeOfHost("h1"), []);
    assert.equal(await store.remoteOfLogin("h1", "b1", 3), null);
  });

  law("the open sessions of processes are found by host and pid, newest first", async (store) => {
    const process = (hostId: string, pid: number) => ({ ...anyProcess, hostId, pid });
    const life = (sessionId: string, minute: number, of: ProcessIdentity | null, isOver = false) => {
      const content = { timestamp: at(`2026-02-06T12:0${minute}:00Z`) };
      const start = startEvent(content, { sessionId, observed: { ...observedNothing, process: of } });
      return isOver ? [start, endEvent({}, { sessionId })] : [start];
    };
    await recordLives(store, [
      life("first", 1, process("h1", 7)),
      life("second", 2, process("h1", 7)),
      life("over", 3, process("h1", 7), true),
      life("elsewhere", 4, process("h2", 7)),
      life("other", 5, process("h1", 8)),
      life("unidentified", 6, null),
    ]);
    assert.deepEqual(idsOf(await store.activeOfPids("h1", [7])), ["second", "first"]);
    assert.deepEqual(idsOf(await store.activeOfPids("h1", [8, 9, 7])), ["other", "second", "first"]);
    assert.deepEqual(await store.activeOfPids("h1", []), []);
    assert.deepEqual(await store.activeOfPids("h3", [7]), []);
    const inside = await store.transact((tx) => tx.activeOfPids("h1", [7]));
    assert.deepEqual(idsOf(inside), ["second", "first"]);
  });

  law(
    "a login's address is that of its oldest session outside of multiplexers, in one boot of one host",
    async (store) => {
      const life = (
        sessionId: string,
        minute: number,
        claims: Partial<Circumstances>,
        of: Partial<ProcessIdentity> = {},
      ) => [
        startEvent(
          { timestamp: at(`2026-02-06T12:0${minute}:00Z`) },
          {
            sessionId,
            observed: {
              ...observedNothing,
              process: { ...anyProcess, hostId: "h1", bootId: "b1", ...of },
              circumstances: toldBy({ kernel: { auditSession: 17 }, hook: claims }),
            },
          },
        ),
      ];
      await recordLives(store, [
        life("unknown", 0, {}),
        life("pane", 1, { remote: "192.0.2.9 9", multiplexer: "tmux:a:%1" }),
        life("later", 4, { remote: "192.0.2.4 4" }),
        life("first", 3, { remote: "192.0.2.3 3" }),
        life("rebooted", 2, { remote: "192.0.2.2 2" }, { bootId: "b2" }),
        life("elsewhere", 2, { remote: "192.0.2.2 2" }, { hostId: "h2" }),
      ]);
      assert.equal(await store.remoteOfLogin("h1", "b1", 17), "192.0.2.3 3");
      assert.equal(await store.remoteOfLogin("h1", "b2", 17), "192.0.2.2 2");
      assert.equal(await store.remoteOfLogin("h1", "b1", 18), null);
    },
  );

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
}

function idsOf(sessions: readonly Session[]): string[] {
  return sessions.map(({ sessionId }) => sessionId);
}

async function pagesOf(store: Store, query: SessionQuery, limit: number): Promise<Session[]> {
  const all: Session[] = [];
  for (let page = await store.sessions({ ...query, limit }); page.length > 0; ) {
    assert.ok(page.length <= limit);
    all.push(...page);
    page = await store.sessions({ ...query, limit, after: page.at(-1) as Session });
  }
  return all;
}

/** Steps of time that are close together, far apart, and exactly on the bounds of span classes. */
const anyMoment: fc.Arbitrary<Instant> = fc
  .constantFrom(0, 1, 999, 1_000, 3_999, 4_000, 4_001, 15_999, 16_000, 3_600_000, 86_400_000, 63_000_000_000)
  .chain((ms) => fc.nat(3).map((steps) => instantFromMs(1_770_000_000_000 + ms * steps)));

const anyName = fc.constantFrom("a", "b", "c");
const anyTerminal = fc.constantFrom("pts/1", "pts/2");
const anyDirectory = fc.constantFrom("/", "/a", "/a/", "/a/b", "/ab", "/b");

const anyBriefLife = fc
  .record({
    from: anyMoment,
    to: anyMoment,
    user: anyName,
    host: anyName,
    component: anyName,
    loginUser: fc.option(anyName),
    tty: fc.option(anyTerminal),
    cwd: anyDirectory,
  })
  .chain(({ from, to, user, host, component, loginUser, tty, cwd }) => {
    const content = { timestamp: from, username: user, hostname: host, componentName: component, cwd };
    const circumstances = toldBy({ kernel: { loginUser, tty } });
    const start = startEvent(content, { observed: { ...observedNothing, circumstances } });
    return fc.constantFrom(
      [start],
      [start, endEvent({ timestamp: to })],
      [start, deathEvent({ detectedAt: to, lastAliveAt: from })],
    );
  });

const anyQuery: fc.Arbitrary<SessionQuery> = fc.record(
  {
    states: fc.subarray(["active", "orphaned", "ended"] as const),
    username: anyName,
    hostname: anyName,
    componentName: anyName,
    loginUser: anyName,
    tty: anyTerminal,
    cwd: anyDirectory,
    openSince: anyMoment,
    openUntil: anyMoment,
    startedSince: anyMoment,
    after: fc.record({ startedAt: anyMoment, sessionId: fc.constantFrom("", "s100", "s200", "s399", "z") }),
    limit: fc.integer({ min: 1, max: 50 }),
  },
  { requiredKeys: [] },
);

function withId(
  life: readonly ReturnType<typeof startEvent | typeof endEvent | typeof deathEvent>[],
  sessionId: string,
) {
  return life.map((event) => ({ ...event, eventId: crypto.randomUUID(), sessionId }));
}

/** The port's words, as directly as they can be written. */
function matches(session: Session, query: SessionQuery): boolean {
  const { states = [], after, cwd } = query;
  const closedAt = session.endedAt ?? session.endedBefore;
  const directory = cwd?.replace(/\/$/, "");
  return [
    states.length === 0 || states.includes(session.state),
    query.username === undefined || session.username === query.username,
    query.hostname === undefined || session.hostname === query.hostname,
    query.componentName === undefined || session.componentName === query.componentName,
    query.loginUser === undefined || session.circumstances.loginUser === query.loginUser,
    query.tty === undefined || session.circumstances.tty === query.tty,
    cwd === undefined || session.cwd === cwd || session.cwd === directory || session.cwd.startsWith(`${directory}/`),
    query.openSince === undefined || closedAt === null || closedAt >= query.openSince,
    query.openUntil === undefined || session.startedAt <= query.openUntil,
    query.startedSince === undefined || session.startedAt >= query.startedSince,
    after === undefined || byNewest(after, session) < 0,
  ].every(Boolean);
}

function byNewest(a: Pick<Session, "startedAt" | "sessionId">, b: Pick<Session, "startedAt" | "sessionId">): number {
  if (a.startedAt !== b.startedAt) return a.startedAt > b.startedAt ? -1 : 1;
  if (a.sessionId === b.sessionId) return 0;
  return a.sessionId > b.sessionId ? -1 : 1;
}
