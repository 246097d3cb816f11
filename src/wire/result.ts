/** Owns the bare objects and error sentences that clients get back (contract section 4). Part of the pure core. */
import { type ErrorCode, isPublicError, SessionBuddyError } from "../tracker/errors.ts";

export interface StartResult {
  readonly session_id: string | null;
  readonly status: "tracked" | "error";
  readonly error: string | null;
}

export interface EndResult {
  readonly session_id: string;
  readonly status: "ended" | "not_found" | "error";
  readonly error: string | null;
}

export function tracked(sessionId: string): StartResult {
  return { session_id: sessionId, status: "tracked", error: null };
}

export function ended(sessionId: string): EndResult {
  return { session_id: sessionId, status: "ended", error: null };
}

export function notFound(sessionId: string): EndResult {
  return { session_id: sessionId, status: "not_found", error: null };
}

/** @returns the contract's answer to a start that failed */
export function startFailed(error: unknown): StartResult {
  return { session_id: null, status: "error", error: sentence("Session start tracking failed", error) };
}

/** @param sessionId - the id as it was sent, of whatever type */
export function endFailed(sessionId: unknown, error: unknown): EndResult {
  const id = typeof sessionId === "string" ? sessionId : "";
  return { session_id: id, status: "error", error: sentence("Session end tracking failed", error) };
}

/** Why an answer is an error; the wire has the sentence alone, and a sentence is nothing to decide by. */
export type FailureCode = ErrorCode | "internal";

/** An answer, and why it is an error; null when it is none. Entrances send the answer alone. */
export interface Answered<Answer> {
  readonly answer: Answer;
  readonly failure: FailureCode | null;
}

/** @returns what is decided by where an error may be anything */
export function failureCodeOf(error: unknown): FailureCode {
  return error instanceof SessionBuddyError ? error.code : "internal";
}

/** What may be said to whoever asked a question that failed. */
export function questionError(error: unknown): string {
  return isPublicError(error) ? error.message : internalWords(error);
}

/** What may be said to a caller: our public sentences, else only which part of us failed. */
function sentence(prefix: string, error: unknown): string {
  if (!isPublicError(error)) {
    return `${prefix}: ${internalWords(error)}`;
  }
  if (error.code.startsWith("auth.")) return error.message;
  return `${prefix}: ${error.message}`;
}

function internalWords(error: unknown): string {
  return error instanceof SessionBuddyError ? "storage unavailable" : "internal error";
}
