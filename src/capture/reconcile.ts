/** Owns finishing what shells left behind: state files brought on record, dead shells closed. */

import { dirname } from "node:path";
import { isRunning, liveness } from "../host/liveness.ts";
import { ensurePrivateFolder } from "../host/private-folder.ts";
import { logFailure } from "../log.ts";
import { SessionBuddyError } from "../tracker/errors.ts";
import type { Session } from "../tracker/fold.ts";
import { withSighting } from "../tracker/sighting.ts";
import { createBreath } from "./breath.ts";
import { closeDead, type RecordSpooled, thisMoment } from "./close-dead.ts";
import { lastTurnMs, takeTurn, turnObstacles } from "./reconcile-turn.ts";
import { processOfFile } from "./shell-events.ts";
import { createShells, type ShellsApp } from "./shells.ts";
import type { Spool } from "./spool.ts";
import { readStateFile, removeStateFile, type StateFile, setAside } from "./state-file.ts";
import {
  hasPredecessor,
  isForItsCourier,
  isJustMade,
  isUnderWay,
  readAgain,
  type StuckEntry,
  stateFilesIn,
} from "./state-folder.ts";

/** What reconciling did. */
export interface ReconcileReport {
  /** Whether it went through everything before its deadline. */
  readonly isComplete: boolean;
  /** State files whose whole story is in the store now; they were removed. */
  readonly finished: number;
  /** Files that are not state files; they were renamed to `NAME.rejected`. */
  readonly rejected: number;
  /** Sessions closed as orphaned. */
  readonly orphaned: number;
  /** State files that there was no time for; they are for the next time. */
  readonly left: number;
  /** What cannot be finished with, and hinders nobody else; it is left as it is. */
  readonly stuck: readonly StuckEntry[];
  /** Why nothing could be done, as a sentence; null: nothing went wrong. */
  readonly problem: string | null;
}

/** How long reconciling may take, in milliseconds: what is left is for the next time. */
export const deadlinesMs = {
  /** After the answer of a start, while its shell waits for nothing. */
  inPassing: 200,
  /** Before the answer to a question. */
  question: 2_000,
  /** Now and then, in a server; and where an installation is examined. */
  tick: 5_000,
  /** Where it was asked for by name. */
  command: 60_000,
} as const;

/** How old the last whole reconciling must be for another one in passing, in milliseconds. */
const passingIntervalMs = 2_000;

export interface Reconcile {
  /**
   * Brings state files on record and closes dead shells. One process at a time does it for all. Never throws: the
   * report and the log have what went wrong.
   *
   * @param deadlineMs - see {@link deadlinesMs}
   * @returns null when another process has the turn
   */
  reconcile(deadlineMs: number): Promise<ReconcileReport | null>;
  /** The same in passing, for a start: only when the last time is two seconds ago, and for a short time. */
  inPassing(): Promise<void>;
}

export function createReconcile(app: ShellsApp, { recordFile } = createShells(app)): Reconcile {
  const { stateFolder } = app.config.paths;
  const reconcile = async (deadlineMs: number): Promise<ReconcileReport | null> => {
    try {
      ensurePrivateFolder(stateFolder, "state folder");
      return await inTurn({ ...app, recordFile }, deadlineMs);
    } catch (error) {
      logFailure(app.log, "Reconciling failed", error);
      const problem = error instanceof Error ? error.message : String(error);
      return { isComplete: false, finished: 0, rejected: 0, orphaned: 0, left: 0, stuck: [], problem };
    }
  };
  return {
    reconcile,
    async inPassing() {
      if (isDue(stateFolder, passingIntervalMs)) await reconcile(deadlinesMs.inPassing);
    },
  };
}

interface Dependencies extends ShellsApp {
  /** Brings one state file on record; removes it when it tells the end. */
  readonly recordFile: (file: StateFile) => Promise<Session>;
}

interface RecordedFiles extends Pick<ReconcileReport, "rejected" | "left"> {
  /** Files of shells that have not told their end. */
  readonly open: readonly StateFile[];
  /** Files of shells that have, as they were. */
  readonly finished: readonly StateFile[];
}

async function inTurn(dependencies: Dependencies, deadlineMs: number): Promise<ReconcileReport | null> {
  const { config, machine } = dependencies;
  const started = thisMoment(machine);
  const turn = takeTurn(config.paths.stateFolder, started.atMs, machine);
  if (turn === null) return null;
  const isInTime = stopwatch(deadlineMs);
  const stuck = turnObstacles(config.paths.stateFolder);
  const sweep: Sweep = { ...dependencies, isInTime, tellStuck: (path, reason) => stuck.push({ path, reason }) };
  try {
    const sightings = turn.sightings();
    const { open: files, finished: told, rejected, left } = await recordFiles(sweep);
    const look = await closeDead(dependencies, [...files, ...told], sightings, isInTime, recordSpooled(sweep));
    const breathe = createBreath();
    for (const { sessionId, path } of files) {
      await breathe();
      if (!look.open.has(sessionId ?? "")) await orSetAside(path, sweep, () => settle(path, sweep));
    }
    const isComplete = isInTime();
    const seen = { ...started, starts: look.alive };
    if (isComplete) turn.complete(started.atMs, withSighting(sightings, seen, new Set(look.open.values())));
    const isLast = ({ path, owner }: StateFile) => !hasPredecessor(path, owner?.uid ?? null);
    const finished = told.filter((file) => isLast(file) && isRemoved(file.path, sweep)).length;
    return { finished, rejected, left, orphaned: look.orphaned, isComplete, stuck, problem: null };
  } finally {
    turn.release();
  }
}

