/** Proves that what the parser accepts, the advertised schemas accept: no client is told of a rule that is not there. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { questionSchemas } from "../../src/server/mcp/question-tools.ts";
import { inputSchemas } from "../../src/server/mcp/tools.ts";
import { parseEnd, parseStart } from "../../src/wire/parse-event.ts";
import {
  parseActiveSearch,
  parseSearch,
  parseSessionId,
  parseStats,
  parseTimeline,
} from "../../src/wire/parse-question.ts";
import { anyInstant, anyText, jsonObject } from "../support/arbitraries.ts";

type Fields = Readonly<Record<string, fc.Arbitrary<unknown>>>;

const anyJson = fc.jsonValue({ maxDepth: 2 });
const text = (maxLength: number) => anyText.filter((value) => value.length <= maxLength);
const zoned = fc.tuple(anyInstant, fc.constantFrom("Z", "+00:00")).map(([at, zone]) => at.slice(0, -1) + zone);
const metadata = fc.option(jsonObject);
const pid = fc.integer({ min: 1, max: 4_194_304 });

/** Fields that keep every rule, and the ones that may be left out. */
const startFields: Fields = {
  event_version: fc.constant("1.0"),
  event_id: fc.uuid({ version: 4 }).chain((id) => fc.constantFrom(id, id.toUpperCase())),
  component_name: fc.stringMatching(/^[a-zA-Z0-9_-]{1,100}$/),
  shell_type: text(100),
  timestamp: zoned,
  pid: fc.oneof(
    pid,
    pid.map(String),
    pid.map((value) => `+0${value}`),
  ),
  user: extended({ username: text(100), home: text(500) }),
  hostname: text(255),
  environment: extended({ python_version: text(255), platform: text(255), cwd: text(500) }),
};
const startOptions: Fields = { event_type: fc.constant("session_start"), metadata, token: anyJson };
const endFields: Fields = { session_id: text(255), timestamp: zoned };
const limit = fc.integer({ min: 1, max: 200 });
const pageOptions: Fields = {
  username: fc.option(text(4096)),
  hostname: fc.option(text(255)),
  component_name: fc.option(text(100)),
  cwd: fc.option(anyText.map((path) => `/${path}`)),
  limit: fc.option(fc.oneof(limit, limit.map(String))),
  cursor: fc.option(text(1000)),
  token: anyJson,
};
const searchOptions: Fields = {
  ...pageOptions,
  states: fc.option(fc.subarray(["active", "orphaned", "ended"], { minLength: 1 })),
  open_since: fc.option(zoned),
  open_until: fc.option(zoned),
  started_since: fc.option(zoned),
};
const { cursor: _, ...statsOptions } = searchOptions;
const statsFields: Fields = { by: fc.constantFrom("user", "host", "component", "state", "day") };
const sessionFields: Fields = { session_id: text(255) };
const endOptions: Fields = { event_type: fc.constant("session_end"), metadata, token: anyJson };

const tools = [
  { name: "start", parse: parseStart, schema: inputSchemas.start, fields: startFields, options: startOptions },
  { name: "end", parse: parseEnd, schema: inputSchemas.end, fields: endFields, options: endOptions },
  { name: "list", parse: parseActiveSearch, schema: questionSchemas.active, fields: {}, options: pageOptions },
  { name: "search", parse: parseSearch, schema: questionSchemas.search, fields: {}, options: searchOptions },
  {
    name: "session",
    parse: parseSessionId,
    schema: questionSchemas.session,
    fields: sessionFields,
    options: { token: anyJson },
  },
  {
    name: "timeline",
    parse: parseTimeline,
    schema: questionSchemas.timeline,
    fields: {},
    options: { ...statsOptions, by: fc.option(fc.constantFrom("session", "user")) },
  },
  { name: "count", parse: parseStats, schema: questionSchemas.stats, fields: statsFields, options: statsOptions },
] as const;

/** An object of these fields and any others. */
function extended(fields: Fields): fc.Arbitrary<unknown> {
  return fc.tuple(fc.dictionary(fc.string(), anyJson), fc.record(fields)).map(([more, own]) => ({ ...more, ...own }));
}

function isAccepted(parse: (input: unknown) => unknown, input: unknown): boolean {
  try {
    parse(input);
    return true;
  } catch {
    return false;
  }
}

for (const { name, parse, schema, fields, options } of tools) {
  test(`the schema of a ${name} accepts whatever keeps every rule`, () => {
    const arguments_ = fc.record({ ...fields, ...options }, { requiredKeys: Object.keys(fields) });
    fc.assert(
      fc.property(arguments_, (input) => {
        parse(input);
        schema.parse(input);
      }),
      { numRuns: 300 },
    );
  });

  test(`the schema of a ${name} accepts what the parser accepts when any fields are wrong`, () => {
    const perhapsWrong = Object.entries({ ...fields, ...options }).map(
      ([field, right]) => [field, fc.oneof({ weight: 9, arbitrary: right }, anyJson, anyText)] as const,
    );
    const arguments_ = fc.record(Object.fromEntries(perhapsWrong), { requiredKeys: Object.keys(fields) });
    let accepted = 0;
    fc.assert(
      fc.property(arguments_, (input) => {
        if (!isAccepted(parse, input)) return;
        accepted += 1;
        schema.parse(input);
      }),
      { numRuns: 500 },
    );
    assert.ok(accepted > 0, "nothing was accepted, so nothing was shown");
  });

  test(`the schema of a ${name} tells clients of every field that is required`, () => {
    for (const field of Object.keys(fields)) {
      assert.ok(!schema.safeParse({ ...sample(fields), [field]: undefined }).success, field);
    }
  });
}

function sample(fields: Fields): Record<string, unknown> {
  return fc.sample(fc.record(fields), { numRuns: 1, seed: 1 })[0] as Record<string, unknown>;
}
