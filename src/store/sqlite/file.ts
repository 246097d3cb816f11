/**
 * Owns the file of the embedded store before anything is asked of it: its mode, its settings, its tables. For `store/`.
 *
 * Durability: an acknowledged start or end must survive a power cut, so `synchronous` is FULL. In WAL mode NORMAL
 * survives a crash of the process but may lose the last commits with the machine
 * (https://www.sqlite.org/pragma.html#pragma_synchronous); FULL adds one fsync a commit, which callers that wait
 * together share.
 */
import { accessSync, closeSync, constants } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import { lookAtRegularInPrivate, openRegularInPrivate } from "../../host/regular-file.ts";
import { SessionBuddyError } from "../../tracker/errors.ts";
import { isCurrent } from "./schema.ts";

/** https://www.sqlite.org/fileformat.html#the_database_header */
const headerBytes = 100;

/**
 * Settles how the connection commits, and makes or migrates the tables.
 *
 * @param requireInPlace - throws when another file is at the path than the one that was opened. SQLite finds the log of a
 *   database by its name, when it first needs it: where both were replaced meanwhile, it has the log of another database,
 *   and must not write to it.
 */
export async function prepareFile(database: DatabaseSync, path: string, requireInPlace: () => void): Promise<void> {
  database.exec("PRAGMA synchronous = FULL");
  // 16 MiB of log, four times the default, before its pages are put in their places: under load most of them are written
  // again before that.
  database.exec("PRAGMA wal_autocheckpoint = 4000");
  if (isCurrent(database)) return;
  const { migrate, requireOurs } = await import("./migrations.ts");
  requireOurs(database, path);
  requireInPlace();
  // Switching needs the file alone and stays with it; done before the transaction, where SQLite forbids it.
  database.exec("PRAGMA journal_mode = WAL");
  // A read opens the log, which must be the one of this file before it is written to.
  isCurrent(database);
  requireInPlace();
  database.exec("BEGIN IMMEDIATE");
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
 *
 * A file that is there is looked at, not opened: a process that closes a file gives up the locks that it has on it by
 * another descriptor (fcntl(2)).
 */
export function createPrivately(path: string): void {
  const size = refusing(path, () => lookAtRegularInPrivate(path)?.size ?? null);
  if (size === null) {
    // The folder is the user's alone, as the app has seen to.
    closeSync(
      refusing(path, () => openRegularInPrivate(path, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT)),
    );
    return;
  }
  accessSync(path, constants.W_OK);
  if (size > 0 && size < headerBytes) throw Object.assign(new Error("shorter than its header"), { errcode: 26 });
}

function refusing<T>(path: string, action: () => T): T {
  try {
    return action();
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
