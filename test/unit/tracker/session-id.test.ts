/** Proves which ids a start may get, and in which order they are tried (contract section 4). */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { componentNameIn, sessionIdCandidates } from "../../../src/tracker/session-id.ts";
import { anyStart } from "../../support/arbitraries.ts";
import { at, startEvent } from "../../support/store/session-events.ts";

const eventId = "6ba7b810-9dad-41d1-80b4-00c04fd430c8";
const digits = "6ba7b8109dad41d180b400c04fd430c8";

function candidates(timestamp: string): string[] {
  return [...sessionIdCandidates(startEvent({ timestamp: at(timestamp) }, { eventId }))];
}

test("the first id is the component and the second in UTC", () => {
  assert.equal(candidates("2026-02-06T12:34:56.789012+00:00")[0], "mahavishnu-20260206-123456");
  assert.equal(candidates("2025-12-31T23:30:00.9-01:00")[0], "mahavishnu-20260101-003000");
  assert.equal(candidates("0001-02-03T04:05:06Z")[0], "mahavishnu-00010203-040506");
});

test("the ids after it add 4, 8, 12 and more hex digits of the event id, up to all of them", () => {
  const [base, ...others] = candidates("2026-02-06T12:34:56Z");
  const expected = [4, 8, 12, 16, 20, 24, 28, 32].map((length) => `${base}-${digits.slice(0, length)}`);
  assert.deepEqual(others, expected);
});

test("the component is found in every id that a session may get", () => {
  // Names that look like ids themselves.
  const name = fc.stringMatching(/^[a-c0-9-]{1,4}(-20260206-123456)?(-6ba7)?$/);
  fc.assert(
    fc.property(anyStart, name, (start, componentName) => {
      for (const id of sessionIdCandidates({ ...start, content: { ...start.content, componentName } })) {
        assert.equal(componentNameIn(id), componentName);
      }
    }),
  );
});

test("in what is no session id no component is found", () => {
  const base = "a-20260206-123456";
  for (const text of ["", "a", base.slice(1), `${base}-`, `${base}-6ba`, `${base} `, `${base}-6BA7`, `\n${base}`]) {
    assert.equal(componentNameIn(text), null, JSON.stringify(text));
  }
});
