/** Proves that timestamps name moments that exist, and that instants keep what was sent (contract section 3). */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  formatInstant,
  type Instant,
  instantFromMs,
  instantFromSeconds,
  instantToMs,
  parseTimestamp,
} from "../../../src/tracker/instant.ts";

const accepted: readonly (readonly [text: string, instant: string])[] = [
  ["2026-02-06T12:34:56Z", "2026-02-06T12:34:56.000000000Z"],
  ["2026-02-06T12:34:56.789012+00:00", "2026-02-06T12:34:56.789012000Z"],
  ["2026-02-06T12:34:56.7Z", "2026-02-06T12:34:56.700000000Z"],
  ["2026-02-06T12:34:56.123456789-00:00", "2026-02-06T12:34:56.123456789Z"],
  ["2026-02-06T00:30:00+01:00", "2026-02-05T23:30:00.000000000Z"],
  ["2025-12-31T23:30:00.5-01:00", "2026-01-01T00:30:00.500000000Z"],
  ["2026-01-01T00:15:00+05:45", "2025-12-31T18:30:00.000000000Z"],
  ["2024-02-29T23:59:59.999999999+23:59", "2024-02-29T00:00:59.999999999Z"],
  ["2000-02-29T00:00:00Z", "2000-02-29T00:00:00.000000000Z"],
  ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000000000Z"],
  ["9999-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59.999999999Z"],
];
for (const [text, instant] of accepted) {
  test(`${text} is ${instant}`, () => {
    assert.equal(parseTimestamp(text), instant);
  });
}

const refused = [
  "",
  "T",
  "2026-02-06",
  "2026-02-06T12:34:56", // no zone
  "2026-02-06T12:34Z",
  "2026-02-06 12:34:56Z",
  "2026-02-06t12:34:56Z",
  "2026-02-06T12:34:56z",
  "2026-2-06T12:34:56Z",
  "2026-02-06T12:34:56.Z",
  "2026-02-06T12:34:56,5Z",
  "2026-02-06T12:34:56.1234567890Z", // ten digits
  "2026-02-06T12:34:56+0100",
  "2026-02-06T12:34:56+01",
  "2026-02-06T12:34:56 +01:00",
  "2026-02-06T12:34:56+24:00",
  "2026-02-06T12:34:56+01:60",
  "2026-02-06T12:34:56+99:99",
  "2026-02-06T12:34:67Z",
  "2026-02-06T12:34:60Z", // a leap second
  "2026-02-06T12:60:00Z",
  "2026-02-06T24:00:00Z",
  "2026-02-06T25:00:00Z",
  "2026-13-01T00:00:00Z",
  "2026-00-01T00:00:00Z",
  "2026-01-00T00:00:00Z",
  "2026-01-32T00:00:00Z",
  "2026-04-31T00:00:00Z",
  "2026-02-29T00:00:00Z",
  "1900-02-29T00:00:00Z",
  "0000-01-01T00:00:00Z",
  "0001-01-01T00:00:00+00:01", // before year 1 in UTC
  "9999-12-31T23:59:59-00:01", // after year 9999 in UTC
  "+02026-02-06T12:34:56Z",
  "12026-02-06T12:34:56Z",
  " 2026-02-06T12:34:56Z",
  "2026-02-06T12:34:56Z\n",
  "２026-02-06T12:34:56Z",
];
for (const text of refused) {
  test(`${JSON.stringify(text)} is no timestamp`, () => {
    assert.equal(parseTimestamp(text), null);
  });
}

test("milliseconds become an instant, their fraction kept as nanoseconds", () => {
  assert.equal(instantFromMs(0), "1970-01-01T00:00:00.000000000Z");
  assert.equal(instantFromMs(1_770_381_296_789.25), "2026-02-06T12:34:56.789250000Z");
  assert.equal(instantFromMs(-0.5), "1969-12-31T23:59:59.999500000Z");
  // A fraction that would round up to the next millisecond must not grow a digit.
  assert.equal(instantFromMs(0.999_999_9), "1970-01-01T00:00:00.000999999Z");
});

test("an instant becomes milliseconds, rounded down on both sides of 1970", () => {
  assert.equal(instantToMs("1970-01-01T00:00:00.001999999Z" as Instant), 1);
  assert.equal(instantToMs("1969-12-31T23:59:59.999999999Z" as Instant), -1);
  assert.equal(instantToMs("9999-12-31T23:59:59.999999999Z" as Instant), 253_402_300_799_999);
});

test("seconds are read exactly, whatever the locale's point", () => {
  assert.equal(instantFromSeconds("1770381296.789012"), "2026-02-06T12:34:56.789012000Z");
  assert.equal(instantFromSeconds("1770381296,123456789"), "2026-02-06T12:34:56.123456789Z");
  assert.equal(instantFromSeconds("0"), "1970-01-01T00:00:00.000000000Z");
  assert.equal(instantFromSeconds("253402300799.999999999"), "9999-12-31T23:59:59.999999999Z");
});

for (const text of [
  "",
  "-1",
  "+1",
  "1.",
  ".5",
  "1.1234567890",
  "1e9",
  "253402300800",
  "999999999999",
  "1 ",
  "1\n",
  "0x1",
]) {
  test(`${JSON.stringify(text)} are no seconds`, () => {
    assert.equal(instantFromSeconds(text), null);
  });
}

const formatted: readonly (readonly [fraction: string, printed: string])[] = [
  ["000000000", "Z"],
  ["700000000", ".700Z"],
  ["789012000", ".789012Z"],
  ["123456789", ".123456789Z"],
  ["000000001", ".000000001Z"],
  ["000001000", ".000001Z"],
];
for (const [fraction, printed] of formatted) {
  test(`the fraction ${fraction} is printed as ${printed}`, () => {
    assert.equal(formatInstant(`2026-02-06T12:34:56.${fraction}Z` as Instant), `2026-02-06T12:34:56${printed}`);
  });
}
