/** Proves with any text or bytes that state files, cursors, timestamps and JSON are read as written, or refused in words. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseStateFile } from "../../src/capture/state-file.ts";
import { canonicalJson, type Json, parseJson } from "../../src/tracker/canonical.ts";
import { formatInstant, instantFromSeconds, parseTimestamp } from "../../src/tracker/instant.ts";
import { parseCursor, toCursor } from "../../src/wire/cursor.ts";
import { anyText } from "../support/arbitraries.ts";
import { fuzzed, inputCount } from "../support/fuzz/fuzz.ts";
import { refusedInWords } from "../support/refusals.ts";
import { recordBytes } from "../support/shells/state-files.ts";
import { at } from "../support/store/session-events.ts";

const edit = fc.record({ at: fc.nat(), drop: fc.nat(3), insert: anyText });

/** A text with some changes in places of its own. */
function nearly(right: string): fc.Arbitrary<string> {
  return fc.array(edit, { maxLength: 2 }).map((edits) =>
    edits.reduce((text, { at: place, drop, insert }) => {
      const from = place % (text.length + 1);
      return text.slice(0, from) + insert + text.slice(from + drop);
    }, right),
  );
}

const wholeFile = Buffer.concat([
  recordBytes("start/1", {
    id: "6ba7b810-9dad-41d1-80b4-00c04fd430c8",
    pid: "5",
    cwd: Buffer.from([0x2f, 0xff]),
    time: "1.5",
  }),
  recordBytes("session/1", { id: "shell-20260206-123456" }),
  recordBytes("end/1", { code: "1", time: "2" }),
]);
const anyBytes = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes));
const piece = fc.constantFrom(
  "\0",
  "\0start/1\0",
  "\0end/1\0",
  "\0session/1\0",
  "\0.\0",
  "=",
  "id=",
  "\0=\0",
  "__proto__=x\0",
  "x".repeat(300),
);
const stateFile = fc.oneof(
  fc
    .tuple(
      fc.nat(),
      fc.nat(9),
      fc.oneof(
        anyBytes,
        piece.map((text) => Buffer.from(text)),
      ),
    )
    .map(([place, drop, insert]) => {
      const from = place % (wholeFile.length + 1);
      return Buffer.concat([wholeFile.subarray(0, from), insert, wholeFile.subarray(from + drop)]);
    }),
  fc
    .array(
      fc.oneof(
        anyBytes,
        piece.map((text) => Buffer.from(text)),
      ),
      { maxLength: 8 },
    )
    .map((all) => Buffer.concat(all)),
);

test(`${inputCount} state files`, (t) => {
  const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
  fuzzed(t, stateFile, (bytes) => {
    refusedInWords("invalid", () => {
      const file = parseStateFile(bytes, "/state/x");
      assert.match(file.eventId, uuid);
      const records = [file.start, file.end].flatMap((record) => [...(record?.fields ?? [])]);
      for (const text of [...records.flat(), file.sessionId ?? ""])
        assert.ok(text.isWellFormed() && !text.includes("\0"));
    });
  });
});

const position = { startedAt: at("2026-02-06T12:34:56.789Z"), sessionId: "shell-20260206-123456" };

test(`${inputCount} cursors`, (t) => {
  const cursor = toCursor(position);
  let taken = 0;
  fuzzed(
    t,
    fc.oneof(nearly(cursor), nearly(`${position.startedAt} ${position.sessionId}`).map(btoaOf), anyText),
    (text) => {
      refusedInWords("invalid", () => {
        assert.equal(toCursor(parseCursor(text)), text);
        taken += 1;
      });
    },
  );
  assert.ok(taken > 0, "none was taken");
});

function btoaOf(text: string): string {
  return Buffer.from(text).toString("base64url");
}

const digits = (length: number) => fc.stringMatching(new RegExp(`^\\d{${length}}$`));
const moment = fc
  .tuple(
    digits(4),
    fc.nat(13),
    fc.nat(32),
    fc.nat(25),
    fc.nat(61),
    fc.nat(61),
    fc.stringMatching(/^(\.\d{0,10})?$/),
    zone(),
  )
  .map(([year, month, day, hour, minute, second, fraction, offset]) => {
    const two = (value: number) => String(value).padStart(2, "0");
    return `${year}-${two(month)}-${two(day)}T${two(hour)}:${two(minute)}:${two(second)}${fraction}${offset}`;
  });

