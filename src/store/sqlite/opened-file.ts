/** Owns the database file as it was opened, and whether it is still the one at its path. For `store/`. */
import { type BigIntStats, realpathSync, statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { SessionBuddyError } from "../../tracker/errors.ts";
import { retryWhileBusy } from "./busy.ts";
import { translate } from "./errors.ts";
import { createPrivately, fileErrorOf, prepareFile } from "./file.ts";

/** How long SQLite itself may wait; it blocks the thread, so the longer waiting is done between tries. */
const blockingWaitMs = 25;
/** Replaced so often while it is being opened or written to, the file is given up. */
export const mostReplacements = 10;

export interface FileOptions {
  /** The database file, created with mode 0600. */
  readonly path: string;
  /** How long to wait for another process's lock, in milliseconds; 0 or more. */
  readonly busyTimeoutMs: number;
  /** Makes sure, each time before another file is opened at the path, that its folder is there and private. */
  readonly prepareFolder: () => void;
  /** Told each time when another file was at the path, and that one is used from here on. */
  readonly onReplaced: () => void;
}

/**
 * Opens the file that is at the path, creating or migrating it.
 *
 * @throws SessionBuddyError `storage.unavailable`, `storage.busy`, `storage.corrupt` or `storage.newer`
 */
export async function openFile(options: FileOptions): Promise<OpenedFile> {
  for (let tries = 0; tries < mostReplacements; tries += 1) {
    const opened = await tryToOpen(options);
    if (opened !== null) return opened;
  }
  throw replacedTooOften(options.path);
}

/** What is said when something else replaces the file as fast as it is opened. */
export function replacedTooOften(path: string): SessionBuddyError {
  return new SessionBuddyError(
    "storage.unavailable",
    `the database ${path} is replaced again and again; see which program does that`,
  );
}

/** @returns null when the file was replaced meanwhile */
async function tryToOpen({ path, busyTimeoutMs }: FileOptions): Promise<OpenedFile | null> {
  let opened: OpenedFile | undefined;
  try {
    createPrivately(path);
    const file = new OpenedFile(path);
    opened = file;
    await retryWhileBusy(() => prepareFile(file.database, path, () => file.requireAtPath()), busyTimeoutMs);
    file.rememberLog();
    return file;
  } catch (error) {
    opened?.database.close();
    // Whatever went wrong then says nothing about the file that is there now.
    if (opened !== undefined && !opened.isAtPath()) return null;
    throw translate(fileErrorOf(error, path), path);
  }
}

export class OpenedFile {
  readonly database: DatabaseSync;
  readonly #path: string;
  readonly #identity: FileIdentity | null;
  /** SQLite takes it from beside the file that a link leads to. */
  #logPath = "";
  #logIdentity: FileIdentity | null = null;

  constructor(path: string, options: { readonly readOnly?: boolean } = {}) {
    this.#path = path;
    this.#identity = identityOf(path);
    this.database = new DatabaseSync(path, { timeout: blockingWaitMs, ...options });
  }

  /** The log is there from the first read until the last connection of all processes is closed. */
  rememberLog(): void {
    this.#logPath = `${realpathSync(this.#path)}-wal`;
    this.#logIdentity = identityOf(this.#logPath);
    this.requireAtPath();
  }

  /** Whether the file is the one at the path. */
  isAtPath(): boolean {
    return this.#identity !== null && isSame(identityOf(this.#path), this.#identity);
  }

  /** Whether the file and its log are those at the path: what is written to others is lost. */
  isInPlace(): boolean {
    return this.isAtPath() && isSame(identityOf(this.#logPath), this.#logIdentity);
  }

  /** @throws when the file is not the one at the path, before anything is written to it */
  requireAtPath(): void {
    if (this.isAtPath()) return;
    throw new SessionBuddyError("storage.unavailable", `the database ${this.#path} was replaced meanwhile; try again`);
  }

  /** Closes a file that is not in place. Where its log alone was removed, what is in it is brought into the file first. */
  abandon(): void {
    const isLogRemoved = this.isAtPath() && identityOf(this.#logPath) === null;
    try {
      if (isLogRemoved) this.database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    } catch {
      // Another process has the file too, and does the same when it notices.
    }
    this.database.close();
  }
}

/** Device and number of a file. Such numbers do not fit a `number` on every file system. */
type FileIdentity = Pick<BigIntStats, "dev" | "ino">;

// Every commit looks four times, so that neither these nor a text of the numbers are made each time.
const lookOptions = { bigint: true, throwIfNoEntry: false } as const;

/** @returns what is at the path, links followed; null when nothing is there, or it may not be looked at */
function identityOf(path: string): FileIdentity | null {
  try {
    return statSync(path, lookOptions) ?? null;
  } catch {
    return null;
  }
}

function isSame(a: FileIdentity | null, b: FileIdentity | null): boolean {
  return a === null || b === null ? a === b : a.ino === b.ino && a.dev === b.dev;
}

/**
 * @returns device, number and birth of a file, links followed: numbers of removed files are used again
 * @throws when nothing is there
 */
export function nameOfFile(path: string): string {
  const { dev, ino, birthtimeNs } = statSync(path, { bigint: true });
  return [dev, ino, birthtimeNs].map((part) => part.toString(36)).join("-");
}
