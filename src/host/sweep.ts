/**
 * Owns the turn of the one process that finishes what shells left behind: who has it, and when it was last done. For
 * `reconcile.ts` alone.
 */
import { closeSync, openSync, statSync, unlinkSync, utimesSync } from "node:fs";
import { join } from "node:path";

/** A turn that was not given back after this time belonged to a process that died; its own deadline is far shorter. */
const abandonedAfterMs = 30_000;

/** The turn to sweep one state folder. */
export interface SweepTurn {
  /** Marks the sweep as done whole: every session that is still open was seen alive or could not be looked at. */
  complete(atMs: number): void;
  release(): void;
}

/**
 * Takes the turn.
 *
 * @returns null when another process has it, or the folder cannot be written
 */
export function takeSweepTurn(folder: string, nowMs: number): SweepTurn | null {
  const lock = join(folder, ".sweep-lock");
  if (!created(lock) && !(isAbandoned(lock, nowMs) && removed(lock) && created(lock))) return null;
  return {
    complete(atMs) {
      const mark = join(folder, ".swept");
      created(mark);
      utimesSync(mark, atMs / 1000, atMs / 1000);
    },
    release: () => void removed(lock),
  };
}

/** @returns when the last whole sweep was, in milliseconds since the epoch; null before the first. */
export function lastSweepMs(folder: string): number | null {
  return statSync(join(folder, ".swept"), { throwIfNoEntry: false })?.mtimeMs ?? null;
}

function isAbandoned(lock: string, nowMs: number): boolean {
  const stats = statSync(lock, { throwIfNoEntry: false });
  return stats !== undefined && Math.abs(nowMs - stats.mtimeMs) > abandonedAfterMs;
}

function created(path: string): boolean {
  try {
    closeSync(openSync(path, "wx", 0o600));
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
