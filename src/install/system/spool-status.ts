/** Owns the one look at whether a spool is as it is made; what is said of it is for whoever looks. */
import { accessSync, constants, lstatSync, type Stats } from "node:fs";
import { isDiskFull } from "../../host/disk.ts";
import { follow, type PathIssue } from "../../host/trusted-path.ts";
import { findAccount } from "./account.ts";
import { spoolFolder, spoolMode } from "./places.ts";

/** What keeps shells from leaving their files in a spool, or lets others touch them. */
export type SpoolFault =
  | { readonly kind: "missing" | "no folder" | "no account" }
  /** Another user could have put it there. */
  | { readonly kind: "way"; readonly issue: PathIssue }
  | { readonly kind: "owner"; readonly uid: number; readonly gid: number }
  | { readonly kind: "mode"; readonly mode: number };

const modeBits = 0o7777;
const administrator = 0;

/**
 * Looks as any user can. The spool of the installation belongs to the service's account; another one to whoever serves it,
 * which is not root.
 *
 * @returns null where it is in order
 * @throws the file system's error
 */
export function faultOfSpool(path: string): SpoolFault | null {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return { kind: "missing" };
  if (!stats.isDirectory()) return { kind: "no folder" };
  const { issue } = follow(path, stats.uid);
  if (issue !== null) return { kind: "way", issue };
  return faultOfOwner(path, stats) ?? faultOfMode(stats);
}

function faultOfOwner(path: string, { uid, gid }: Stats): SpoolFault | null {
  if (path !== spoolFolder) return uid === administrator ? { kind: "owner", uid, gid } : null;
  const account = findAccount();
  if (account === null) return { kind: "no account" };
  return uid === account.uid && gid === account.gid ? null : { kind: "owner", uid, gid };
}

function faultOfMode({ mode }: Stats): SpoolFault | null {
  return (mode & modeBits) === spoolMode ? null : { kind: "mode", mode: mode & modeBits };
}

export interface SpoolStatus {
  readonly path: string;
  readonly state: "in order" | "missing" | "wrong";
  /** What is wrong, as the rest of a sentence that begins with the path. */
  readonly reason: string | null;
  /** What mends it, where installing again does not. */
  readonly remedy: string | null;
}

/** What keeps shells from writing to a folder that is as it is made. */
export type DiskIssue = Pick<PathIssue, "words" | "remedy">;

/** @param path - of the installation by default */
export function spoolStatus(path = spoolFolder): SpoolStatus {
  const fault = faultOfSpool(path);
  if (fault?.kind === "missing") return { path, state: "missing", reason: null, remedy: null };
  if (fault !== null) return { path, state: "wrong", reason: wordsFor(fault), remedy: null };
  const disk = issueOfDisk(path);
  if (disk === null) return { path, state: "in order", reason: null, remedy: null };
  return { path, state: "wrong", reason: disk.words, remedy: disk.remedy };
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
  return isDiskFull(path) ? { words: "lies on a disk that is full", remedy: "make room on it" } : null;
}

function wordsFor(fault: SpoolFault): string {
  if (fault.kind === "way") return fault.issue.words;
  if (fault.kind === "owner") return `belongs to ${fault.uid}:${fault.gid}`;
  if (fault.kind === "mode") return `has mode ${fault.mode.toString(8)}, not ${spoolMode.toString(8)}`;
  return fault.kind === "no account" ? "has no system user to belong to" : "is not a folder";
}
