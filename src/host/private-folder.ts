/** Owns the private folders: made 0700, refused when others could look in or put files there. */
import { existsSync, mkdirSync, type Stats } from "node:fs";
import { dirname } from "node:path";
import { SessionBuddyError } from "../tracker/errors.ts";
import { follow, type PathIssue, type Place, shellWord } from "./trusted-path.ts";
import { syncFolder } from "./whole-file.ts";

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
  if (stats !== null) requirePrivate(stats, path, purpose);
  return stats !== null;
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
    throw refused(purpose, path, `is open to other users (mode ${mode}); close it with: chmod 700 ${shellWord(path)}`);
  }
}

function existing(path: string, purpose: string): Stats | null {
  const place = looked(path, purpose);
  if (place.issue !== null) throw refused(purpose, path, wordsOfHome(place.issue));
  return place.stats;
}

/** Says what to do where folders are looked for in a home that is another user's, as they are under `sudo -E`. */
export function wordsOfHome({ isForeign, words, remedy }: PathIssue): string {
  if (!isForeign) return `${words}; ${remedy}`;
  return process.geteuid?.() === 0
    ? `${words}; run as that user, or with root's own home (sudo -H or sudo -i), or set SESSION_BUDDY_HOME`
    : `${words}; set SESSION_BUDDY_HOME to a folder of your own`;
}

function looked(path: string, purpose: string): Place {
  try {
    return follow(path);
  } catch (error) {
    throw refused(purpose, path, `cannot be looked at: ${(error as Error).message}`, error);
  }
}

function created(path: string, purpose: string): Stats {
  try {
    makeFolders(path);
  } catch (error) {
    throw refused(purpose, path, `cannot be made: ${(error as Error).message}`, error);
  }
  const stats = existing(path, purpose);
  if (stats === null) throw refused(purpose, path, "cannot be made: it is a link to nowhere");
  return stats;
}

/**
 * Makes a folder (mode 0700) and those above it that are missing; they are on the disk when this returns. One at a time,
 * because Node's way of making several never ends below a folder that takes none, such as /proc, and blames a missing
 * folder for a read-only disk.
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
  syncQuietly(dirname(path));
}

/** A folder that its user may write to but not read cannot be synced. */
function syncQuietly(folder: string): void {
  try {
    syncFolder(folder);
  } catch {
    // What was made in it is there; after a power cut it may be missing, and is made again.
  }
}

function refused(purpose: string, path: string, words: string, cause?: unknown): SessionBuddyError {
  return new SessionBuddyError("storage.unavailable", `the ${purpose} ${path} ${words}`, { cause });
}
