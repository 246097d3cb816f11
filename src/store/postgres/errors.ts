/** Owns what PostgreSQL's error codes and a lost connection mean: to a person, and to whoever may try again. */
import { type ErrorCode, SessionBuddyError } from "../../tracker/errors.ts";

// https://www.postgresql.org/docs/current/errcodes-appendix.html
/** The transaction lost against another, and may win the next time; 40003 does not say whether it was committed. */
const conflicts: ReadonlySet<string> = new Set(["40001", "40P01", "40003"]);
/** The server goes or comes; or it is a standby that is being promoted (25006: it takes no writes yet). */
const passing: ReadonlySet<string> = new Set(["57P01", "57P02", "57P03", "25006", "53300"]);
/** Of Node.js, when a connection cannot be made or is lost. */
const network: ReadonlySet<string> = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOENT",
  "EAI_AGAIN",
]);
/** Several that migrate at once: what one makes, another finds. */
const migrationConflicts: ReadonlySet<string> = new Set(["23505", "42P06", "42P07", "42710", "40001", "40P01"]);

const meanings: ReadonlyMap<string, readonly [ErrorCode, string]> = new Map([
  [
    "28P01",
    ["storage.unavailable", "refuses the password; see the setting 'store_password_file', PGPASSWORD and ~/.pgpass"],
  ],
  ["28000", ["storage.unavailable", "refuses the user; see its pg_hba.conf"]],
  ["3D000", ["storage.unavailable", "does not exist; create it with 'createdb'"]],
  [
    "42501",
    [
      "storage.unavailable",
      "may not be used by this role; grant it the tables, or let a role that may make them open the record once",
    ],
  ],
  ["53100", ["storage.unavailable", "cannot grow because its disk is full; free some space and try again"]],
  ["55P03", ["storage.busy", "is locked by another program; try again when it is done"]],
  ["57014", ["storage.busy", "did not answer in time; try again"]],
]);

/** @returns PostgreSQL's code (SQLSTATE) or Node.js's; an empty text for any other error */
export function codeOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" ? code : "";
}

/** Whether the transaction was taken back, and may be run again at once. */
export function isConflict(error: unknown): boolean {
  return conflicts.has(codeOf(error));
}

/** Whether the server was not there, or went away: what was asked may be asked again in a moment. */
export function isConnectionLost(error: unknown): boolean {
  const code = codeOf(error);
  if (code.startsWith("08") || passing.has(code) || network.has(code)) return true;
  // The driver's own, which have no code.
  return (
    error instanceof Error &&
    code === "" &&
    /^(?:Connection terminated|timeout exceeded when trying to connect|Query read timeout|Client (?:has encountered|was closed))/.test(
      error.message,
    )
  );
}

/** Runs a migration again while others run the same one. */
export async function retryMigration(action: () => Promise<void>): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await action();
    } catch (error) {
      if (!migrationConflicts.has(codeOf(error)) || tries === mostMigrationTries) throw error;
      await pause(1 + Math.random() * longestPauseMs);
    }
  }
}

const mostMigrationTries = 20;
const longestPauseMs = 100;

export const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * @param place - what to call the database in a message: its address, without user and password
 * @returns our error for one of PostgreSQL's or the network's; ours pass through, and what is neither is returned as it is
 */
export function translate(error: unknown, place: string): unknown {
  if (error instanceof SessionBuddyError || !(error instanceof Error)) return error;
  const details = { cause: error, detail: error.message };
  const meaning = meanings.get(codeOf(error));
  if (meaning !== undefined) return new SessionBuddyError(meaning[0], `the database ${place} ${meaning[1]}`, details);
  if (isConflict(error)) {
    return new SessionBuddyError("storage.busy", `the database ${place} is busy; try again`, details);
  }
  if (isConnectionLost(error)) {
    const words = "cannot be reached; see whether it runs, and the setting 'store'";
    return new SessionBuddyError("storage.unavailable", `the database ${place} ${words}`, details);
  }
  if (!isOfServer(error)) return error;
  return new SessionBuddyError("storage.unavailable", `the database ${place} failed: ${error.message}`, details);
}

/** Whether PostgreSQL says it: its errors have a severity. */
export function isOfServer(error: unknown): error is Error {
  return error instanceof Error && "severity" in error;
}
