/** Owns the form of what an examination finds, and how errors become findings. */
import { SessionBuddyError } from "../tracker/errors.ts";

/** One thing that was looked at. */
export interface Finding {
  /** Stable name of the check, for programs. */
  readonly check: string;
  /** `note`: nothing is broken, but a person may want to know. */
  readonly level: "ok" | "note" | "problem";
  readonly words: string;
  /** What to do; null when there is nothing to do. */
  readonly remedy: string | null;
}

export function ok(check: string, words: string): Finding {
  return { check, level: "ok", words, remedy: null };
}

export function note(check: string, words: string, remedy: string | null): Finding {
  return { check, level: "note", words, remedy };
}

export function problem(check: string, words: string, remedy: string): Finding {
  return { check, level: "problem", words, remedy };
}

/** An error whose sentence says what to do, unless something better is known. */
export function failure(check: string, error: SessionBuddyError, remedy = "do what the message says"): Finding {
  return problem(check, error.message, remedy);
}

/** @returns what the work returns, or the error that it throws */
export function attempt<T>(work: () => T): T | SessionBuddyError {
  try {
    return work();
  } catch (error) {
    return ours(error);
  }
}

/** The same for work that takes its time. */
export function settled<T>(work: Promise<T>): Promise<T | SessionBuddyError> {
  return work.catch(ours);
}

/** What is not ours is a finding too; only here, where the whole task is to say what is wrong. */
export function ours(error: unknown): SessionBuddyError {
  if (error instanceof SessionBuddyError) return error;
  return new SessionBuddyError("storage.unavailable", error instanceof Error ? error.message : String(error));
}

const mostNames = 3;

/** @returns the first three of some names, and how many more there are */
export function listed(names: readonly string[]): string {
  const shown = names.slice(0, mostNames).join(", ");
  return names.length > mostNames ? `${shown} and ${names.length - mostNames} more` : shown;
}
