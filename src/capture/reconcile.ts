/** Owns finishing what shells left behind: state files brought on record, dead shells closed. For `app.ts` alone. */
import { liveness } from "../host/liveness.ts";
import type { Machine } from "../host/machine.ts";
import type { Log } from "../log.ts";
import { SessionBuddyError } from "../tracker/errors.ts";
import type { DeathContent, Observation } from "../tracker/event.ts";
import type { Session } from "../tracker/fold.ts";
import { type Instant, instantFromMs } from "../tracker/instant.ts";
import { lastAliveAt, lastSighting, type Moment, type Sighting, withSighting } from "../tracker/sighting.ts";
import type { Store } from "../tracker/store.ts";
import type { Tracker } from "../tracker/tracker.ts";
import { lastSweepMs, takeSweepTurn } from "./reconcile-turn.ts";
import { processOfFile, startInstantOf } from "./shell-events.ts";
import { readStateFile, removeStateFile, type StateFile, setAside } from "./state-file.ts";
import { isForItsCourier, isJustMade, isUnderWay, readAgain, stateFilesIn } from "./state-folder.ts";

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
  /** Files of shells that have not told their end. */
  readonly open: readonly StateFile[];
}

/** What the sweep knows of the sessions that were open when it looked. */
interface Look {
  readonly orphaned: number;
  /** Event ids of the starts of those that are still open, by session id. */
  readonly open: ReadonlyMap<string, string>;
  /** Event ids of the starts of those whose process is alive. */
  readonly alive: readonly string[];
}

/**
 * Sweeps once. One process at a time sweeps for all; when another one is at it, there is nothing to do.
 *
 * @param deadlineMs - how long it may take, in milliseconds; what is left is for the next sweep
 * @returns null when another process has the turn
 */
export async function reconcile(dependencies: ReconcileDependencies, deadlineMs: number): Promise<SweepReport | null> {
  const { stateFolder, machine } = dependencies;
  const started = thisMoment(machine);
  const turn = takeSweepTurn(stateFolder, started.atMs);
  if (turn === null) return null;
  const isInTime = stopwatch(deadlineMs);
  try {
    const sightings = turn.sightings();
    const { open: files, ...counts } = await recordFiles(dependencies, isInTime);
    const look = await closeDead(dependencies, findSuccessors(files), sightings, isInTime);
    for (const { sessionId, path } of files) {
      if (!look.open.has(sessionId ?? "")) await orSetAside(path, dependencies, () => settle(path, dependencies));
    }
    const isComplete = isInTime();
    const seen = { ...started, starts: look.alive };
    if (isComplete) turn.complete(started.atMs, withSighting(sightings, seen, new Set(look.open.values())));
    return { ...counts, orphaned: look.orphaned, isComplete };
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
  for (const path of stateFilesIn(dependencies.stateFolder)) {
    if (!isInTime()) break;
    const outcome = await recordOne(path, dependencies);
    if (outcome === "finished") finished += 1;
    else if (outcome === "rejected") rejected += 1;
    else if (outcome !== null) open.push(outcome);
  }
  return { finished, rejected, open };
}

/** @returns what became of the file; the file itself when its shell has not told its end */
function recordOne(
  path: string,
  dependencies: ReconcileDependencies,
): Promise<"finished" | "rejected" | StateFile | null> {
  return orSetAside(path, dependencies, async () => {
    const file = readStateFile(path);
    if (file === null || isUnderWay(file) || isForItsCourier(file, dependencies.machine.processes)) return null;
    if (file.end === null && file.sessionId !== null) return file;
    const { sessionId } = await dependencies.recordFile(file);
    return file.end === null ? { ...file, sessionId } : "finished";
  });
}

async function orSetAside<T>(
  path: string,
  { log }: ReconcileDependencies,
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

async function closeDead(
  { machine, store, tracker }: ReconcileDependencies,
  successors: ReadonlyMap<string, Instant>,
  sightings: readonly Sighting[],
  isInTime: () => boolean,
): Promise<Look> {
  const sessions = machine.hostId === null ? [] : await store.sessions({ states: ["active"], hostId: machine.hostId });
  const open = new Map(sessions.map(({ sessionId, startEventId }) => [sessionId, startEventId]));
  const alive: string[] = [];
  for (const session of sessions) {
    if (!isInTime()) break;
    const found = lookAt(session, machine, successors.get(session.sessionId), sightings);
    if (found === "alive") alive.push(session.startEventId);
    if (found === "alive" || found === "unknown") continue;
    await tracker.death(session.sessionId, found, observedNow(machine));
    open.delete(session.sessionId);
  }
  return { orphaned: sessions.length - open.size, open, alive };
}

function lookAt(
  session: Session,
  machine: Machine,
  successor: Instant | undefined,
  sightings: readonly Sighting[],
): DeathContent | "alive" | "unknown" {
  if (successor !== undefined) return replacedBy(session, successor);
  if (session.process === null) return "unknown";
  const verdict = liveness(session.process, machine);
  return verdict.state === "dead" ? provenDead(session, verdict.proof, sightings, thisMoment(machine)) : verdict.state;
}

function observedNow(machine: Machine): Observation {
  const { atMs, bootClock } = thisMoment(machine);
  return { recordedAt: instantFromMs(atMs), caller: null, process: null, bootClock };
}

/** The wall clock is read first, as {@link lastAliveAt} wants it. */
function thisMoment(machine: Machine): Moment {
  const atMs = Date.now();
  return { atMs, bootClock: machine.bootClock() };
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

/** A look at the process is no proof of life here: between the exec and the next file it saw the next shell already. */
function replacedBy({ startedAt }: Session, successor: Instant): DeathContent {
  return { lastAliveAt: startedAt, detectedAt: successor, proof: "executable_replaced" };
}

/** The last proof of life is the last look that saw the process alive, else the start itself. */
function provenDead(
  { startedAt, startEventId }: Session,
  proof: DeathContent["proof"],
  sightings: readonly Sighting[],
  now: Moment,
): DeathContent {
  const seen = lastSighting(sightings, startEventId);
  const seenAt = seen === null ? startedAt : lastAliveAt(seen, now);
  const detectedAt = instantFromMs(now.atMs);
  const isInOrder = startedAt < seenAt && seenAt < detectedAt;
  return { lastAliveAt: isInOrder ? seenAt : startedAt, detectedAt, proof };
}

/**
 * Finishes with the file of a session that is not open. It is read once again, because the shell may have told its end
 * between the first look at its file and the look at its process.
 */
async function settle(path: string, { machine, recordFile, store }: ReconcileDependencies): Promise<void> {
  const file = readAgain(path);
  if (file?.sessionId == null) return;
  if (file.end !== null) return void (await recordFile(file));
  // Not in this store: the store is another one than when the file was written, or the session was pruned.
  const session = (await store.session(file.sessionId)) ?? (await store.session((await recordFile(file)).sessionId));
  const isOver =
    session === null ? liveness(processOfFile(file, machine), machine).state === "dead" : session.state !== "active";
  // Nobody writes to a dead shell's file any more.
  if (isOver) removeStateFile(path);
}

/** @returns a function that says whether fewer than `ms` milliseconds have passed; the wall clock may be set meanwhile. */
function stopwatch(ms: number): () => boolean {
  const startedMs = process.uptime() * 1000;
  return () => process.uptime() * 1000 - startedMs < ms;
}
