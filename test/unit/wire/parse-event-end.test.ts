/** Proves the rules of an end and of metadata (contract sections 1 and 2). */
import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { maxMetadataBytes } from "../../../src/tracker/limits.ts";
import { parseEnd, parseStart } from "../../../src/wire/parse-event.ts";
import { endArguments, startArguments } from "../../support/events.ts";
import { refusal } from "../../support/refusals.ts";
import { at } from "../../support/store/session-events.ts";

const bytesAroundText = '{"a":""}'.length;
const nothingSaid = { reason: null, exitCode: null, signal: null };

function refuses(input: unknown, sentence: string): void {
  assert.throws(() => parseEnd(input), refusal("invalid", sentence), `accepted: ${inspect(input)}`);
}

/** Metadata as it comes in: through `JSON.parse`, both tools. */
function parsedMetadata(metadata: unknown): unknown[] {
  return [
    parseStart(startArguments({ metadata })).content.metadata,
    parseEnd(endArguments("x", { metadata })).content.metadata,
  ];
}

function refusesMetadata(metadata: unknown, sentence: string): void {
  refuses(endArguments("x", { metadata }), sentence);
  assert.throws(() => parseStart(startArguments({ metadata })), refusal("invalid", sentence));
}

test("an end that keeps every rule becomes content", () => {
  const metadata = { exit_reason: "logout", exit_code: 130, signal: "INT", more: [1] };
  assert.deepEqual(parseEnd(endArguments("a-b", { event_type: "session_end", metadata, token: null })), {
    sessionId: "a-b",
    content: {
      timestamp: at("2026-02-06T13:34:56.789012Z"),
      reason: "logout",
      exitCode: 130,
      signal: "INT",
      metadata,
    },
  });
});

test("what the metadata of an end says in another type stays metadata alone", () => {
  const cases = [
    { exit_reason: 5, exit_code: "130", signal: 2 },
    { exit_reason: null, exit_code: 1.5, signal: null },
    { exit_reason: "half a character \ud83d", exit_code: 1e300, signal: "\udc00" },
  ];
  for (const metadata of cases) {
    const { timestamp, ...content } = parseEnd(endArguments("x", { metadata })).content;
    assert.deepEqual(content, { ...nothingSaid, metadata });
  }
});

test("a session id may be empty, long or strange, up to 255 characters", () => {
  for (const id of ["", "x".repeat(255), "😀".repeat(255), "a\0b\n", "'; --", " x "]) {
    assert.equal(parseEnd(endArguments(id)).sessionId, id);
  }
  refuses(endArguments("x".repeat(256)), "session_id: String should have at most 255 characters");
  for (const id of [null, 5, [], {}, true]) refuses(endArguments(id), "session_id: Input should be a valid string");
});

test("every broken rule of an end is told, in the order of the contract's table", () => {
  refuses({}, "session_id: Field required; timestamp: Field required");
  const sentences = [
    "session_id: Input should be a valid string",
    "Invalid ISO 8601 timestamp: T (expected format: 2026-02-06T12:34:56.789Z)",
    "Invalid event_type for SessionEndEvent: session_start",
    "metadata: Input should be a valid object",
    "pid: Unexpected argument",
  ];
  const input = { pid: 5, metadata: "x", event_type: "session_start", timestamp: "T", session_id: 5 };
  refuses(input, sentences.join("; "));
});

test("a timestamp is refused with what is missing in it", () => {
  const format = "expected format: 2026-02-06T12:34:56.789Z)";
  for (const text of ["", "2026-02-06", "2026-02-06 12:34:56Z", "2026-02-06t12:34:56Z", "1770381296"]) {
    const sentence = `Invalid ISO 8601 timestamp: ${text} (missing time component, ${format}`;
    refuses(endArguments("x", { timestamp: text }), sentence);
  }
  for (const text of ["2026-02-06T12:34:56", "T", "2026-02-30T12:34:56Z"]) {
    refuses(endArguments("x", { timestamp: text }), `Invalid ISO 8601 timestamp: ${text} (${format}`);
  }
});

test("metadata must be an object", () => {
  for (const value of ["x", 5, true, []]) refusesMetadata(value, "metadata: Input should be a valid object");
});

test("metadata may take 16 KiB when serialised, counted in bytes, and not one more", () => {
  const sentence = `metadata: Object should have at most ${maxMetadataBytes} bytes when serialised`;
  const room = maxMetadataBytes - bytesAroundText;
  const fitting = [{ a: "x".repeat(room) }, { a: "é".repeat(room / 2) }, { a: "\n".repeat(room / 2) }];
  for (const metadata of fitting) {
    assert.deepEqual(parsedMetadata(metadata), [metadata, metadata]);
    refusesMetadata({ a: `${metadata.a}x` }, sentence);
  }
});

test("numbers that JSON cannot hold are refused", () => {
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
    const sentence = "metadata: Numbers should be ones that a 64-bit float holds exactly; send others as strings";
    refusesMetadata({ a: [{ b: value }] }, sentence);
  }
});

test("metadata of any nesting that fits is taken, however deep", () => {
  const depth = (maxMetadataBytes - '{"a":}'.length) / 2;
  const metadata = JSON.parse(`{"a":${"[".repeat(depth)}${"]".repeat(depth)}}`);
  assert.doesNotThrow(() => parsedMetadata(metadata));
  const sentence = `metadata: Object should have at most ${maxMetadataBytes} bytes when serialised`;
  refusesMetadata({ a: [metadata.a] }, sentence);
});

test("keys that objects inherit are data like any other", () => {
  const text = '{"__proto__":{"polluted":true},"constructor":1,"toString":"x"}';
  for (const metadata of parsedMetadata(JSON.parse(text))) assert.equal(JSON.stringify(metadata), text);
  assert.ok(!("polluted" in {}));
});
