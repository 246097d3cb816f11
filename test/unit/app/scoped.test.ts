/** Proves that whoever sees a part of the record gets, in every question, what a record with that part alone would answer. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import fc from "fast-check";
import { type App, openApp } from "../../../src/app/app.ts";
import { createLive, type LiveMessage } from "../../../src/app/live.ts";
import { createQuestions, type Questions } from "../../../src/app/questions.ts";
import { scoped } from "../../../src/app/scoped.ts";
import { timeline } from "../../../src/app/timeline.ts";
import { resolveConfig } from "../../../src/config/config.ts";
import { createLog } from "../../../src/log.ts";
import { type SessionQuery, statsKeys } from "../../../src/tracker/store.ts";
import { toJsonRow } from "../../../src/wire/view.ts";
import { createSandbox } from "../../support/sandbox.ts";
import { recordHistory, type Story } from "../../support/store/history.ts";

const users = ["ann", "bob", "root"];
const stories: readonly Story[] = Array.from({ length: 30 }, (_, at) => ({
  id: `s-${String(at).padStart(2, "0")}`,
  from: `2026-03-10T08:${String(at).padStart(2, "0")}:00Z`,
  ...(at % 2 === 0 ? { to: "2026-03-10T12:00:00Z" } : {}),
  start: {
    username: users[at % users.length] ?? "",
    componentName: at % 4 === 0 ? "one" : "two",
    cwd: `/srv/${at % 5}`,
  },
}));

/** Opens a record with these sessions. */
async function openRecord(t: TestContext, told: readonly Story[]): Promise<App> {
  const sandbox = createSandbox(t);
  await recordHistory(sandbox, told);
  const config = await resolveConfig({ SESSION_BUDDY_HOME: sandbox.home });
  const app = await openApp(config, createLog({ toStandardError: false, file: null }));
  t.after(() => app.close());
  return app;
}

const ann = { of: "user", username: "ann" } as const;

const anyQuery = fc.record(
  {
    username: fc.constantFrom("ann", "bob", "nobody"),
    states: fc.subarray(["active", "ended", "orphaned"] as const, { minLength: 1 }),
    componentName: fc.constantFrom("one", "two"),
    cwd: fc.constantFrom("/srv", "/srv/1", "/"),
  },
  { requiredKeys: [] },
);

test("pages, counts and timelines are those of a record with one's own sessions alone, whatever is asked", async (t) => {
  const [whole, part] = await Promise.all([
    openRecord(t, stories),
    openRecord(
      t,
      stories.filter(({ start }) => start?.username === "ann"),
    ),
  ]);
  const seen = scoped(createQuestions(whole), ann);
  const alone = createQuestions(part);
  const all = async (questions: Questions, query: SessionQuery, limit: number) => {
    const pages = [];
    for (let cursor: string | null = null, isFirst = true; isFirst || cursor !== null; isFirst = false) {
      const page = await questions.page(query, limit, cursor);
      pages.push({ ...page, sessions: page.sessions.map(toJsonRow) });
      cursor = page.nextCursor;
    }
    return pages;
  };
  await fc.assert(
    fc.asyncProperty(
      anyQuery,
      fc.integer({ min: 1, max: 12 }),
      fc.constantFrom(...statsKeys),
      async (query, limit, by) => {
        assert.deepEqual(await all(seen, query, limit), await all(alone, query, limit));
        assert.deepEqual(await seen.stats(by, query), await alone.stats(by, query));
        const asked = { by: "user" as const, query, limit };
        assert.deepEqual(
          await timeline(seen, asked, Date.parse("2026-03-10T13:00:00Z")),
          await timeline(alone, asked, Date.parse("2026-03-10T13:00:00Z")),
        );
        assert.deepEqual(await streamed(seen, query), await streamed(alone, query));
      },
    ),
    { numRuns: 60 },
  );
  for (const { id } of [...stories, { id: "nothing" }]) {
    const [own, theirs] = [await alone.record(id), await seen.record(id)];
    assert.equal(theirs === null, own === null, id);
    assert.equal((await seen.explain(id)) === null, own === null, id);
  }
});

