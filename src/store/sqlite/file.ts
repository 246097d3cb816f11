/**
 * Owns the file of the embedded store before anything is asked of it: its mode, its settings, its tables. For `store/`.
 *
 * Durability: an acknowledged start or end must survive a power cut, so `synchronous` is FULL. In WAL mode NORMAL
 * survives a crash of the process but may lose the last commits with the machine
 * (https://www.sqlite.org/pragma.html#pragma_synchronous); FULL adds one fsync a commit, which callers that wait
 * together share.
 */
import { closeSync, constants, fstatSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import { openRegularInPrivate } from "../../host/regular-file.ts";
import { SessionBuddyError } from "../../tracker/errors.ts";
import { isCurrent } from "./schema.ts";

/** https://www.sqlite.org/fileformat.html#the_database_header */
const headerBytes = 100;

/** Settles how the connection commits, and makes or migrates the tables. */
export async function prepareFile(database: DatabaseSync, path: string): Promise<void> {
  database.exec("PRAGMA synchronous = FULL");
  // 16 MiB of log, four times the default, before its pages are put in their places: under load most of them are written
  // again before that.
  database.exec("PRAGMA wal_autocheckpoint = 4000");
  if (isCurrent(database)) return;
  const { migrate, requireOurs } = await import("./migrations.ts");
  requireOurs(database, path);
  // Switching needs the file alone and stays with it; done before the transaction, where SQLite forbids it.
  database.exec("PRAGMA journal_mode = WAL; BEGIN IMMEDIATE");
  try {
    migrate(database, path);
    database.exec("COMMIT");
  } catch (error) {
    if (database.isTransaction) database.exec("ROLLBACK");
    throw error;
  }
}

/**
 * SQLite gives its other files the mode of the database, so the mode is settled before it is opened. It would also take
 * a file that is shorter than its own header for an empty database, and write over it.
 */
export function createPrivately(path: string): void {
  const descriptor = opened(path);
  try {
    const { size } = fstatSync(descriptor);
    if (size > 0 && size < headerBytes) throw Object.assign(new Error("shorter than its header"), { errcode: 26 });
  } finally {
    closeSync(descriptor);
  }
}

/** The folder is the user's alone, as the app has seen to. */
function opened(path: string): number {
  try {
    return openRegularInPrivate(path, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall !== undefined) throw error;
    throw new SessionBuddyError(
      "storage.unavailable",
      `the database ${path} cannot be opened: ${(error as Error).message}`,
    );
  }
}

/** Node's own file errors as SQLite would say them, so that one table has the words. */
export function fileErrorOf(error: unknown, path: string): unknown {
  if (!(error instanceof Error) || !("syscall" in error) || !("code" in error)) return error;
  const errcode = error.code === "ENOSPC" || error.code === "EDQUOT" ? 13 : 14;
  return Object.assign(new Error(`${path}: ${error.message}`, { cause: error }), { errcode });
}
