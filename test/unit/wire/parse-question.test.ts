/** Proves what questions over the wire may ask, and the sentence for every rule they break. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  parseActiveSearch,
  parseSearch,
  parseSessionId,
  parseStats,
  parseTimeline,
} from "../../../src/wire/parse-question.ts";
import { refusedQuestions } from "../../support/server/questions.ts";

const everyFilter = {
  states: ["ended", "active"],
  username: "les",
  hostname: "web1",
  component_name: "shell",
  cwd: "/srv",
  open_since: "2026-02-06T12:00:00+01:00",
  open_until: "2026-02-06T12:00:00Z",
  started_since: "2026-02-06T10:00:00.5Z",
};
const everyFilterRead = {
  states: ["active", "ended"],
  username: "les",
  hostname: "web1",
  componentName: "shell",
  cwd: "/srv",
  openSince: "2026-02-06T11:00:00.000000000Z",
  openUntil: "2026-02-06T12:00:00.000000000Z",
  startedSince: "2026-02-06T10:00:00.500000000Z",
};
const noFilter = Object.fromEntries(Object.keys(everyFilter).map((name) => [name, null]));
const parsers = {
  list_active_sessions: parseActiveSearch,
  search_sessions: parseSearch,
  get_session: parseSessionId,
  explain_session: parseSessionId,
  session_stats: parseStats,
  session_timeline: parseTimeline,
} as const;

test("every filter is read, and one that is null restricts nothing", () => {
  assert.deepEqual(parseSearch({ ...everyFilter, limit: "7", cursor: "abc", token: 5 }), {
    query: everyFilterRead,
    limit: 7,
    cursor: "abc",
  });
  for (const nothing of [{}, { ...noFilter, limit: null, cursor: null }]) {
    assert.deepEqual(parseSearch(nothing), { query: {}, limit: 50, cursor: null });
  }
});

test("the open sessions are the active ones, whatever else is asked", () => {
  assert.deepEqual(parseActiveSearch({ username: "les", limit: 200 }), {
    query: { username: "les", states: ["active"] },
    limit: 200,
    cursor: null,
  });
});

test("counts are of one key, with the same filters", () => {
  assert.deepEqual(parseStats({ by: "day", ...everyFilter }), { by: "day", query: everyFilterRead, limit: 50 });
});

test("a timeline has a line a session unless it is asked for one a user, with the same filters", () => {
  assert.deepEqual(parseTimeline({ by: "user", ...everyFilter }), { by: "user", query: everyFilterRead, limit: 50 });
  assert.deepEqual(parseTimeline({ by: null, limit: 3 }), { by: "session", query: {}, limit: 3 });
});

test("a session id may be any text, an empty one too", () => {
  for (const id of ["", "shell-20260206-123456", "x".repeat(255)]) {
    assert.equal(parseSessionId({ session_id: id }), id);
  }
});

for (const { tool, args, sentence } of refusedQuestions) {
  test(`${tool} refuses ${JSON.stringify(args).slice(0, 80)}`, () => {
    assert.throws(() => parsers[tool](args), { code: "invalid", message: sentence });
  });
}
