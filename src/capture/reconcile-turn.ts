/**
 * Owns the turn of the one process that finishes what shells left behind: who has it, when it was last done, and whom it
 * saw alive.
 */
import {
  closeSync,
  fstatSync,
  ftruncateSync,
  futimesSync,
  lstatSync,
  openSync,
  renameSync,
  type Stats,
  unlinkSync,
  utimesSync,
  writeSync,
} from "node:fs";
import { liveness } from "../host/liveness.ts";
import type { Machine } from "../host/machine.ts";
import { readRegularInPrivate } from "../host/regular-file.ts";
import type { ProcessIdentity } from "../tracker/event.ts";
import { parseSightings, type Sighting } from "../tracker/sighting.ts";
import type { StuckEntry } from "./state-folder.ts";

const lockName = ".sweep-lock";
const markName = ".swept";
/** Behind the name of the one or the other, where something else has that name. */
const otherName = ".2";
/**
 * A turn that was not given back after this time belonged to a process that died, wherever it cannot be looked at; its own
 * deadline is far shorter.
 */
const abandonedAfterMs = 30_000;

/** The turn to sweep one state folder. */
export interface SweepTurn {
  /** Whom earlier sweeps saw alive; empty when that is not known. */
  sightings(): readonly Sighting[];
  /** Marks the sweep as done whole, with what it and those before it saw. */
  complete(atMs: number, sightings: readonly Sighting[]): void;
  release(): void;
}

/** What tells who holds a turn, and whether that one lives. */
export type TurnMachine = Pick<Machine, "identify" | "hostId" | "bootId" | "processes">;

/**
 * Takes the turn.
 *
 * @returns null when another process has it, or the folder cannot be written
 */
export function takeTurn(folder: string, nowMs: number, machine: TurnMachine): SweepTurn | null {
  const claimed = claim(`${folder}/${lockName}`, nowMs, machine);
  if (claimed === null) return null;
  const { lock, descriptor } = claimed;
  // Whoever meets the lock sees whether its holder lives. On a full disk its age says it, later.
  written(descriptor, JSON.stringify(machine.identify(process.pid)));
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
      isMark = renamed(lock, markIn(folder));
    },
    release() {
      if (!isMark && isOurs()) removed(lock);
      closeSync(descriptor);
    },
  };
}

/** @returns when the last whole sweep was, in milliseconds since the epoch; null before the first. */
export function lastTurnMs(folder: string): number | null {
  return lookedAt(markIn(folder))?.mtimeMs ?? null;
}

/** @returns what stands where the turn and the mark belong, and is neither */
export function turnObstacles(folder: string): StuckEntry[] {
  return [lockName, markName].flatMap((name) => {
    const path = `${folder}/${name}`;
    const stats = lookedAt(path);
    if (stats === null || isOurFile(stats)) return [];
    const what = stats.isFile() ? `belongs to user id ${stats.uid}` : "is not a regular file";
    return [{ path, reason: `${what}, and stands where ours belongs` }];
  });
}

interface Claim {
  readonly lock: string;
  readonly descriptor: number;
}

function claim(lock: string, nowMs: number, machine: TurnMachine): Claim | null {
  const first = created(lock);
  if (first !== null) return { lock, descriptor: first };
  const stats = lookedAt(lock);
  // Given back at this moment, or the folder cannot be written.
  if (stats === null) return null;
  if (isOurFile(stats)) {
    if (Math.abs(nowMs - stats.mtimeMs) <= abandonedAfterMs && !isHolderDead(lock, machine)) return null;
    const second = removed(lock) ? created(lock) : null;
    if (second !== null) return { lock, descriptor: second };
    if (lookedAt(lock)?.ino !== stats.ino) return null;
  }
  // What stands in our way is left alone, and every process goes round it alike.
  return lock.endsWith(otherName) ? null : claim(`${lock}${otherName}`, nowMs, machine);
}

/** A process that may not be looked at, as in another pid namespace, may live. */
function isHolderDead(lock: string, machine: TurnMachine): boolean {
  const holder = parseHolder(readQuietly(lock));
  return holder !== null && liveness(holder, machine).state === "dead";
}

/** @returns null where it is not whole, as while it is written */
function parseHolder(text: string): ProcessIdentity | null {
  try {
    const { hostId, bootId, pidNamespace, pid, startTicks } = JSON.parse(text);
    const isNamed = [hostId, bootId, pidNamespace, startTicks].every((value) => typeof value === "string");
    if (!isNamed || !Number.isSafeInteger(pid) || pid <= 0) return null;
    return { hostId, bootId, pidNamespace, pid, startTicks, executable: null, exeId: null, comm: null };
  } catch {
    return null;
  }
}

function markIn(folder: string): string {
  const path = `${folder}/${markName}`;
  const stats = lookedAt(path);
  return stats === null || isOurFile(stats) ? path : `${path}${otherName}`;
}

function isOurFile(stats: Stats): boolean {
  return stats.isFile() && (process.geteuid === undefined || stats.uid === process.geteuid());
}

function lookedAt(path: string): Stats | null {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) ?? null;
  } catch {
    return null;
  }
}

/** Where the disk is full, what earlier sweeps saw stays true. */
function touch(mark: string, atMs: number): void {
  const descriptor = created(mark);
  if (descriptor !== null) closeSync(descriptor);
  utimesSync(mark, atMs / 1000, atMs / 1000);
}

/** A mark that cannot be replaced stays, and the next sweep comes sooner than it need. */
function renamed(from: string, to: string): boolean {
  try {
    renameSync(from, to);
    return true;
  } catch {
    return false;
  }
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
    ftruncateSync(descriptor);
    const bytes = Buffer.from(text);
    return writeSync(descriptor, bytes, 0, bytes.length, 0) === bytes.length;
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
    return readRegularInPrivate(path).bytes.toString("utf8");
  } catch {
    return "";
  }
}
