/**
 * Owns the turn of the one process that finishes what shells left behind: who has it, when it was last done, and whom it
 * saw alive. For `reconcile.ts` alone.
 */
import {
  closeSync,
  fstatSync,
  futimesSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { parseSightings, type Sighting } from "../tracker/sighting.ts";

/** A turn that was not given back after this time belonged to a process that died; its own deadline is far shorter. */
const abandonedAfterMs = 30_000;

/** The turn to sweep one state folder. */
export interface SweepTurn {
  /** Whom earlier sweeps saw alive; empty when that is not known. */
  sightings(): readonly Sighting[];
  /** Marks the sweep as done whole, with what it and those before it saw. */
  complete(atMs: number, sightings: readonly Sighting[]): void;
  release(): void;
}

/**
 * Takes the turn.
 *
 * @returns null when another process has it, or the folder cannot be written
 */
export function takeTurn(folder: string, nowMs: number): SweepTurn | null {
  const lock = join(folder, ".sweep-lock");
  const descriptor = created(lock) ?? (isAbandoned(lock, nowMs) && removed(lock) ? created(lock) : null);
  if (descriptor === null) return null;
  // Who is away for longer than a turn may be loses it: then the lock that is there belongs to another process.
  const isOurs = () => fstatSync(descriptor).nlink > 0;
  let isMark = false;
  return {
    sightings: () => parseSightings(readQuietly(markIn(folder))),
    complete(atMs, sightings) {
      if (!isOurs()) return;
      if (!written(descriptor, JSON.stringify(sightings))) return touch(markIn(folder), atMs);
      // The lock becomes the mark, so that there is never half a mark. One that a power cut emptied proves nothing.
      futimesSync(descriptor, atMs / 1000, atMs / 1000);
      renameSync(lock, markIn(folder));
      isMark = true;
    },
    release() {
      if (!isMark && isOurs()) removed(lock);
      closeSync(descriptor);
    },
  };
}

/** @returns when the last whole sweep was, in milliseconds since the epoch; null before the first. */
export function lastTurnMs(folder: string): number | null {
  return statSync(markIn(folder), { throwIfNoEntry: false })?.mtimeMs ?? null;
}

function markIn(folder: string): string {
  return join(folder, ".swept");
}

function isAbandoned(lock: string, nowMs: number): boolean {
  const stats = statSync(lock, { throwIfNoEntry: false });
  return stats !== undefined && Math.abs(nowMs - stats.mtimeMs) > abandonedAfterMs;
}

/** Where the disk is full, what earlier sweeps saw stays true. */
function touch(mark: string, atMs: number): void {
  const descriptor = created(mark);
  if (descriptor !== null) closeSync(descriptor);
  utimesSync(mark, atMs / 1000, atMs / 1000);
}

function created(path: string): number | null {
  try {
    return openSync(path, "wx", 0o600);
  } catch {
    return null;
  }
}

function written(descriptor: number, text: string): boolean {
  try {
    writeFileSync(descriptor, text);
    return true;
  } catch {
    return false;
  }
}

function removed(path: string): boolean {
  try {
    unlinkSync(path);
    return true;
  } catch {
    return false;
  }
}

function readQuietly(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
