/** Proves that a page of any filtered history reads an index in the order of the answer, and little more than itself. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, before, test } from "node:test";
import { type DirectoryLimits, usualLimits } from "../../../../src/store/sqlite/places.ts";
import { openSqliteStore } from "../../../../src/store/sqlite/store.ts";
import type { SessionQuery } from "../../../../src/tracker/store.ts";
import { generateHistory } from "../../../bench/generate.ts";
import { questions } from "../../../support/store/questions.ts";
import { readAnswer } from "../../../support/store/reading.ts";
import { at } from "../../../support/store/session-events.ts";

/** More than are counted below a directory, by as many as a test allows to be read beside. */
const sessions = 8_000;

const read = (query: SessionQuery) => readAnswer(database, query);

/** Limits with which a directory of the history is searched in this way, whatever lies in it. */
const ways: readonly (readonly [way: string, limits: DirectoryLimits])[] = [
  ["by sorting", { ...usualLimits, fewInside: sessions + 1, longestCount: 1 }],
  ["by places", { ...usualLimits, fewInside: 1, longestCount: 1, mostPlaces: 1_500 }],
  ["by sorting because there are many places", { ...usualLimits, fewInside: 1, longestCount: 1, mostPlaces: 1 }],
  ["by all else", { fewInside: 1, longestCount: 1, mostPlaces: 1, longestSort: 1 }],
  ["by what is counted to be less", { ...usualLimits, longestCount: sessions }],
];
const directories = ["/", "/home/user-3", "/home/user-3/project-1/", "/srv", "/tmp"];
const searches = directories.flatMap((cwd, offset) =>
  questions.filter((_, index) => index % 97 === offset).map((query): SessionQuery => ({ ...query, cwd, limit: 20 })),
);

const folder = mkdtempSync(join(tmpdir(), "session-buddy-test-"));
const path = join(folder, "sessions.db");
let database: DatabaseSync;

before(async () => {
  await (await openSqliteStore({ path })).close();
  generateHistory(path, { sessions, seed: 1 });
  database = new DatabaseSync(path, { readOnly: true });
  // Else each of the many thousand statements that the answers take begins a transaction of its own.
  database.exec("BEGIN");
});

after(() => {
  database.close();
  rmSync(folder, { recursive: true, force: true });
});

test(`each of ${questions.length} sets of filters, and a directory in each way, is answered through an index in its order, without sorting`, () => {
  const usual = questions.flatMap((query) => [...read({ ...query, limit: 50 }).sql]);
  const inEachWay = ways.flatMap(([, limits]) =>
    searches.flatMap((query) => [...readAnswer(database, query, limits).sql]),
  );
  const sql = new Set([...usual, ...inEachWay]);
  assert.ok(sql.size > 30, "the sets of filters make many statements");
  for (const statement of sql) {
    const plan = database
      .prepare(`EXPLAIN QUERY PLAN ${statement}`)
      .all()
      .map((step) => String(step.detail));
    const steps = plan.filter((step) => !/^(?:CO-ROUTINE|SCAN) \(subquery-\d+\)$/.test(step));
    assert.equal(steps.length, 1, `${statement}: ${plan.join("; ")}`);
    assert.match(steps[0] ?? "", /^SEARCH sessions USING (?:COVERING )?INDEX sessions_by_\w+ \(.+\)$/, statement);
  }
});

