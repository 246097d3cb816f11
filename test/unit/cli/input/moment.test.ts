/** Proves which moments and lengths of time the command line understands, in a zone with summer time. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatLength, parseAgeMs, parseMoment } from "../../../../src/cli/input/moment.ts";
import { formatInstant } from "../../../../src/tracker/instant.ts";

process.env.TZ = "Europe/Berlin";

/** A Sunday in summer time, two hours ahead of UTC. */
const now = Date.parse("2026-06-14T10:30:00Z");

const understood: readonly (readonly [text: string, meaning: string])[] = [
  ["2026-02-06T12:34:56Z", "2026-02-06T12:34:56Z"],
  ["2026-02-06T12:34:56.789012+05:30", "2026-02-06T07:04:56.789012Z"],
  ["2026-02-06 12:34:56Z", "2026-02-06T12:34:56Z"],
  ["2026-02-06T12:34:56", "2026-02-06T11:34:56Z"],
  ["2026-02-06 12:34:56.25", "2026-02-06T11:34:56.250Z"],
  ["2026-02-06 12:34", "2026-02-06T11:34:00Z"],
  ["2026-07-06 12:34", "2026-07-06T10:34:00Z"],
  ["2026-02-06", "2026-02-05T23:00:00Z"],
  ["2024-02-29", "2024-02-28T23:00:00Z"],
  ["now", "2026-06-14T10:30:00Z"],
  ["90s", "2026-06-14T10:28:30Z"],
  ["30m", "2026-06-14T10:00:00Z"],
  ["2h", "2026-06-14T08:30:00Z"],
  ["3d", "2026-06-11T10:30:00Z"],
  ["2w", "2026-05-31T10:30:00Z"],
  ["0h", "2026-06-14T10:30:00Z"],
  ["today", "2026-06-13T22:00:00Z"],
  ["yesterday", "2026-06-12T22:00:00Z"],
  ["yesterday 14:00", "2026-06-13T12:00:00Z"],
  ["today 08:15:30", "2026-06-14T06:15:30Z"],
  ["14:00", "2026-06-14T12:00:00Z"],
  ["00:00", "2026-06-13T22:00:00Z"],
  // The clock skips 02:00 to 03:00 on this day, and shows 02:00 to 03:00 twice on that one.
  ["2026-03-29 02:30", "2026-03-29T01:30:00Z"],
  ["2026-10-25 02:30", "2026-10-25T00:30:00Z"],
];

for (const [text, meaning] of understood) {
  test(`'${text}' is ${meaning}`, () => {
    assert.equal(formatInstant(parseMoment(text, now)), meaning);
  });
}

test("today and yesterday are days of the calendar, also where a day has 25 hours", () => {
  const afterTheChange = Date.parse("2026-10-25T22:30:00Z");
  assert.equal(formatInstant(parseMoment("today", afterTheChange)), "2026-10-24T22:00:00Z");
  assert.equal(formatInstant(parseMoment("yesterday", afterTheChange)), "2026-10-23T22:00:00Z");
  assert.equal(formatInstant(parseMoment("24h", afterTheChange)), "2026-10-24T22:30:00Z");
});

const refused = ["", "2", "h", "2y", "-2h", "2 h", "tomorrow", "25:00", "12:60", "12:00:60", "1:00", "2026-2-6"];
const absent = ["2026-02-30", "2025-02-29", "2026-13-01", "0000-01-01", "2026-02-06T24:00:00Z", "yesterday 2h", "2026"];

for (const text of [...refused, ...absent, "2026-02-06T12:34:56+25:00", "99999999d", "9999999w"]) {
  test(`'${text}' is refused as a wrong command line`, () => {
    assert.throws(() => parseMoment(text, now), { code: "usage", message: /is not a time; write / });
  });
}

test("whatever the text, a moment is an instant of the years 1 to 9999 or refused", () => {
  const parts = fc.constantFrom(
    "2026-02-06",
    "9999-12-31",
    "0001-01-01",
    "T",
    " ",
    "23:59",
    "00:00",
    "Z",
    "9",
    "d",
    "w",
  );
  fc.assert(
    fc.property(fc.array(parts, { maxLength: 5 }), (words) => {
      try {
        assert.match(parseMoment(words.join(""), now), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/);
      } catch (error) {
        assert.equal((error as { code?: string }).code, "usage");
      }
    }),
  );
});

test("a length of time is a number and a unit", () => {
  assert.deepEqual(["400d", "1w", "0s"].map(parseAgeMs), [34_560_000_000, 604_800_000, 0]);
  for (const text of ["", "400", "d", "1.5d", "-1d", "1 d"]) {
    assert.throws(() => parseAgeMs(text), { code: "usage", message: /is not a length of time/ });
  }
});

test("a length is shown in its two largest units, without those that are zero", () => {
  const shown = [0, 999, 1_000, 61_000, 3_600_000, 3_605_000, 3_900_000, 90_000_000, 86_400_000 * 400].map(
    formatLength,
  );
  assert.deepEqual(shown, ["0ms", "999ms", "1s", "1m 1s", "1h", "1h", "1h 5m", "1d 1h", "400d"]);
});
