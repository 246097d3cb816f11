/** Checks that something is refused with one of our errors: its code and its sentence. */
import assert from "node:assert/strict";
import { type ErrorCode, SessionBuddyError } from "../../src/tracker/errors.ts";

/** @returns a check for `assert.throws` and `assert.rejects`. */
export function refusal(code: ErrorCode, sentence: RegExp | string): (error: unknown) => true {
  return (error) => {
    assert.ok(error instanceof SessionBuddyError, `not one of our errors: ${error}`);
    assert.equal(error.code, code, error.message);
    if (typeof sentence === "string") assert.equal(error.message, sentence);
    else assert.match(error.message, sentence);
    return true;
  };
}

/**
 * @returns whether the work was refused with one of our errors, which has a sentence; false when it was done
 * @throws whatever else it threw
 */
export function refusedInWords(code: ErrorCode, work: () => void): boolean {
  try {
    work();
    return false;
  } catch (error) {
    if (error instanceof SessionBuddyError && error.code === code && error.message !== "") return true;
    throw error;
  }
}
