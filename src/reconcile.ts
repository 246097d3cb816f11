/** Owns finishing what shells left behind: state files brought on record, dead shells closed. For `app.ts` alone. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { liveness } from "./host/liveness.ts";
import type { Machine } from "./host/machine.ts";
import { lastChangeMs, readStateFile, removeStateFile, type StateFile, setAside } from "./host/state-file.ts";
import { lastSweepMs, takeSweepTurn } from "./host/sweep.ts";
import type { Log } from "./log.ts";
import { startInstantOf } from "./shells.ts";
import { SessionBuddyError } from "./tracker/errors.ts";
import type { DeathContent, Observation } from "./tracker/event.ts";
import type { Session } from "./tracker/fold.ts";
import { type Instant, instantFromMs, instantToMs } from "./tracker/instant.ts";
import type { Store } from "./tracker/store.ts";
import type { Tracker } from "./tracker/tracker.ts";

/** What one sweep did. */
export interface SweepReport {
  /** Whether it went through everything before its deadline. */
  readonly isComplete: boolean;
  /** State files whose whole story is in the store now; they were removed. */
  readonly finished: number;
  /** Files that are no state files; they were renamed to `NAME.rejected`. */
  readonly rejected: number;
  /** Sessions closed as orphaned. */
  readonly orphaned: number;
}

export interface ReconcileDependencies {
  readonly stateFolder: string;
  readonly machine: Machine;
  readonly store: Pick<Store, "session" | "sessions">;
  readonly tracker: Tracker;
  readonly log: Log;
  /** Brings one state file on record; removes it when it tells the end. */
  readonly recordFile: (file: StateFile) => Promise<Session>;
}

interface RecordedFiles extends Pick<SweepReport, "finished" | "rejected"> {
  /** When the next shell of the same process started, by session id. */
  readonly successors: ReadonlyMap<string, Instant>;
}

/** A file without a whole record may still be under way; after this time its writer is done or dead. */
const unfinishedWriteMs = 5_000;

/**
 * Sweeps once. One process at a time sweeps for all; when another one is at it, there is nothing to do.
 *
 * @param deadlineMs - how long it may take, in milliseconds; what is left is for the next sweep
 * @returns null when another process has the turn
 */
export async function reconcile(dependencies: ReconcileDependencies, deadlineMs: number): Promise<SweepReport | null> {
  const { stateFolder } = dependencies;
  const startedMs = Date.now();
  const turn = takeSweepTurn(stateFolder, startedMs);
  if (turn === null) return null;
  const isInTime = stopwatch(deadlineMs);
  try {
    const { successors, ...files } = await recordFiles(dependencies, isInTime);
    const orphaned = await closeDead(dependencies, successors, isInTime);
    const isComplete = isInTime();
    if (isComplete) turn.complete(startedMs);
    return { ...files, orphaned, isComplete };
  } finally {
    turn.release();
  }
}

/** @returns whether the last whole sweep is at least `ms` milliseconds old. */
export function isSweepDue(stateFolder: string, ms: number): boolean {
  const last = lastSweepMs(stateFolder);
  return last === null || Math.abs(Date.now() - last) >= ms;
}

async function recordFiles(dependencies: ReconcileDependencies, isInTime: () => boolean): Promise<RecordedFiles> {
  let finished = 0;
  let rejected = 0;
  const open: StateFile[] = [];
  for (const path of stateFiles(dependencies.stateFolder)) {
    if (!isInTime()) break;
    const outcome = await recordOne(path, dependencies);
    if (outcome === "finished") finished += 1;
    else if (outcome === "rejected") rejected += 1;
    else if (outcome !== null) open.push(outcome);
  }
  return { finished, rejected, successors: findSuccessors(open) };
}

/** @returns what became of the file; the file itself when its shell has not told its end */
async function recordOne(
  path: string,
  dependencies: ReconcileDependencies,
): Promise<"finished" | "rejected" | StateFile | null> {
  try {
    const file = readStateFile(path);
    if (file === null || isUnderWay(file)) return null;
    if (file.end === null && file.sessionId !== null) return file;
    const { sessionId } = await dependencies.recordFile(file);
    return file.end === null ? { ...file, sessionId } : "finished";
  } catch (error) {
    if (!(error instanceof SessionBuddyError) || error.code !== "invalid") throw error;
    // Between making the file and writing to it, a shell's file is empty.
    if (isFresh(lastChangeMs(path))) return null;
    setAside(path);
    dependencies.log.warning("State file set aside", { file: path, reason: error.message });
    return "rejected";
  }
}

