/** Proves for any arguments that the parser takes them or refuses them in words, and that it keeps what it takes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { canonicalJson, type Json } from "../../src/tracker/canonical.ts";
import { SessionBuddyError } from "../../src/tracker/errors.ts";
import { formatInstant } from "../../src/tracker/instant.ts";
import { hostTextRules } from "../../src/tracker/limits.ts";
import { parseEnd, parseStart } from "../../src/wire/parse-event.ts";
import { anyCodePoint, anyStart } from "../support/arbitraries.ts";
import { endArguments, startArguments } from "../support/events.ts";

const anything = fc.oneof(fc.jsonValue({ stringUnit: anyCodePoint }), fc.anything(), fc.string());

/** Arguments that are right but for a few fields. */
function nearly(right: Record<string, unknown>): fc.Arbitrary<unknown> {
  const name = fc.oneof(fc.constantFrom(...Object.keys(right), "metadata", "event_type", "token"), fc.string());
  return fc.dictionary(name, anything, { maxKeys: 3 }).map((changes) => ({ ...right, ...changes }));
}

test("whatever is sent is taken or refused with a sentence of ours", () => {
  const inputs = fc.oneof(anything, nearly(startArguments()), nearly(endArguments("x")));
  fc.assert(
    fc.property(inputs, (input) => {
      for (const parse of [parseStart, parseEnd]) {
        try {
          parse(input);
        } catch (error) {
          assert.ok(error instanceof SessionBuddyError && error.code === "invalid", String(error));
          assert.notEqual(error.message, "");
        }
      }
    }),
    { numRuns: 500 },
  );
});

test("a start that is sent as it was recorded gives the same content", () => {
  fc.assert(
    fc.property(anyStart, ({ eventId, content }) => {
      const { username, home, pythonVersion, platform, cwd, environmentExtra } = content;
      const known = { python_version: pythonVersion, platform, cwd };
      const input = {
        event_version: "1.0",
        event_id: eventId,
        component_name: content.componentName,
        shell_type: content.shellType,
        timestamp: formatInstant(content.timestamp),
        pid: content.pid,
        user: { username, home },
        hostname: content.hostname,
        environment: Object.fromEntries([...Object.entries(environmentExtra), ...Object.entries(known)]),
        metadata: content.metadata,
      };
      const parsed = parseStart(JSON.parse(JSON.stringify(input)), hostTextRules);
      assert.equal(canonicalJson(parsed as unknown as Json), canonicalJson({ eventId, content } as unknown as Json));
    }),
    { numRuns: 200 },
  );
});
