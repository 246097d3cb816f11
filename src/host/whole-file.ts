/** Owns giving a file new content in one step, so that nobody ever reads half of it. */
import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fsyncSync,
  lstatSync,
  openSync,
  rmSync,
  type Stats,
  writeFileSync,
} from "node:fs";

const privateMode = 0o600;
const modeBits = 0o7777;

/** Who may do what with a file. */
export type Ownership = Pick<Stats, "uid" | "gid" | "mode">;

/**
 * Writes a new file beside another, to take its place; it is on the disk when this returns.
 *
 * @param like - whose owner, group and mode it gets; null for a file for its maker alone
 * @returns its path; on an error there is none
 */
export function writtenBeside(path: string, content: string | Buffer, like: Ownership | null): string {
  // No other process has this name; a random one would need a part of Node.js that is slow to load.
  const temporary = `${path}.session-buddy-${process.pid}-${process.hrtime.bigint()}`;
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  const descriptor = openSync(temporary, flags, privateMode);
  try {
    writeFileSync(descriptor, content);
    if (like !== null) {
      fchownSync(descriptor, like.uid, like.gid);
      fchmodSync(descriptor, like.mode & modeBits);
    }
    fsyncSync(descriptor);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  } finally {
    closeSync(descriptor);
  }
  return temporary;
}

/** @param stats - of the file when it was read; null when there was none */
export function isAsItWas(path: string, stats: Stats | null): boolean {
  const now = lstatSync(path, { throwIfNoEntry: false });
  return now?.ino === stats?.ino && now?.mtimeMs === stats?.mtimeMs && now?.size === stats?.size;
}

/** Brings on the disk that a file of the folder has a new name. */
export function syncFolder(folder: string): void {
  const descriptor = openSync(folder, constants.O_RDONLY);
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
