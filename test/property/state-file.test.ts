/** Proves for any bytes that a state file is read or refused, never a crash, and that records are read as written. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseStateFile } from "../../src/capture/state-file.ts";
import { SessionBuddyError } from "../../src/tracker/errors.ts";
import { anyCodePoint } from "../support/arbitraries.ts";
import { recordBytes } from "../support/shells/state-files.ts";

const anyBytes = fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes));
const pieces = ["\0", "start/1", "end/1", "session/1", ".", "id=", "pid=5", "=", "\0start/1\0", "\0.\0"];
const nearlyStateFile = fc
  .array(
    fc.oneof(
      anyBytes,
      fc.constantFrom(...pieces).map((text) => Buffer.from(text)),
    ),
    { maxLength: 12 },
  )
  .map((parts) => Buffer.concat(parts));

/** Neither keys nor values hold a NUL byte, and a key holds no `=`: a shell cannot write such. */
const key = fc.stringMatching(/^[a-z_]{1,8}$/);
const value = fc.string({ unit: anyCodePoint, maxLength: 20 }).map((text) => text.replaceAll("\0", ""));
const fields = fc.dictionary(key, value, { noNullPrototype: true });

test("any bytes are read or refused as no state file", () => {
  fc.assert(
    fc.property(fc.oneof(anyBytes, nearlyStateFile), (bytes) => {
      try {
        const file = parseStateFile(bytes, "/state/x");
        assert.match(file.eventId, /^[0-9a-f-]{36}$/);
        assert.deepEqual(parseStateFile(bytes, "/state/x"), file);
      } catch (error) {
        assert.ok(error instanceof SessionBuddyError && error.code === "invalid", String(error));
      }
    }),
    { numRuns: 1_000 },
  );
});

test("every record is read as it was written, also after one that was cut off anywhere", () => {
  fc.assert(
    fc.property(fields, fields, fc.nat(), (start, end, position) => {
      const written = recordBytes("start/1", start);
      const whole = parseStateFile(Buffer.concat([written, recordBytes("end/1", end)]), "/state/x");
      assert.deepEqual([...(whole.start?.fields ?? [])], Object.entries(start));
      const cut = written.subarray(0, position % written.length);
      const torn = parseStateFile(Buffer.concat([cut, recordBytes("end/1", end)]), "/state/x");
      assert.deepEqual([...(torn.end?.fields ?? [])], Object.entries(end));
      assert.equal(torn.end?.isTorn, false);
      for (const [name, text] of torn.start?.fields ?? []) assert.equal(text, start[name]);
    }),
    { numRuns: 300 },
  );
});
