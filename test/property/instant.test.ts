/** Proves for any moment that instants lose nothing and sort as text like in time. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  formatInstant,
  instantFromMs,
  instantFromSeconds,
  instantToMs,
  parseTimestamp,
} from "../../src/tracker/instant.ts";
import { anyInstant } from "../support/arbitraries.ts";

const msPerMinute = 60_000;
/** Far enough from both ends of the calendar for any offset. */
const innerMs = fc.integer({ min: Date.parse("0002-01-01T00:00:00Z"), max: Date.parse("9998-12-31T00:00:00Z") });

test("what is printed is read back as the same instant", () => {
  fc.assert(fc.property(anyInstant, (instant) => assert.equal(parseTimestamp(formatInstant(instant)), instant)));
});

test("every instant has 30 characters, and text order is the order of time", () => {
  fc.assert(
    fc.property(anyInstant, anyInstant, (a, b) => {
      assert.deepEqual([a.length, b.length], [30, 30]);
      const [aMs, bMs] = [instantToMs(a), instantToMs(b)];
      if (aMs !== bMs) assert.equal(a < b, aMs < bMs);
      else assert.equal(a < b, a.slice(23) < b.slice(23));
    }),
  );
});

test("a time in any zone is the moment that Date says", () => {
  fc.assert(
    fc.property(
      innerMs,
      fc.integer({ min: -1439, max: 1439 }),
      fc.stringMatching(/^\d{0,6}$/),
      (ms, minutes, digits) => {
        const local = new Date(ms + minutes * msPerMinute).toISOString().slice(0, 23);
        const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
        const zone = `${minutes < 0 ? "-" : "+"}${String(hours).padStart(2, "0")}:${String(rest).padStart(2, "0")}`;
        const instant = parseTimestamp(`${local}${digits}${zone}`);
        assert.equal(instant, `${new Date(ms).toISOString().slice(0, 23)}${digits.padEnd(6, "0")}Z`);
      },
    ),
  );
});

test("milliseconds become an instant and are the same again", () => {
  fc.assert(fc.property(innerMs, (ms) => assert.equal(instantToMs(instantFromMs(ms)), ms)));
});

test("seconds and milliseconds of one moment give one instant", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 253_402_300_799_999 }), (ms) => {
      const seconds = `${Math.floor(ms / 1000)}.${String(ms % 1000).padStart(3, "0")}`;
      assert.equal(instantFromSeconds(seconds), instantFromMs(ms));
    }),
  );
});

test("a text is refused or is an instant, never anything between", () => {
  const nearlyTimestamp = fc.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,10})?(Z|[+-]\d\d:\d\d)$/);
  fc.assert(
    fc.property(fc.oneof(fc.string(), nearlyTimestamp), (text) => {
      const instant = parseTimestamp(text);
      if (instant !== null) assert.match(instant, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/);
    }),
  );
});
