/** Owns finishing what shells left behind: state files brought on record, dead shells closed. */
import { ensurePrivateFolder } from "../host/folder.ts";
import { isRunning, liveness } from "../host/liveness.ts";
import { logFailure } from "../log.ts";
import { SessionBuddyError } from "../tracker/errors.ts";
import type { Session } from "../tracker/fold.ts";
import { withSighting } from "../tracker/sighting.ts";
import { closeDead, thisMoment } from "./close-dead.ts";
import { lastTurnMs, takeTurn } from "./reconcile-turn.ts";
import { processOfFile } from "./shell-events.ts";
import { createShells, type ShellsApp } from "./shells.ts";
import { readStateFile, removeStateFile, type StateFile, setAside } from "./state-file.ts";
import { hasPredecessor, isForItsCourier, isJustMade, isUnderWay, readAgain, stateFilesIn } from "./state-folder.ts";

/** What reconciling did. */
export interface ReconcileReport {
  /** Whether it went through everything before its deadline. */
  readonly isComplete: boolean;
  /** State files whose whole story is in the store now; they were removed. */
  readonly finished: number;
  /** Files that are no state files; they were renamed to `NAME.rejected`. */
  readonly rejected: number;
  /** Sessions closed as orphaned. */
  readonly orphaned: number;
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
   * Brings state files on record and closes dead shells. One process at a time does it for all. Never throws: the log
   * has what went wrong.
   *
   * @param deadlineMs - see {@link deadlinesMs}
   * @returns null when another process has the turn, or it could not be done
   */
  reconcile(deadlineMs: number): Promise<ReconcileReport | null>;
  /** The same in passing, for a start: only when the last time is two seconds ago, and for a short time. */
  inPassing(): Promise<void>;
}

export function createReconcile(app: ShellsApp, { recordFile } = createShells(app)): Reconcile {
  const { stateFolder } = app.config.paths;
  const reconcile = async (deadlineMs: number) => {
    try {
      ensurePrivateFolder(stateFolder, "state folder");
      return await inTurn({ ...app, recordFile }, deadlineMs);
    } catch (error) {
      logFailure(app.log, "Reconciling failed", error);
      return null;
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

interface RecordedFiles extends Pick<ReconcileReport, "rejected"> {
  /** Files of shells that have not told their end. */
  readonly open: readonly StateFile[];
  /** Files of shells that have, as they were. */
  readonly finished: readonly StateFile[];
}

async function inTurn(dependencies: Dependencies, deadlineMs: number): Promise<ReconcileReport | null> {
  const { config, machine } = dependencies;
  const started = thisMoment(machine);
  const turn = takeTurn(config.paths.stateFolder, started.atMs);
  if (turn === null) return null;
  const isInTime = stopwatch(deadlineMs);
  try {
    const sightings = turn.sightings();
    const { open: files, finished, rejected } = await recordFiles(dependencies, isInTime);
    const look = await closeDead(dependencies, [...files, ...finished], sightings, isInTime);
    for (const { sessionId, path } of files) {
      if (!look.open.has(sessionId ?? "")) await orSetAside(path, dependencies, () => settle(path, dependencies));
    }
    for (const { path } of finished) {
      if (!hasPredecessor(path)) removeStateFile(path);
    }
    const isComplete = isInTime();
    const seen = { ...started, starts: look.alive };
    if (isComplete) turn.complete(started.atMs, withSighting(sightings, seen, new Set(look.open.values())));
    return { finished: finished.length, rejected, orphaned: look.orphaned, isComplete };
  } finally {
    turn.release();
  }
}

function isDue(stateFolder: string, ms: number): boolean {
  const last = lastTurnMs(stateFolder);
  return last === null || Math.abs(Date.now() - last) >= ms;
}

async function recordFiles(dependencies: Dependencies, isInTime: () => boolean): Promise<RecordedFiles> {
  let rejected = 0;
  const [open, finished]: [StateFile[], StateFile[]] = [[], []];
  for (const path of stateFilesIn(dependencies.config.paths.stateFolder)) {
    if (!isInTime()) break;
    const outcome = await recordOne(path, dependencies);
    if (outcome === "rejected") rejected += 1;
    else if (outcome !== null) (outcome.end === null ? open : finished).push(outcome);
  }
  return { finished, rejected, open };
}

/** @returns the file, on record now; null when it is gone or not ready */
function recordOne(path: string, dependencies: Dependencies): Promise<"rejected" | StateFile | null> {
  return orSetAside(path, dependencies, async () => {
    const file = readStateFile(path);
    if (file === null || isUnderWay(file) || isForItsCourier(file, dependencies.machine.processes)) return null;
    if (file.end === null && file.sessionId !== null) return file;
    const { sessionId } = await dependencies.recordFile(file);
    return { ...file, sessionId };
  });
}

async function orSetAside<T>(
  path: string,
  { log }: Dependencies,
  work: () => Promise<T>,
): Promise<T | "rejected" | null> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof SessionBuddyError) || error.code !== "invalid") throw error;
    if (isJustMade(path)) return null;
    setAside(path);
    log.warning("State file set aside", { file: path, reason: error.message });
    return "rejected";
  }
}

/**
 * Finishes with the file of a session that is not open. It is read once again, because the shell may have told its end
 * between the first look at its file and the look at its process.
 */
async function settle(path: string, { machine, recordFile, store }: Dependencies): Promise<void> {
  const file = readAgain(path);
  if (file?.sessionId == null) return;
  if (file.end !== null) return void (await recordFile(file));
  // Not in this store: the store is another one than when the file was written, or the session was pruned.
  const session = (await store.session(file.sessionId)) ?? (await store.session((await recordFile(file)).sessionId));
  const isOver =
    session === null ? liveness(processOfFile(file, machine), machine).state === "dead" : session.state !== "active";
  // Nobody writes to a dead shell's file any more. One that lives may still tell its end, whatever is on record of it.
  if (isOver && !isRunning(processOfFile(file, machine), machine)) removeStateFile(path);
}

/** @returns a function that says whether fewer than `ms` milliseconds have passed; the wall clock may be set meanwhile. */
function stopwatch(ms: number): () => boolean {
  const startedMs = process.uptime() * 1000;
  return () => process.uptime() * 1000 - startedMs < ms;
}
