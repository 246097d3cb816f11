/** Owns which files of the state folder are the shells', and which of them are still being written. For `app.ts`. */
import { existsSync, lstatSync, readdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Processes } from "../host/processes.ts";
import { lastChangeMs, readStateFile, type StateFile } from "./state-file.ts";

/** A file without a whole record may still be under way; after this time its writer is done or dead. */
const unfinishedWriteMs = 5_000;
/** After this time a courier has come, or there is none. */
const courierMs = 10_000;

/** @returns the paths of the shells' files; none where the folder cannot be read */
export function stateFilesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => !name.startsWith(".") && !name.endsWith(".rejected"))
      .map((name) => `${folder}/${name}`);
  } catch {
    return [];
  }
}

/**
 * @param name - as files are named after a process: `BOOT.PID.TICKS`
 * @returns the paths of the files of that process, the first of them first
 */
export function filesOfProcess(folder: string, name: string): string[] {
  const paths: string[] = [];
  const path = join(folder, name);
  for (let next = path; existsSync(next); next = `${path}.${paths.length}`) paths.push(next);
  return paths;
}

/** Something in the state folder that cannot be finished with. */
export interface StuckEntry {
  readonly path: string;
  /** Why, as the rest of a sentence that begins with the path. */
  readonly reason: string;
}

/** @returns the file; null when it is gone or is no longer a state file */
export function readAgain(path: string): StateFile | null {
  try {
    return readStateFile(path);
  } catch {
    return null;
  }
}

/** @returns whether a record is torn, or missing, that its shell may still be writing. */
export function isUnderWay(file: StateFile): boolean {
  const isWhole = file.start !== null && !file.start.isTorn && (file.end === null || !file.end.isTorn);
  return !isWhole && isFresh(file.changedMs);
}

/**
 * A shell that cannot be seen is dead, or it is in a container that shares the folder, where its pid and start time are
 * of another namespace. Its own courier can tell, and is on its way.
 *
 * @returns whether the file is better left to it
 */
export function isForItsCourier(file: StateFile, processes: Processes): boolean {
  const { createdMs, end, owner, process, sessionId } = file;
  // In the spool nobody has one.
  if (owner !== null) return false;
  if (sessionId !== null || end !== null || process === null || !isYounger(createdMs, courierMs)) return false;
  return processes.stat(process.pid)?.startTicks !== process.startTicks;
}

/** @returns whether something was written so lately that more may come: between making its file and writing to it, a shell's file is empty. */
export function isJustMade(path: string): boolean {
  return isFresh(lastChangeMs(path));
}

/**
 * @param processes - as files are named after them: `BOOT.PID.TICKS`
 * @param read - the files that were read
 * @returns those of the processes that have a file which was not read, because it came since or waits for its courier
 */
export function withUnreadFiles(
  folder: string,
  processes: ReadonlySet<string>,
  read: ReadonlySet<string>,
): ReadonlySet<string> {
  const unread = new Set<string>();
  if (processes.size === 0) return unread;
  for (const path of stateFilesIn(folder)) {
    const name = basename(path).split(".").slice(0, 3).join(".");
    if (processes.has(name) && !read.has(path) && isYounger(lastChangeMs(path), courierMs)) unread.add(name);
  }
  return unread;
}

/**
 * @param path - of the file of a shell that took the place of another by `exec`, or of any other
 * @param uid - whose files count where the folder is everybody's; null for all
 * @returns whether a file of a shell that had the process before is still there: then this one is its proof of death
 */
export function hasPredecessor(path: string, uid: number | null): boolean {
  const [, first = "", suffix = ""] = /^(.*\/[0-9a-f-]{36}\.\d{1,7}\.\d{1,20})\.(\d{1,6})$/.exec(path) ?? [];
  if (suffix === "") return false;
  // To look for each is cheaper than to read a folder that may be full of others' files.
  if (Number(suffix) <= mostLooks)
    return [first, ...numbered(first, Number(suffix))].some((name) => isThere(name, uid));
  const before = stateFilesIn(dirname(path)).filter((name) => name === first || name.startsWith(`${first}.`));
  return before.some((name) => name === first || Number(name.slice(first.length + 1)) < Number(suffix));
}

const mostLooks = 100;

function numbered(first: string, before: number): string[] {
  return Array.from({ length: before - 1 }, (_, index) => `${first}.${index + 1}`);
}

function isThere(path: string, uid: number | null): boolean {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  return stats !== undefined && (uid === null || stats.uid === uid);
}

/** @returns whether something was changed so lately that more may come */
export function isFresh(changedMs: number): boolean {
  return isYounger(changedMs, unfinishedWriteMs);
}

function isYounger(timeMs: number, ageMs: number): boolean {
  return Math.abs(Date.now() - timeMs) < ageMs;
}
