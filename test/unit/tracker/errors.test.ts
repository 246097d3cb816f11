/** Proves what each failure means outside the process: its exit status, and whether its sentence may leave. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  bugExitStatus,
  type ErrorCode,
  errorCodes,
  exitStatusOf,
  isPublicError,
  SessionBuddyError,
} from "../../../src/tracker/errors.ts";

const exitStatuses: Readonly<Record<ErrorCode, number>> = {
  usage: 2,
  invalid: 3,
  not_found: 1,
  "auth.missing": 4,
  "auth.expired": 4,
  "auth.invalid": 4,
  "auth.scope": 4,
  "auth.secret": 4,
  settings: 3,
  "storage.unavailable": 5,
  "storage.busy": 5,
  "storage.corrupt": 5,
  "storage.newer": 5,
  network: 5,
};
const publicCodes = ["usage", "invalid", "not_found", "auth.missing", "auth.expired", "auth.invalid", "auth.scope"];

test("every code has its exit status, and no other code exists", () => {
  assert.deepEqual(
    Object.fromEntries(errorCodes.map((code) => [code, exitStatusOf(new SessionBuddyError(code, ""))])),
    exitStatuses,
  );
});

test("only sentences about the caller's own doing may leave the process", () => {
  assert.deepEqual(
    errorCodes.filter((code) => isPublicError(new SessionBuddyError(code, ""))),
    publicCodes,
  );
});

test("what is not ours is a bug and stays inside", () => {
  for (const error of [new Error("x"), new TypeError("x"), "x", null, undefined, { code: "invalid" }]) {
    assert.equal(exitStatusOf(error), bugExitStatus);
    assert.equal(isPublicError(error), false);
  }
});

test("an error keeps its sentence, its detail and its cause apart", () => {
  const cause = new Error("inner");
  const error = new SessionBuddyError("storage.busy", "sentence", { cause, detail: "reason in full" });
  assert.deepEqual([error.message, error.detail, error.cause], ["sentence", "reason in full", cause]);
  assert.ok(error instanceof Error);
  assert.equal(new SessionBuddyError("usage", "sentence").detail, null);
});

test("an error of a second copy of the class is still ours", async () => {
  // The bundle loads the class once a file; a query makes the runtime do the same.
  const second = await import(`${new URL("../../../src/tracker/errors.ts", import.meta.url).href}?second`);
  assert.notEqual(second.SessionBuddyError, SessionBuddyError);
  const error = new second.SessionBuddyError("invalid", "x");
  assert.ok(error instanceof SessionBuddyError);
  assert.equal(exitStatusOf(error), 3);
});

test("an error of a class below is told from others", () => {
  class Below extends SessionBuddyError {}
  const [below, other] = [new Below("invalid", "x"), new SessionBuddyError("invalid", "x")];
  assert.ok(below instanceof Below && below instanceof SessionBuddyError);
  assert.ok(!(other instanceof Below));
});
