/** States the laws of asking a store for sessions: filters, overlap and pages. Every store must pass them. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import fc from "fast-check";
import type { Session } from "../../src/tracker/fold.ts";
import { type Instant, instantFromMs } from "../../src/tracker/instant.ts";
import type { SessionQuery, Store } from "../../src/tracker/store.ts";
import { at, deathEvent, endEvent, folded, startEvent } from "../support/store/session-events.ts";
import { openAt, recordLives, type StorePlace } from "../support/store/store-place.ts";
import { idOf, overlapAnswers, overlapHistory } from "./overlap-history.ts";

const pageSizes = [1, 2, 7, 39, 40, 41];

/** @param createPlace - makes a place with no store in it yet, removed when the test is done */
export function storeQueryLaws(name: string, createPlace: (t: TestContext) => StorePlace): void {
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
const anyDirectory = fc.constantFrom("/", "/a", "/a/", "/a/b", "/ab", "/b");

const anyBriefLife = fc
  .record({ from: anyMoment, to: anyMoment, user: anyName, host: anyName, component: anyName, cwd: anyDirectory })
  .chain(({ from, to, user, host, component, cwd }) => {
    const content = { timestamp: from, username: user, hostname: host, componentName: component, cwd };
    const start = startEvent(content);
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