const pages: readonly (readonly [name: string, query: SessionQuery])[] = [
  ["the first page", {}],
  ["the open sessions", { states: ["active"] }],
  ["a page deep in the history", { after: { startedAt: at("2025-02-01T00:00:00Z"), sessionId: "" } }],
  ["the sessions of a user", { username: "user-3" }],
  ["the sessions of a user who has none on that host", { username: "user-3", hostname: "nowhere" }],
  ["the sessions of a login user", { loginUser: "user-3" }],
  ["the sessions of a terminal", { tty: "pts/7" }],
  ["the sessions of a user on a terminal that nobody had", { username: "user-3", tty: "pts/99" }],
  ["the sessions of a login user who was hardly on, by host", { loginUser: "user-199", hostname: "host-2" }],
  ["what a login user who was hardly on did as another", { loginUser: "user-199", username: "user-3" }],
  ["the orphaned sessions of a user on a host", { username: "user-1", hostname: "host-1", states: ["orphaned"] }],
  ["the sessions in a directory", { cwd: "/home/user-3/project-1" }],
  ["who was on at a moment", { openSince: at("2025-03-05T11:00:00Z"), openUntil: at("2025-03-05T11:00:00Z") }],
  ["a directory that nobody was in", { cwd: "/nowhere" }],
];
for (const [name, query] of pages) {
  test(`${name} reads a few rows more than it gives, among ${sessions}`, () => {
    const { rows, found } = read({ ...query, limit: 20 });
    assert.ok(rows <= 120, `${rows} rows for ${found.length}`);
  });
}

const rarely: readonly (readonly [name: string, query: SessionQuery])[] = [
  ["a user who was hardly on", { username: "user-199" }],
  ["the open sessions", { states: ["active"] }],
  ["a moment", { openSince: at("2025-03-05T11:00:00Z"), openUntil: at("2025-03-05T11:00:00Z") }],
];
for (const [name, query] of rarely) {
  test(`of a directory with most of ${sessions} sessions below it, ${name} is found by that`, () => {
    const { rows } = read({ ...query, cwd: "/home", limit: 50 });
    assert.ok(rows <= usualLimits.longestCount + 1_000, `${rows} rows`);
  });
}

for (const [way, limits] of ways) {
  test(`a directory is searched ${way} with the same answer as by looking at every session`, () => {
    for (const query of searches) {
      assert.deepEqual(readAnswer(database, query, limits).found, answerByLooking(query), JSON.stringify(query));
    }
  });
}

const looked = new Map<SessionQuery, unknown[]>();

/** The port's words as one statement, which reads everything, once for all ways. */
function answerByLooking(query: SessionQuery): unknown[] {
  const answer = looked.get(query) ?? lookAtAll(query);
  looked.set(query, answer);
  return answer;
}

function lookAtAll(query: SessionQuery): unknown[] {
  const path = query.cwd?.replace(/\/$/, "") ?? "";
  const sql = `SELECT session_id FROM sessions NOT INDEXED WHERE (cwd = $path OR substr(cwd, 1, length($path) + 1) = $path || '/')
    AND username = coalesce($username, username) AND hostname = coalesce($hostname, hostname)
    AND component_name = coalesce($component, component_name)
    AND login_user = coalesce($loginUser, login_user) AND tty = coalesce($tty, tty) AND state = coalesce($state, state)
    AND coalesce(closed_at, '~') >= $openSince AND started_at <= $openUntil AND started_at >= $startedSince
    AND (started_at, session_id) < ($afterAt, $afterId)
    ORDER BY started_at DESC, session_id DESC LIMIT $limit`;
  const values = {
    path,
    username: query.username ?? null,
    hostname: query.hostname ?? null,
    component: query.componentName ?? null,
    loginUser: query.loginUser ?? null,
    tty: query.tty ?? null,
    state: query.states?.[0] ?? null,
    openSince: query.openSince ?? "",
    openUntil: query.openUntil ?? "~",
    startedSince: query.startedSince ?? "",
    afterAt: query.after?.startedAt ?? "~",
    afterId: query.after?.sessionId ?? "",
    limit: query.limit ?? -1,
  };
  return database
    .prepare(sql)
    .all(values)
    .map((row) => row.session_id);
}

test("a page stops reading where it ends: without a limit everything is read, in batches", () => {
  const all = read({});
  assert.equal(all.found.length, sessions);
  // Each batch begins by looking at the last row of the one before.
  assert.ok(all.rows <= 1.01 * sessions, `${all.rows} rows`);
  const one = read({ limit: 1 });
  assert.equal(one.found.length, 1);
  assert.ok(one.rows <= 41, `${one.rows} rows`);
});
