/** Owns looking into a backup, whatever file that is: whether it is a whole record, and what it holds. */
import { existsSync, statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import { SessionBuddyError } from "../../tracker/errors.ts";
import { isNotReadable, translate } from "./errors.ts";
import { requireRecord } from "./migrations.ts";

/** What a backup holds. */
export interface BackupContent {
  readonly sessions: number;
  /** How many of them are open. */
  readonly open: number;
  readonly events: number;
}

/**
 * Looks whether a file is a whole record that this program can use.
 *
 * @throws SessionBuddyError `usage` when there is none, or it is the database itself; `storage.*` when it is no such record
 */
export function examineBackup(file: string, path: string): Promise<BackupContent> {
  return onBackup(file, path, async (database) => contentOf(database, file));
}

/**
 * Runs work on a backup as it is at one moment.
 *
 * @throws SessionBuddyError as {@link examineBackup}; other errors of the work pass through
 */
export async function onBackup<T>(
  file: string,
  path: string,
  work: (database: DatabaseSync) => Promise<T>,
): Promise<T> {
  requireOther(file, path);
  try {
    const database = new DatabaseSync(addressOf(file), { readOnly: true });
    try {
      database.exec("BEGIN");
      return await work(database);
    } finally {
      database.close();
    }
  } catch (error) {
    throw translate(ofBackup(error, file), file);
  }
}

function requireOther(file: string, path: string): void {
  const [stats, own] = [file, path].map((name) => statSync(name, { throwIfNoEntry: false }));
  if (stats === undefined) throw new SessionBuddyError("usage", `there is no file ${file}`);
  // Opening a FIFO would wait for ever.
  if (!stats.isFile()) throw new SessionBuddyError("usage", `${file} is not a regular file`);
  if (stats.dev === own?.dev && stats.ino === own.ino) {
    throw new SessionBuddyError("usage", `${file} is the database itself; name a backup of it`);
  }
}

/** Without a log, nothing writes to it, and SQLite need not put one beside it, where it may not be allowed to. */
function addressOf(file: string): URL {
  const address = pathToFileURL(file);
  if (!existsSync(`${file}-wal`)) address.searchParams.set("immutable", "1");
  return address;
}

/** @throws SessionBuddyError `storage.*` when it is no whole record that can be used */
export function contentOf(database: DatabaseSync, file: string): BackupContent {
  try {
    return countsOf(database, file);
  } catch (error) {
    throw ofBackup(error, file);
  }
}

/** What is said of a damaged database is not for a damaged backup. */
function ofBackup(error: unknown, file: string): unknown {
  if (error instanceof SessionBuddyError || !isNotReadable(error)) return error;
  return new SessionBuddyError("storage.corrupt", `${file} is damaged, or not a database`, { cause: error });
}

function countsOf(database: DatabaseSync, file: string): BackupContent {
  requireRecord(database, file);
  const problem = database.prepare("PRAGMA integrity_check(1)").get()?.integrity_check;
  if (problem !== "ok") throw new SessionBuddyError("storage.corrupt", `${file} is damaged: ${problem}`);
  const count = (sql: string) => Number(database.prepare(sql).get()?.n);
  return {
    sessions: count("SELECT count(*) AS n FROM sessions"),
    open: count("SELECT count(*) AS n FROM sessions WHERE state = 'active'"),
    events: count("SELECT count(*) AS n FROM events"),
  };
}
