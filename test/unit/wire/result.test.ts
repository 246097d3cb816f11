/** Proves the bare objects that clients get back, and that they say nothing about our insides (contract section 4). */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type ErrorCode, SessionBuddyError } from "../../../src/tracker/errors.ts";
import { ended, endFailed, notFound, startFailed, tracked } from "../../../src/wire/result.ts";

test("the answers to what went well are the contract's", () => {
  assert.deepEqual(tracked("a"), { session_id: "a", status: "tracked", error: null });
  assert.deepEqual(ended("a"), { session_id: "a", status: "ended", error: null });
  assert.deepEqual(notFound(""), { session_id: "", status: "not_found", error: null });
});

const failures: readonly (readonly [error: unknown, said: string, prefixed: boolean])[] = [
  [new SessionBuddyError("invalid", "pid: Field required"), "pid: Field required", true],
  ...(["auth.missing", "auth.expired", "auth.invalid", "auth.scope"] as const).map(
    (code: ErrorCode) =>
      [new SessionBuddyError(code, "❌ Authentication failed"), "❌ Authentication failed", false] as const,
  ),
  ...(["storage.unavailable", "storage.busy", "storage.corrupt", "storage.newer"] as const).map(
    (code: ErrorCode) =>
      [new SessionBuddyError(code, "the database /secret/path"), "storage unavailable", true] as const,
  ),
  [new Error("secret detail"), "internal error", true],
  ["secret detail", "internal error", true],
  [undefined, "internal error", true],
];
for (const [error, said, prefixed] of failures) {
  test(`the failure ${error} is said as: ${said}`, () => {
    const sentence = (verb: string) => (prefixed ? `Session ${verb} tracking failed: ${said}` : said);
    assert.deepEqual(startFailed(error), { session_id: null, status: "error", error: sentence("start") });
    assert.deepEqual(endFailed("a", error), { session_id: "a", status: "error", error: sentence("end") });
  });
}

test("a failed end has the id as it was sent, empty if that was no string", () => {
  assert.equal(endFailed("as sent\n", new Error("x")).session_id, "as sent\n");
  for (const id of [undefined, null, 5, {}, ["a"]]) assert.equal(endFailed(id, new Error("x")).session_id, "");
});
