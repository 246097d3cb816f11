/** Owns the file by which a user of this machine proves who it is: made in a folder that all may write to, read once, removed. */
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readSync,
  rmdirSync,
  rmSync,
  type Stats,
  statSync,
} from "node:fs";
import { opendir } from "node:fs/promises";
import { join } from "node:path";

/** What begins with it is a login and no shell's file. */
export const loginPrefix = "login.";
/** A name that nobody guesses: 256 random bits in base64url. */
const loginName = /^login\.[A-Za-z0-9_-]{43}$/;
/** SHA-256 in hex, and a line end if any. */
const hashPattern = /^[0-9a-f]{64}\n?$/;
const hashBytes = 64;
/** Between making the file and being asked about it. */
export const freshForMs = 60_000;
const othersMayWrite = 0o022;
const setgid = 0o2000;

/** Whose file it was, and what was in it. */
export interface LoginFile {
  readonly uid: number;
  /** SHA-256 of the secret, in hex. */
  readonly hash: string;
}

/** Why a file proves nothing; `uid` is null where nobody's file was found. */
export interface LoginFileRefusal {
  readonly uid: number | null;
  readonly reason: string;
}

/**
 * Reads such a file and removes it, whatever becomes of it, so that each is good for one try.
 *
 * @param name - as it was sent
 * @param nowMs - milliseconds since the epoch
 */
export function takeLoginFile(folder: string, name: string, nowMs: number): LoginFile | LoginFileRefusal {
  if (!loginName.test(name)) return { uid: null, reason: "it is not the name of a login" };
  const path = join(folder, name);
  try {
    return read(path, statSync(folder), nowMs);
  } catch (error) {
    return { uid: null, reason: `it cannot be opened: ${(error as NodeJS.ErrnoException).code ?? "unknown"}` };
  } finally {
    remove(path);
  }
}

function read(path: string, folder: Stats, nowMs: number): LoginFile | LoginFileRefusal {
  // Neither a link is followed nor a FIFO waited for.
  const descriptor = openSync(
    path,
    constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY,
  );
  try {
    const stats = fstatSync(descriptor);
    const { uid } = stats;
    const reason = issueOf(stats, folder, nowMs);
    if (reason !== null) return { uid, reason };
    const buffer = Buffer.alloc(hashBytes + 2);
    const text = buffer.toString("latin1", 0, readSync(descriptor, buffer, 0, buffer.length, 0));
    if (!hashPattern.test(text)) return { uid, reason: "it does not hold a hash" };
    return { uid, hash: text.slice(0, hashBytes) };
  } finally {
    closeSync(descriptor);
  }
}

function issueOf(stats: Stats, folder: Stats, nowMs: number): string | null {
  if (!stats.isFile()) return "it is not a regular file";
  if (stats.nlink !== 1) return "it has another name";
  if ((stats.mode & othersMayWrite) !== 0) return "others may write to it";
  // What was made in a folder with this bit has the folder's group; what was moved here from elsewhere has its own.
  if ((folder.mode & setgid) !== 0 && stats.gid !== folder.gid) return "it was not made there";
  if (stats.size > hashBytes + 1) return "it is too large";
  // The time of the last change is the kernel's; no user can set it.
  const ageMs = nowMs - stats.ctimeMs;
  return ageMs > freshForMs || ageMs < -freshForMs ? "it was not made just now" : null;
}

/** Whatever it is, only not a folder that is not empty. */
function remove(path: string): void {
  try {
    if (statOf(path)?.isDirectory()) rmdirSync(path);
    else rmSync(path, { force: true });
  } catch {
    // It proves nothing, and is in nobody's way.
  }
}

/** Removes logins that nobody took up. Never throws. */
export async function removeOldLogins(folder: string, nowMs: number): Promise<void> {
  try {
    for await (const { name } of await opendir(folder)) {
      if (!name.startsWith(loginPrefix)) continue;
      const path = join(folder, name);
      const age = nowMs - (statOf(path)?.ctimeMs ?? nowMs);
      if (age > freshForMs) remove(path);
    }
  } catch {
    // The folder has gone; whoever watches it tells.
  }
}

function statOf(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}
