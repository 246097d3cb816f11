/** Proves that a cursor brings its position back exactly, and that no other text is one. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseCursor, toCursor } from "../../src/wire/cursor.ts";
import { anyInstant, anyText } from "../support/arbitraries.ts";

const position = fc.record(
  {
    startedAt: anyInstant,
    sessionId: fc.stringMatching(/^[a-zA-Z0-9_-]{1,100}-\d{8}-\d{6}(-[0-9a-f]{4})?$/),
  },
  { noNullPrototype: true },
);
const alphabet = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"];

function assertRefused(text: string): void {
  assert.throws(() => parseCursor(text), { code: "invalid" });
}

test("a cursor is made of letters, digits, - and _ alone, and brings its position back", () => {
  fc.assert(
    fc.property(position, (one) => {
      const cursor = toCursor(one);
      assert.match(cursor, /^[\w-]+$/);
      assert.deepEqual(parseCursor(cursor), one);
    }),
  );
});

test("a cursor of which a character was changed, added or removed is refused", () => {
  const edit = fc.record({
    at: fc.nat(),
    drop: fc.nat(1),
    insert: fc.oneof(fc.constantFrom("", ...alphabet), anyText),
  });
  fc.assert(
    fc.property(position, edit, (one, { at, drop, insert }) => {
      const cursor = toCursor(one);
      const start = at % (cursor.length + 1);
      const altered = cursor.slice(0, start) + insert + cursor.slice(start + drop);
      if (altered !== cursor) assertRefused(altered);
    }),
    { numRuns: 2_000 },
  );
});

test("a position that was put together by hand, without its checksum or with another, is refused", () => {
  fc.assert(
    fc.property(position, fc.stringMatching(/^( [0-9a-f]{8})?$/), ({ startedAt, sessionId }, checksum) => {
      assertRefused(Buffer.from(`${startedAt} ${sessionId}${checksum}`).toString("base64url"));
    }),
  );
});

test("any other text is refused", () => {
  fc.assert(fc.property(anyText, assertRefused));
});
