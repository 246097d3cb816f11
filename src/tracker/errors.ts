/** Owns the closed set of failures and what each means outside the process; every room may import it. */

/**
 * Why an operation failed.
 *
 * - `usage`: the command line is wrong
 * - `invalid`: data from outside breaks a rule of the contract
 * - `not_found`: nothing on record matches
 * - `auth.missing`, `auth.expired`, `auth.invalid`: the gate refused a caller
 * - `auth.scope`: the token is good, and does not allow what was asked
 * - `auth.secret`: there is no secret or key for the purpose, or a configured one cannot be used
 * - `settings`: the settings file cannot be read or written
 * - `storage.unavailable`: the store cannot be opened, read or written
 * - `storage.busy`: another process held the store for longer than the deadline
 * - `storage.corrupt`: the store's file is damaged or is not ours
 * - `storage.newer`: the store was written by a newer version
 * - `network`: an address cannot be served
 */
export type ErrorCode = keyof typeof errorTable;

interface ErrorMeaning {
  /** Exit status of the command line (`src/README.md` section 6). */
  readonly exitStatus: number;
  /** Whether the sentence may be sent to a remote caller; otherwise it goes to the log only. */
  readonly isPublic: boolean;
}

const errorTable = {
  usage: { exitStatus: 2, isPublic: true },
  invalid: { exitStatus: 3, isPublic: true },
  not_found: { exitStatus: 1, isPublic: true },
  "auth.missing": { exitStatus: 4, isPublic: true },
  "auth.expired": { exitStatus: 4, isPublic: true },
  "auth.invalid": { exitStatus: 4, isPublic: true },
  "auth.scope": { exitStatus: 4, isPublic: true },
  "auth.secret": { exitStatus: 4, isPublic: false },
  settings: { exitStatus: 3, isPublic: false },
  "storage.unavailable": { exitStatus: 5, isPublic: false },
  "storage.busy": { exitStatus: 5, isPublic: false },
  "storage.corrupt": { exitStatus: 5, isPublic: false },
  "storage.newer": { exitStatus: 5, isPublic: false },
  network: { exitStatus: 5, isPublic: false },
} as const satisfies Record<string, ErrorMeaning>;

/** Exit status for a failure nobody foresaw (`EX_SOFTWARE` of sysexits.h). */
export const bugExitStatus = 70;

/** Every error code, in the order of the table; the documentation test reads it. */
export const errorCodes: readonly ErrorCode[] = Object.keys(errorTable) as ErrorCode[];

// The commands are bundled apart from the command table, so one class may be loaded twice; the mark is shared.
const mark = Symbol.for("session-buddy.error");

/** The one error class of the program: a code, a sentence for a person, and what goes to the log alone. */
export class SessionBuddyError extends Error {
  override readonly name = "SessionBuddyError";
  readonly code: ErrorCode;
  /** The reason in full; written to the log, never sent to a caller. */
  readonly detail: string | null;
  readonly [mark] = true;

  constructor(code: ErrorCode, message: string, options: { cause?: unknown; detail?: string } = {}) {
    super(message, { cause: options.cause });
    this.code = code;
    this.detail = options.detail ?? null;
  }

  /** A class below this one has only its own. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    // biome-ignore lint/complexity/noThisInStatic: it is inherited, and `this` tells for whom it is asked.
    if (this !== SessionBuddyError) return Function.prototype[Symbol.hasInstance].call(this, value);
    return typeof value === "object" && value !== null && mark in value;
  }
}

/** @returns the exit status for `error`; {@link bugExitStatus} for anything that is not ours. */
export function exitStatusOf(error: unknown): number {
  return error instanceof SessionBuddyError ? errorTable[error.code].exitStatus : bugExitStatus;
}

/** @returns whether the error's own sentence may be sent to a remote caller. */
export function isPublicError(error: unknown): error is SessionBuddyError {
  return error instanceof SessionBuddyError && errorTable[error.code].isPublic;
}
