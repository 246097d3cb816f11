/** Proves that what a record answers is read back as it was, and that an answer in any other form is refused in words. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { sessionColumns } from "../../src/cli/terminal/session-columns.ts";
import { drawTable } from "../../src/cli/terminal/table.ts";
import { SessionBuddyError } from "../../src/tracker/errors.ts";
import type { SessionEvent } from "../../src/tracker/event.ts";
import { explain } from "../../src/tracker/explain.ts";
import { foldSession, type Session } from "../../src/tracker/fold.ts";
import { readExplanation, readLogRow, readPage, readRecord, readStats } from "../../src/wire/read-answer.ts";
import { toDetailRow, toEventRow, toExplanationRow, toJsonRow, toLogRow } from "../../src/wire/view.ts";
import { anyLife } from "../support/arbitraries.ts";

/** How many changed answers are tried; FUZZ_INPUTS says more. */
const changedAnswers = Number(process.env.FUZZ_INPUTS || 400);

const ok = { status: "ok", error: null, as_of: "2026-02-06T12:34:56Z" };

/** What each kind of answer is, for one life of a session; and what reads it. */
function answersFor(events: readonly SessionEvent[]) {
  const session = foldSession(events) as Session;
  const logged = events.map((event, at) => ({ seq: at + 1, event }));
  const group = { key: "k", sessions: 1, open: 0, orphaned: 0, replaced: 1, median_ms: 5, p95_ms: null };
  return {
    session,
    page: { ...ok, sessions: [toJsonRow(session)], next_cursor: null },
    record: { ...ok, session: toDetailRow(session), events: logged.map(toEventRow) },
    explanation: { ...ok, explanation: toExplanationRow(explain(session, logged, null)) },
    stats: { ...ok, by: "user", groups: [group], omitted: 3 },
    event: toLogRow(logged[0] as (typeof logged)[number]),
  };
}

const sent = (value: unknown) => JSON.parse(JSON.stringify(value));

test("every answer is read back as it was", () => {
  fc.assert(
    fc.property(anyLife, (events) => {
      const { page, record, explanation, stats, event } = sent(answersFor(events));
      assert.deepEqual(sent(readPage(page).sessions.map(toJsonRow)), page.sessions);
      assert.deepEqual({ ...ok, ...sent(readRecord(record)) }, record);
      assert.deepEqual(sent(readExplanation(explanation)), explanation.explanation);
      assert.deepEqual(readStats(stats), {
        rows: [{ key: "k", sessions: 1, open: 0, orphaned: 0, replaced: 1, medianMs: 5, p95Ms: null }],
        omitted: 3,
      });
      assert.deepEqual(sent(readLogRow(event)), event);
    }),
  );
});

/** Puts something else in one place of a value: a step of the path is taken at each level. */
function changed(value: unknown, path: readonly number[], put: unknown): unknown {
  const [step, ...rest] = path;
  if (step === undefined || typeof value !== "object" || value === null) return put;
  const keys = Object.keys(value);
  const key = keys[step % Math.max(1, keys.length)];
  if (key === undefined) return put;
  const inner = (value as Record<string, unknown>)[key];
  if (Array.isArray(value)) return value.map((item, at) => (String(at) === key ? changed(item, rest, put) : item));
  if (rest.length === 0 && put === undefined) {
    return Object.fromEntries(Object.entries(value).filter(([name]) => name !== key));
  }
  return { ...value, [key]: changed(inner, rest, put) };
}

const anyPut = fc.oneof(
  fc.constant(undefined),
  fc.jsonValue({ maxDepth: 2 }),
  fc.constantFrom(1e300, -1, 1.5, "", "\u001b[2J", "2026-02-30T00:00:00Z", "active", [], {}, { __proto__: null }),
);

test("an answer that is changed anywhere is read, or refused in words, and what was read can be shown", () => {
  fc.assert(
    fc.property(anyLife, fc.array(fc.nat(40), { minLength: 1, maxLength: 5 }), anyPut, (events, path, put) => {
      const kinds = ["page", "record", "explanation", "stats", "event"] as const;
      const kind = kinds[path.length % kinds.length] ?? "page";
      const given = changed(sent(answersFor(events)[kind]), path, put);
      try {
        show(kind, given);
      } catch (error) {
        assert.ok(error instanceof SessionBuddyError && error.code === "network", String(error));
        assert.match(error.message, /^the answer has an unexpected form at (?:answer|event)[\w.[\]]*$/);
      }
    }),
    { numRuns: changedAnswers },
  );
});

function show(kind: "page" | "record" | "explanation" | "stats" | "event", given: unknown): void {
  if (kind === "page") drawTable(sessionColumns(0), readPage(given).sessions, 80);
  else if (kind === "record") {
    const { session, events } = readRecord(given);
    JSON.stringify([session, events]);
    for (const { details } of events) {
      const { user = {}, environment = {} } = details;
      for (const part of [user, environment]) Object.entries(part as object);
    }
  } else if (kind === "explanation") JSON.stringify(readExplanation(given));
  else if (kind === "stats") JSON.stringify(readStats(given));
  else JSON.stringify(readLogRow(given));
}

test("a value of a wrong kind is named by its place", () => {
  const row = { session_id: 5 };
  for (const [answer, place] of [
    [null, "answer"],
    [[], "answer"],
    ["x", "answer"],
    [{}, "answer.sessions"],
    [{ sessions: {} }, "answer.sessions"],
    [{ sessions: [], next_cursor: 5 }, "answer.next_cursor"],
    [{ sessions: [null], next_cursor: null }, "answer.sessions[0]"],
    [{ sessions: [row], next_cursor: null }, "answer.sessions[0].session_id"],
  ] as const) {
    assert.throws(() => readPage(answer), {
      code: "network",
      message: `the answer has an unexpected form at ${place}`,
    });
  }
});