function zone() {
  return fc.oneof(
    fc.constantFrom("Z", "+00:00", "-00:00", "z", "", "+24:00", "+23:59", "-23:60"),
    fc.stringMatching(/^[+-]\d\d:\d\d$/),
  );
}

test(`${inputCount} timestamps`, (t) => {
  fuzzed(t, fc.oneof(moment, nearly("2026-02-06T12:34:56.789012+01:00")), (text) => {
    const instant = parseTimestamp(text);
    if (instant === null) return;
    assert.match(instant, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/);
    assert.equal(parseTimestamp(formatInstant(instant)), instant);
    // A day that is not there would become one of the next month.
    assert.equal(new Date(`${text.slice(0, 19)}Z`).toISOString().slice(0, 19), text.slice(0, 19));
    // Date reads milliseconds, and is laxer than the contract.
    assert.equal(Date.parse(`${instant.slice(0, 23)}Z`), Date.parse(text.replace(/(\.\d{3})\d+/, "$1")), text);
  });
});

test(`${inputCount} times of a state file`, (t) => {
  fuzzed(t, fc.oneof(nearly("1770381296.789012"), fc.stringMatching(/^\d{1,14}([.,]\d{0,10})?$/)), (text) => {
    const instant = instantFromSeconds(text);
    if (instant === null) return;
    assert.equal(Date.parse(`${instant.slice(0, 19)}Z`), Math.floor(Number(text.replace(",", "."))) * 1_000, text);
  });
});

/** JSON as other programs write it: any character may be an escape, and white space stands anywhere. */
function written(value: Json, escaped: (character: string) => boolean): string {
  if (typeof value === "string") {
    return `"${[...Array(value.length).keys()].map((at) => escapedUnit(value, at, escaped)).join("")}"`;
  }
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  if (Array.isArray(value)) return `[ ${value.map((item) => written(item, escaped)).join(" ,\n")}]`;
  const fields = Object.entries(value).map(([key, item]) => `${written(key, escaped)}\t: ${written(item, escaped)}`);
  return `{${fields.join(",")} }`;
}

function escapedUnit(text: string, at: number, escaped: (character: string) => boolean): string {
  const unit = text[at] ?? "";
  if (unit < " " || unit === '"' || unit === "\\" || escaped(unit))
    return `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return unit;
}

const key = fc.oneof(
  fc.constantFrom("a", "a\\", "a\n", "\uE000", "\uE0000061", "__proto__", "constructor", '"', ":", ""),
  anyText,
);
const tree = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 2, withCrossShrink: true },
    fc.oneof(
      anyText,
      key,
      fc.constantFrom(null, true, 0, 1e308, -1.5),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
    ),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.array(fc.tuple(key, tie("value")), { maxLength: 3 }).map((fields) => Object.fromEntries(fields)),
  ),
})).value;

test(`${inputCount} values as JSON`, (t) => {
  fuzzed(t, fc.tuple(tree, fc.constantFrom("", "a", "all")), ([value, which]) => {
    const read = parseJson(written(value, (unit) => which === "all" || unit === which));
    assert.equal(canonicalJson(read), canonicalJson(value));
    assert.equal(canonicalJson(parseJson(canonicalJson(value))), canonicalJson(value));
  });
});

/**
 * V8 makes a script of each text that JSON.parse refuses, and keeps 8 bytes of it in a list that it makes smaller from
 * time to time; each text is refused twice here.
 */
const refusedTextBytes = 16;

test(`${inputCount} texts that may be JSON`, (t) => {
  const texts = fc.oneof(nearly('{"a\\n":["\\u0061",{"b\\\\":1e5,"\uE000":null}],"":true}'), anyText);
  const check = (text: string) => {
    const isJson = isRead(JSON.parse, text);
    assert.equal(isRead(parseJson, text), isJson);
    if (isJson) canonicalJson(parseJson(canonicalJson(parseJson(text))));
  };
  fuzzed(t, texts, check, refusedTextBytes);
});

function isRead(read: (text: string) => unknown, text: string): boolean {
  try {
    read(text);
    return true;
  } catch (error) {
    assert.ok(error instanceof SyntaxError, String(error));
    return false;
  }
}
