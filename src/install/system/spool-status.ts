/** Owns a look at whether the spool is as it was made. */
import { accessSync, constants, lstatSync, type Stats, statfsSync } from "node:fs";
import { findAccount } from "./account.ts";
import { spoolFolder, spoolMode } from "./places.ts";

export interface SpoolStatus {
  readonly path: string;
  readonly state: "in order" | "missing" | "wrong";
  /** What is wrong, as the rest of a sentence that begins with the path. */
  readonly reason: string | null;
  /** What mends it, where installing again does not. */
  readonly remedy: string | null;
}

/** What keeps shells from writing to a folder, as the rest of a sentence that begins with its path, and what to do. */
export interface DiskIssue {
  readonly words: string;
  readonly remedy: string;
}

/** Looks at the spool as any user can. */
export function spoolStatus(): SpoolStatus {
  const stats = lstatSync(spoolFolder, { throwIfNoEntry: false });
  if (stats === undefined) return { path: spoolFolder, state: "missing", reason: null, remedy: null };
  const reason = issueOfSpool(stats);
  if (reason !== null) return { path: spoolFolder, state: "wrong", reason, remedy: null };
  const disk = issueOfDisk(spoolFolder);
  if (disk === null) return { path: spoolFolder, state: "in order", reason: null, remedy: null };
  return { path: spoolFolder, state: "wrong", reason: disk.words, remedy: disk.remedy };
}

/** @returns null where there is room, and whoever asks may write */
export function issueOfDisk(path: string): DiskIssue | null {
  try {
    accessSync(path, constants.W_OK);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const words = code === "EROFS" ? "lies on a disk that is read-only" : `cannot be written to (${message})`;
    return { words, remedy: "make it writable again" };
  }
  const { bavail, ffree, files } = statfsSync(path);
  if (bavail > 0 && (ffree > 0 || files === 0)) return null;
  return { words: "lies on a disk that is full", remedy: "make room on it" };
}

function issueOfSpool(stats: Stats): string | null {
  if (!stats.isDirectory()) return "is not a folder";
  const account = findAccount();
  if (account === null) return "has no system user to belong to";
  if (stats.uid !== account.uid || stats.gid !== account.gid) return `belongs to ${stats.uid}:${stats.gid}`;
  const mode = stats.mode & 0o7777;
  return mode === spoolMode ? null : `has mode ${mode.toString(8)}, not ${spoolMode.toString(8)}`;
}
