/** Proves with any arguments that the parsers of events and questions refuse in words or give what keeps the contract. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { eventToValues, rowToEvent } from "../../src/store/rows.ts";
import { canonicalJson } from "../../src/tracker/canonical.ts";
import type { ParsedEnd, ParsedStart, SessionEvent } from "../../src/tracker/event.ts";
import { hostTextRules } from "../../src/tracker/limits.ts";
import { parseEnd, parseStart } from "../../src/wire/parse-event.ts";
import { parseActiveSearch, parseSearch, parseSessionId, parseStats } from "../../src/wire/parse-question.ts";
import { endArguments, startArguments } from "../support/events.ts";
import { fuzzed, inputCount } from "../support/fuzz/fuzz.ts";
import { refusedInWords } from "../support/refusals.ts";
import { observedNothing } from "../support/store/session-events.ts";
import { changedArguments } from "./event-arguments.ts";

const database = new DatabaseSync(":memory:");
const row = database.prepare("SELECT ? AS event_id, ? AS session_id, ? AS kind, ? AS body");

/** What is stored is what was taken, key by key. */
function assertRoundTrip(event: SessionEvent): void {
  const stored = rowToEvent({ ...row.get(...eventToValues(event)) });
  assert.equal(canonicalJson(stored as never), canonicalJson(event as never));
  assert.deepEqual(Object.getPrototypeOf(stored.content), Object.prototype);
}

const instant = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/;
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

function assertText(text: string, most: number): void {
  assert.ok(text.isWellFormed() && [...text].length <= most, text);
}

function assertMetadata(metadata: unknown): void {
  if (metadata === null) return;
  assert.ok(typeof metadata === "object" && !Array.isArray(metadata));
  assert.ok(Buffer.byteLength(JSON.stringify(metadata)) <= 16_384);
}

function assertStart({ eventId, content }: ParsedStart, most: { cwd: number; home: number; username: number }): void {
  assert.match(eventId, uuid);
  assert.match(content.componentName, /^[a-zA-Z0-9_-]{1,100}$/);
  assert.match(content.timestamp, instant);
  assert.ok(Number.isInteger(content.pid) && content.pid >= 1 && content.pid <= 4_194_304);
  for (const [name, length] of [
    ["shellType", 100],
    ["hostname", 255],
    ["pythonVersion", 255],
    ["platform", 255],
  ] as const) {
    assertText(content[name], length);
  }
  for (const name of ["cwd", "home", "username"] as const) assertText(content[name], most[name]);
  for (const text of Object.values(content.environmentExtra)) assert.equal(typeof text, "string");
  assertMetadata(content.metadata);
  assertRoundTrip({ kind: "start", eventId, sessionId: "x", content, observed: observedNothing });
}

function assertEnd({ sessionId, content }: ParsedEnd): void {
  assertText(sessionId, 255);
  assert.match(content.timestamp, instant);
  assert.ok(content.exitCode === null || Number.isSafeInteger(content.exitCode));
  for (const text of [content.reason, content.signal]) assert.ok(text === null || text.isWellFormed());
  assertMetadata(content.metadata);
  assertRoundTrip({ kind: "end", eventId: "x", sessionId, content, observed: observedNothing });
}

function assertPage({ limit, cursor }: { readonly limit: number; readonly cursor: string | null }): void {
  assert.ok(Number.isInteger(limit) && limit >= 1 && limit <= 200);
  assert.ok(cursor === null || cursor.length <= 2_000);
}

const wire = { cwd: 500, home: 500, username: 100 };
const host = { cwd: 4096, home: 4096, username: 4096 };
const search = {
  states: ["active"],
  username: "les",
  cwd: "/x",
  open_since: "2026-02-06T12:34:56Z",
  limit: 5,
  cursor: "x",
};

const parsers: readonly (readonly [name: string, right: object, check: (input: unknown) => void])[] = [
  ["a start of the wire", startArguments({ metadata: { a: 1 } }), (input) => assertStart(parseStart(input), wire)],
  ["a start of this host", startArguments(), (input) => assertStart(parseStart(input, hostTextRules), host)],
  ["an end", endArguments("x", { metadata: { exit_code: 1, signal: "HUP" } }), (input) => assertEnd(parseEnd(input))],
  ["a search", search, (input) => assertPage(parseSearch(input))],
  ["a search of the open sessions", { username: "les", limit: "5" }, (input) => assertPage(parseActiveSearch(input))],
  ["a question for counts", { by: "host", limit: 5 }, (input) => assertPage({ cursor: null, ...parseStats(input) })],
  ["a session id", { session_id: "x" }, (input) => assertText(parseSessionId(input), 255)],
];

for (const [name, right, check] of parsers) {
  test(`${inputCount} arguments of ${name}`, (t) => {
    let taken = 0;
    fuzzed(t, changedArguments(right), (input) => {
      if (!refusedInWords("invalid", () => check(input))) taken += 1;
    });
    // Some must be good, or nothing was shown about those that are taken.
    assert.ok(taken > inputCount / 100, `only ${taken} were taken`);
    t.diagnostic(`${taken} taken`);
  });
}