function isDue(stateFolder: string, ms: number): boolean {
  const last = lastTurnMs(stateFolder);
  return last === null || Math.abs(Date.now() - last) >= ms;
}

/** What the steps of one sweep have in common. */
export interface Sweep extends Dependencies {
  readonly isInTime: () => boolean;
  readonly tellStuck: (path: string, reason: string) => void;
}

async function recordFiles(sweep: Sweep): Promise<RecordedFiles> {
  let rejected = 0;
  const [open, finished]: [StateFile[], StateFile[]] = [[], []];
  const paths = [...stateFilesIn(sweep.config.paths.stateFolder), ...(sweep.spool?.paths() ?? [])];
  const breathe = createBreath();
  for (const [index, path] of paths.entries()) {
    if (!sweep.isInTime()) return { finished, rejected, open, left: paths.length - index };
    await breathe();
    const outcome = await recordOne(path, sweep);
    if (outcome === "rejected") rejected += 1;
    else if (outcome !== null) (outcome.end === null ? open : finished).push(outcome);
  }
  return { finished, rejected, open, left: 0 };
}

/** @returns the file, on record now; null when it is gone, not ready, or stuck */
export function recordOne(path: string, sweep: Sweep): Promise<"rejected" | StateFile | null> {
  return orSetAside(path, sweep, async () => {
    const file = readOrTell(path, sweep);
    if (file === null || isUnderWay(file) || isForItsCourier(file, sweep.machine.processes)) return null;
    if (file.end === null && file.sessionId !== null) return file;
    if (sweep.spool?.mayRecord(file) === false) return null;
    const { sessionId } = await sweep.recordFile(file);
    return { ...file, sessionId };
  });
}

/** A shell that told its end is not closed because its process has gone: its file is read after that. */
function recordSpooled(sweep: Sweep): RecordSpooled {
  const { spool, store } = sweep;
  return async ({ sessionId, ownerUid }, name, read) => {
    const paths = spool?.pathsOf(name, ownerUid ?? -1) ?? [];
    if (paths.some((path) => !read.has(path))) return "told";
    for (const path of paths) await recordOne(path, sweep);
    return paths.length > 0 && (await store.session(sessionId))?.state !== "active" ? "told" : "silent";
  };
}

/** @returns the spool where the file lies in it; null where it is in the user's own folder */
function spoolOf(path: string, { spool }: Sweep): Spool | null {
  return spool != null && dirname(path) === spool.folder ? spool : null;
}

/** @returns whether the file is gone; one that cannot be removed is told */
function isRemoved(path: string, sweep: Sweep): boolean {
  const { tellStuck } = sweep;
  const reason = removeStateFile(path);
  if (reason === null) spoolOf(path, sweep)?.forget(path);
  if (reason !== null) tellStuck(path, reason);
  return reason === null;
}

/** A file that cannot be opened, as one of another mode, must not keep the others from being finished. */
function readOrTell(path: string, sweep: Sweep): StateFile | null {
  const { tellStuck } = sweep;
  const spool = spoolOf(path, sweep);
  try {
    return spool === null ? readStateFile(path) : spool.read(path);
  } catch (error) {
    if (!(error instanceof SessionBuddyError) || error.code === "invalid") throw error;
    tellStuck(path, `cannot be opened: ${(error.cause as Error).message}`);
    return null;
  }
}

async function orSetAside<T>(path: string, sweep: Sweep, work: () => Promise<T>): Promise<T | "rejected" | null> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof SessionBuddyError) || error.code !== "invalid") throw error;
    const spool = spoolOf(path, sweep);
    // The spool tells what is not ready from what will never be.
    if (spool === null && isJustMade(path)) return null;
    const left = spool === null ? setAside(path) : spool.setAside(path);
    if (left === null) {
      sweep.log.warning("State file set aside", { file: path, reason: error.message });
      return "rejected";
    }
    sweep.tellStuck(path, left);
    return null;
  }
}

/**
 * Finishes with the file of a session that is not open. It is read once again, because the shell may have told its end
 * between the first look at its file and the look at its process.
 */
async function settle(path: string, sweep: Sweep): Promise<void> {
  const { machine, recordFile, store } = sweep;
  const file = spoolOf(path, sweep) === null ? readAgain(path) : readOrTell(path, sweep);
  if (file?.sessionId == null) return;
  if (file.end !== null) return void (await recordFile(file));
  // Not in this store: the store is another one than when the file was written, or the session was pruned.
  const session = (await store.session(file.sessionId)) ?? (await store.session((await recordFile(file)).sessionId));
  const isOver =
    session === null ? liveness(processOfFile(file, machine), machine).state === "dead" : session.state !== "active";
  // Nobody writes to a dead shell's file any more. One that lives may still tell its end, whatever is on record of it.
  if (isOver && !isRunning(processOfFile(file, machine), machine)) isRemoved(path, sweep);
}

/** @returns a function that says whether fewer than `ms` milliseconds have passed; the wall clock may be set meanwhile. */
function stopwatch(ms: number): () => boolean {
  const startedMs = process.uptime() * 1000;
  return () => process.uptime() * 1000 - startedMs < ms;
}
