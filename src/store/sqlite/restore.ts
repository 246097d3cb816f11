/**
 * Owns putting a backup in the place of the database while other processes run.
 *
 * SQLite finds the log of a database (`-wal`) by its name, and the log of one database spoils another. So the log must be
 * empty of what is not in the file, and gone, whenever another file takes the name, also when this process is killed
 * between two steps; and nobody may open the new file while the old log is still beside it.
 */
import { closeSync, fsyncSync, linkSync, lstatSync, openSync, renameSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { follow } from "../../host/trusted-path.ts";
import { syncFolder } from "../../host/whole-file.ts";
import { SessionBuddyError } from "../../tracker/errors.ts";
import { copyTo } from "./backup.ts";
import { type BackupContent, contentOf, onBackup } from "./backup-content.ts";
import { retryWhileBusy } from "./busy.ts";
import { isNotReadable, translate } from "./errors.ts";
import { fileErrorOf, prepareFile } from "./file.ts";
import { requireRecord } from "./migrations.ts";
import { OpenedFile } from "./opened-file.ts";

export interface RestoreOptions {
  /** The backup. It stays as it is. */
  readonly file: string;
  /** The database, whose folder exists and is private. */
  readonly path: string;
  /** Part of the name under which what was there is kept, for example a time. */
  readonly mark: string;
  /** How long to wait for other processes that use the database, in milliseconds; default 10 000. */
  readonly busyTimeoutMs?: number;
  readonly onProgress: (done: number, total: number) => void;
}

const defaultBusyTimeoutMs = 10_000;
const blockingWaitMs = 25;
const logSuffixes = ["-wal", "-shm"];

/**
 * Puts a copy of a backup in the place of the database. What was there is kept beside it; processes that have it open
 * notice before their next answer.
 *
 * @returns what was restored, and where what was there is kept; null when nothing was there
 * @throws SessionBuddyError as {@link contentOf}; the database is then as it was
 */
export async function restoreBackup(
  options: RestoreOptions,
): Promise<BackupContent & { readonly kept: string | null }> {
  const { file, path, mark, onProgress } = options;
  const target = targetOf(path);
  const fresh = `${target}.restoring-${mark}`;
  try {
    await onBackup(file, path, (database) => {
      requireRecord(database, file);
      return copyTo(fresh, database, onProgress).catch((error) => {
        throw isNotReadable(error) ? error : translate(fileErrorOf(error, path), path);
      });
    });
    const content = await onFile(fresh, async (database) => contentOf(database, file));
    await makeReady(fresh);
    return { ...content, kept: await putInPlace(fresh, target, options) };
  } catch (error) {
    throw translate(fileErrorOf(error, path), path);
  } finally {
    for (const suffix of ["", ...logSuffixes]) rmSync(`${fresh}${suffix}`, { force: true });
  }
}

/** A link that is there stays one. */
function targetOf(path: string): string {
  const { path: target, issue } = follow(path);
  if (issue === null) return target;
  throw new SessionBuddyError("storage.unavailable", `the database ${path} ${issue.words}; ${issue.remedy}`);
}

async function onFile<T>(path: string, work: (database: DatabaseSync) => Promise<T>): Promise<T> {
  const database = new DatabaseSync(path, { timeout: blockingWaitMs });
  try {
    return await work(database);
  } finally {
    database.close();
  }
}

/** Brings an older backup to today's tables, while it can still be refused, and all of it on the disk. */
async function makeReady(fresh: string): Promise<void> {
  await onFile(fresh, async (database) => {
    await prepareFile(database, fresh, () => {});
    database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  });
  const descriptor = openSync(fresh, "r+");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** @returns where what was there is kept; null when nothing was there */
async function putInPlace(fresh: string, target: string, options: RestoreOptions): Promise<string | null> {
  // Whoever opens it by its new name waits until the old log is gone.
  const guard = new DatabaseSync(fresh, { timeout: blockingWaitMs });
  try {
    guard.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
    const kept = `${target}.before-restore-${options.mark}`;
    const isKept = await replace(fresh, target, kept, options.busyTimeoutMs ?? defaultBusyTimeoutMs);
    syncFolder(dirname(target));
    return isKept ? kept : null;
  } finally {
    guard.close();
  }
}

async function replace(fresh: string, target: string, kept: string, busyTimeoutMs: number): Promise<boolean> {
  if (!isThere(target)) {
    keepLog(target, kept);
    if (isLinked(fresh, target)) {
      removeLog(target);
      return false;
    }
  }
  const writer = await lockedForWriting(target, busyTimeoutMs);
  try {
    if (writer === null || !(await isLogEmptied(target, busyTimeoutMs))) keepLog(target, kept);
    linkSync(target, kept);
    // All of it is in the file, so that it is whole without it. Its index stays while somebody may open the old file: in
    // it is the lock that keeps that one from writing.
    rmSync(`${target}-wal`, { force: true });
    syncFolder(dirname(target));
    renameSync(fresh, target);
    removeLog(target);
  } finally {
    writer?.close();
  }
  return true;
}

/** Unlike a rename, a link does not take the place of a file. @returns false when another process has made one meanwhile */
function isLinked(fresh: string, target: string): boolean {
  try {
    linkSync(fresh, target);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    return false;
  }
}

/** @returns a connection that keeps all others from writing; null when it is no database that anybody could write to */
async function lockedForWriting(target: string, busyTimeoutMs: number): Promise<DatabaseSync | null> {
  const file = new OpenedFile(target);
  try {
    await retryWhileBusy(() => file.database.exec("BEGIN IMMEDIATE"), busyTimeoutMs);
    file.requireAtPath();
    return file.database;
  } catch (error) {
    file.database.close();
    if (isNotReadable(error)) return null;
    throw error;
  }
}

/**
 * Brings all that is in the log into the file, while nobody writes. Whoever still reads an older state is waited for.
 *
 * @returns false when the file is too damaged for it
 */
async function isLogEmptied(target: string, busyTimeoutMs: number): Promise<boolean> {
  const database = new DatabaseSync(target, { timeout: blockingWaitMs });
  try {
    await retryWhileBusy(() => {
      const row = database.prepare("PRAGMA wal_checkpoint(PASSIVE)").get();
      if (row?.busy !== 0 || row.log !== row.checkpointed) throw Object.assign(new Error("it is read"), { errcode: 5 });
    }, busyTimeoutMs);
    return true;
  } catch (error) {
    if (isNotReadable(error)) return false;
    throw error;
  } finally {
    database.close();
  }
}

/** The log of a file that cannot be read, or is gone, is kept as it is, where there is something in it. */
function keepLog(target: string, kept: string): void {
  if (!lstatSync(`${target}-wal`, { throwIfNoEntry: false })?.size) return;
  renameSync(`${target}-wal`, `${kept}-wal`);
  syncFolder(dirname(target));
}

function removeLog(target: string): void {
  for (const suffix of logSuffixes) rmSync(`${target}${suffix}`, { force: true });
}

function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}