test("the shell around one's own is named where it is one's own, and nowhere where it is another's", async (t) => {
  const inside = (id: string, username: string, parentSession: string): Story => ({
    id,
    from: "2026-03-10T09:00:00Z",
    start: { username },
    circumstances: { kernel: { parentSession } },
  });
  const outer: Story[] = users.map((username) => ({
    id: `around-${username}`,
    from: "2026-03-10T08:00:00Z",
    start: { username },
  }));
  const app = await openRecord(t, [
    ...outer,
    inside("in-own", "ann", "around-ann"),
    inside("in-anothers", "ann", "around-bob"),
  ]);
  const questions = createQuestions(app);
  const seen = scoped(questions, ann);
  const { sessions } = await seen.page({}, 10, null);
  const parents = sessions.map(({ sessionId, circumstances }) => [sessionId, circumstances.parentSession]);
  assert.deepEqual(
    new Map(parents as [string, string][]),
    new Map([
      ["in-own", "around-ann"],
      ["in-anothers", null],
      ["around-ann", null],
    ]),
  );
  assert.equal((await seen.record("in-own"))?.session.parent_session, "around-ann");
  const stop = new AbortController();
  const { value: news } = await seen.follow(0, stop.signal).next();
  stop.abort();
  const told = [await seen.record("in-anothers"), await seen.explain("in-anothers"), await streamed(seen, {}), news];
  assert.doesNotMatch(JSON.stringify(told), /around-bob/);
  assert.match(JSON.stringify(await questions.record("in-anothers")), /around-bob/);
});

test("a cursor that no page gave is refused, whoever's sessions are asked for", async (t) => {
  const seen = scoped(createQuestions(await openRecord(t, stories)), ann);
  for (const username of ["ann", "bob"]) {
    await assert.rejects(seen.page({ username }, 5, "AAAA"), { code: "invalid" });
  }
});

async function streamed(questions: Questions, query: SessionQuery): Promise<unknown[]> {
  const rows: unknown[] = [];
  for await (const { sessions } of questions.pages(query, null, null)) rows.push(...sessions.map(toJsonRow));
  return rows;
}

async function firstMessages(messages: AsyncGenerator<LiveMessage>, count: number): Promise<LiveMessage[]> {
  const told: LiveMessage[] = [];
  for await (const message of messages) {
    told.push(message);
    if (told.length === count) break;
  }
  return told;
}

test("a stream tells one's own events alone, from where it is taken up", async (t) => {
  const app = await openRecord(t, stories);
  const questions = createQuestions(app);
  const gate = async () => ({ userId: "ann", scope: { reads: ann, mayRecord: false }, expiresAtMs: 5 });
  const stream = await createLive(questions, gate)("token");
  assert.deepEqual([stream.holder, stream.expiresAtMs], ["ann", 5]);
  const logId = await questions.logId();
  const stop = new AbortController();
  t.after(() => stop.abort());
  const [hello, ...records] = await firstMessages(stream.messages({ logId, position: 0 }, stop.signal), 16);
  assert.deepEqual([hello?.kind, hello?.place], ["hello", { logId, position: 0 }]);
  const own = stories.filter(({ start }) => start?.username === "ann");
  assert.equal(
    records.length,
    own.reduce((sum, { to }) => sum + (to === undefined ? 1 : 2), 0),
  );
  const ids = new Set(own.map(({ id }) => id));
  for (const { kind, data, place } of records) {
    assert.ok(kind === "record" && ids.has(data.session_id) && place.position === data.seq);
  }
  const middle = records[7]?.place;
  assert.ok(middle !== undefined);
  const rest = await firstMessages(stream.messages(middle, stop.signal), 8);
  assert.deepEqual(rest.slice(1), records.slice(8));
});

test("a place in another log is not gone on from: the stream says so, and begins at the end", async (t) => {
  const app = await openRecord(t, stories);
  const stream = await createLive(createQuestions(app), null)(undefined);
  const stop = new AbortController();
  t.after(() => stop.abort());
  const [first] = await firstMessages(stream.messages({ logId: "another", position: 3 }, stop.signal), 1);
  assert.equal(first?.kind, "resync");
  assert.equal(first?.place.position, await app.store.lastSeq());
});
