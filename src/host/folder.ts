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
    mkdirSync(path, { recursive: true, mode: privateMode });
    return statSync(path);
  } catch (error) {
    throw refused(purpose, path, `cannot be made: ${(reasonOf(error, path) as Error).message}`, error);
  }
}

/** Of a read-only disk Node says ENOENT when it makes several folders at once; made alone, the first one tells why. */
function reasonOf(error: unknown, path: string): unknown {
  let first = path;
  while (!existsSync(dirname(first))) first = dirname(first);
  try {
    mkdirSync(first, { mode: privateMode });
    return error;
  } catch (reason) {
    return reason;
  }
}

function refused(purpose: string, path: string, words: string, cause?: unknown): SessionBuddyError {
  return new SessionBuddyError("storage.unavailable", `the ${purpose} ${path} ${words}`, { cause });
}
