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
  requirePrivate(existing(path, purpose) ?? created(path, purpose), path, purpose);
}

/**
 * Looks at a folder without making it.
 *
 * @returns whether it exists
 * @throws SessionBuddyError `storage.unavailable` when it exists and is not private
 */
export function isPrivateFolder(path: string, purpose: string): boolean {
  const stats = existing(path, purpose);
  if (stats !== undefined) requirePrivate(stats, path, purpose);
  return stats !== undefined;
}

function requirePrivate(stats: Stats, path: string, purpose: string): void {
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
  const owner = foreignOwner(path);
  if (owner !== null) {
    throw refused(
      purpose,
      path,
      `would be root's in the home of user id ${owner}; run as that user, or set SESSION_BUDDY_HOME`,
    );
  }
  try {
    makeFolders(path);
    return statSync(path);
  } catch (error) {
    throw refused(purpose, path, `cannot be made: ${(error as Error).message}`, error);
  }
}

/** Root with the HOME of a user, as under `sudo -E`, would leave folders there that the user could not write to. */
function foreignOwner(path: string): number | null {
  if (process.geteuid?.() !== 0) return null;
  let parent = dirname(path);
  while (!existsSync(parent)) parent = dirname(parent);
  const { uid } = statSync(parent);
  return uid === 0 ? null : uid;
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