function isUnderWay(file: StateFile): boolean {
  const isWhole = file.start !== null && !file.start.isTorn && (file.end === null || !file.end.isTorn);
  return !isWhole && isFresh(file.changedMs);
}

function isFresh(changedMs: number): boolean {
  return Math.abs(Date.now() - changedMs) < unfinishedWriteMs;
}

async function closeDead(
  dependencies: ReconcileDependencies,
  successors: ReadonlyMap<string, Instant>,
  isInTime: () => boolean,
): Promise<number> {
  const { machine, store, stateFolder, tracker } = dependencies;
  if (machine.hostId === null) return 0;
  const open = await store.sessions({ states: ["active"], hostId: machine.hostId });
  const sweptMs = lastSweepMs(stateFolder);
  const alive = new Set(open.map((session) => session.sessionId));
  for (const session of open) {
    if (!isInTime()) break;
    const death = deathOf(session, machine, successors.get(session.sessionId), sweptMs);
    if (death === null) continue;
    await tracker.death(session.sessionId, death, observedNow(machine));
    alive.delete(session.sessionId);
  }
  await removeFilesOfClosed(dependencies, alive);
  return open.length - alive.size;
}

function observedNow(machine: Machine): Observation {
  return { recordedAt: instantFromMs(Date.now()), caller: null, process: null, bootClock: machine.bootClock() };
}

/**
 * A shell that replaced itself with a shell by `exec` keeps its pid and start, and has run no exit hook; the next file
 * of the same process is the proof.
 *
 * @returns the moment the next shell started, by session id
 */
function findSuccessors(files: readonly StateFile[]): ReadonlyMap<string, Instant> {
  const successors = new Map<string, Instant>();
  const newest = new Map<string, Instant>();
  const started = files.map((file) => ({ file, at: startInstantOf(file) })).sort((a, b) => (a.at < b.at ? 1 : -1));
  for (const { file, at } of started) {
    if (file.process === null || file.sessionId === null) continue;
    const key = Object.values(file.process).join(" ");
    const successor = newest.get(key);
    if (successor !== undefined) successors.set(file.sessionId, successor);
    newest.set(key, at);
  }
  return successors;
}

function deathOf(
  session: Session,
  machine: Machine,
  successor: Instant | undefined,
  sweptMs: number | null,
): DeathContent | null {
  if (successor !== undefined) {
    return { ...interval(session, successor, sweptMs), proof: "executable_replaced" };
  }
  if (session.process === null) return null;
  const verdict = liveness(session.process, machine);
  return verdict.state === "dead"
    ? { ...interval(session, instantFromMs(Date.now()), sweptMs), proof: verdict.proof }
    : null;
}

/** The last proof of life is the last whole sweep, which left this session open, or the start itself. */
function interval(
  session: Session,
  detectedAt: Instant,
  sweptMs: number | null,
): Pick<DeathContent, "lastAliveAt" | "detectedAt"> {
  const isSeenBySweep =
    sweptMs !== null && sweptMs > instantToMs(session.startedAt) && sweptMs < instantToMs(detectedAt);
  return { lastAliveAt: isSeenBySweep ? instantFromMs(sweptMs) : session.startedAt, detectedAt };
}

/**
 * Nobody writes to a dead shell's file any more. It is read once again, because the shell may have told its end between
 * the first look at its file and the look at its process.
 */
async function removeFilesOfClosed(dependencies: ReconcileDependencies, open: ReadonlySet<string>): Promise<void> {
  for (const path of stateFiles(dependencies.stateFolder)) {
    const file = readQuietly(path);
    if (file?.sessionId == null || open.has(file.sessionId)) continue;
    if (file.end !== null) await dependencies.recordFile(file);
    else if (await isClosed(file.sessionId, dependencies)) removeStateFile(path);
  }
}

async function isClosed(sessionId: string, { store }: ReconcileDependencies): Promise<boolean> {
  const session = await store.session(sessionId);
  return session !== null && session.state !== "active";
}

function stateFiles(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => !name.startsWith(".") && !name.endsWith(".rejected"))
      .map((name) => join(folder, name));
  } catch {
    return [];
  }
}

function readQuietly(path: string): StateFile | null {
  try {
    return readStateFile(path);
  } catch {
    return null;
  }
}

/** @returns a function that says whether fewer than `ms` milliseconds have passed; the wall clock may be set meanwhile. */
function stopwatch(ms: number): () => boolean {
  const startedMs = process.uptime() * 1000;
  return () => process.uptime() * 1000 - startedMs < ms;
}
