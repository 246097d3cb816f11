/** Owns what SQLite's result codes mean to a person. */
import { type ErrorCode, SessionBuddyError } from "../../tracker/errors.ts";

/** The damaged file is kept for repair either way. */
const wayBack =
  "put a backup in its place with 'session-buddy restore FILE', or move it away to start a new record, and keep it for repair";

// Primary result codes, https://www.sqlite.org/rescode.html
const meanings: ReadonlyMap<number, readonly [ErrorCode, string]> = new Map([
  [3, ["storage.unavailable", "is not accessible; check the owner and mode of the file and its folder"]],
  [5, ["storage.busy", "is locked by another process; try again when it is done"]],
  [6, ["storage.busy", "is locked by another process; try again when it is done"]],
  [8, ["storage.unavailable", "cannot be written; check the owner and mode of the file and its folder"]],
  [10, ["storage.unavailable", "could not be read or written; see whether the disk is full or failing"]],
  [11, ["storage.corrupt", `is damaged; ${wayBack}`]],
  [13, ["storage.unavailable", "cannot grow because the disk is full; free some space and try again"]],
  [14, ["storage.unavailable", "cannot be opened; check the owner and mode of the file and its folder"]],
  [26, ["storage.corrupt", `is not a database; ${wayBack}`]],
]);

const primaryCodeMask = 0xff;

/** Whether the error only says that another process holds the lock right now. */
export function isBusy(error: unknown): boolean {
  return meanings.get(primaryCode(error))?.[0] === "storage.busy";
}

/** Whether the error says that the file is damaged, or no database at all. */
export function isNotReadable(error: unknown): boolean {
  return meanings.get(primaryCode(error))?.[0] === "storage.corrupt";
}

/** @returns our error for one of SQLite's; ours pass through, and what is neither is returned as it is. */
export function translate(error: unknown, path: string): unknown {
  if (error instanceof SessionBuddyError || !isSqliteError(error)) return error;
  const [code, words] = meanings.get(primaryCode(error)) ?? ["storage.unavailable", `failed: ${error.message}`];
  return new SessionBuddyError(code, `the database ${path} ${words}`, { cause: error, detail: error.message });
}

interface SqliteError extends Error {
  readonly errcode: number;
}

function isSqliteError(error: unknown): error is SqliteError {
  return error instanceof Error && "errcode" in error && typeof error.errcode === "number";
}

function primaryCode(error: unknown): number {
  return isSqliteError(error) ? error.errcode & primaryCodeMask : -1;
}
