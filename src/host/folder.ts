/** Owns the private folders: made 0700, refused when others could look in or put files there. For `app.ts` alone. */
import { existsSync, mkdirSync, type Stats, statSync } from "node:fs";
import { dirname } from "node:path";
import { SessionBuddyError } from "../tracker/errors.ts";

const privateMode = 0o700;
const othersBits = 0o077;

/**
 * Makes sure that a folder exists, is ours and is open to nobody else.
 *
 * @param purpose - what the folder is for, as a person would say it: `data folder`
 * @throws SessionBuddyError `storage.unavailable` with what to do
 */
export function ensurePrivateFolder(path: string, purpose: string): void {
  const stats = existing(path, purpose) ?? created(path, purpose);
  if (!stats.isDirectory()) throw refused(purpose, path, "is not a folder; move it away");
  const uid = process.geteuid?.();
  if (uid !== undefined && stats.uid !== uid) {
    throw refused(
      purpose,
      path,
      `belongs to user id ${stats.uid}, not to ${uid}; run as its owner, or set SESSION_BUDDY_HOME`,
    );
  }
  if ((stats.mode & othersBits) !== 0) {
    const mode = (stats.mode & 0o777).toString(8).padStart(4, "0");
    throw refused(purpose, path, `is open to other users (mode ${mode}); close it with: chmod 700 '${path}'`);
  }
}

function existing(path: string, purpose: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    throw refused(purpose, path, `cannot be looked at: ${(error as Error).message}`, error);
  }
}

function created(path: string, purpose: string): Stats {
  try {
    makeFolders(path);
    return statSync(path);
  } catch (error) {
    throw refused(purpose, path, `cannot be made: ${(error as Error).message}`, error);
  }
}

/**
 * Makes a folder (mode 0700) and those above it that are missing. One at a time, because Node's way of making several
 * never ends below a folder that takes none, such as /proc, and blames a missing folder for a read-only disk.
 *
 * @throws the file system's error
 */
export function makeFolders(path: string): void {
  if (existsSync(path)) return;
  makeFolders(dirname(path));
  try {
    mkdirSync(path, { mode: privateMode });
  } catch (error) {
    // Another process may have been first.
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}

function refused(purpose: string, path: string, words: string, cause?: unknown): SessionBuddyError {
  return new SessionBuddyError("storage.unavailable", `the ${purpose} ${path} ${words}`, { cause });
}
