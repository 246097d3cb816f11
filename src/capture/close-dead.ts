/** Owns closing what is proven dead: a look at each open session's process, and what the proof says of its end. */
import type { Config } from "../config/config.ts";
import { liveness } from "../host/liveness.ts";
import type { Machine } from "../host/machine.ts";
import type { DeathContent, Observation } from "../tracker/event.ts";
import type { Session } from "../tracker/fold.ts";
import { type Instant, instantFromMs } from "../tracker/instant.ts";
import { lastAliveAt, lastSighting, type Moment, type Sighting } from "../tracker/sighting.ts";
import type { SessionIndex } from "../tracker/store.ts";
import type { Tracker } from "../tracker/tracker.ts";
import { createBreath } from "./breath.ts";
import { startInstantOf } from "./shell-events.ts";
import { namedProcess, type StateFile } from "./state-file.ts";
import { withUnreadFiles } from "./state-folder.ts";

interface CloseApp {
  readonly config: Pick<Config, "paths">;
  readonly machine: Machine;
  readonly store: Pick<SessionIndex, "activeOfHost">;
  readonly tracker: Tracker;
}

const closedAtOnce = 64;

/** What is known of the sessions that were open when it looked. */
interface Look {
  readonly orphaned: number;
  /** Event ids of the starts of those that are still open, by session id. */
  readonly open: ReadonlyMap<string, string>;
  /** Event ids of the starts of those whose process is alive. */
  readonly alive: readonly string[];
}

/**
 * Looks once more at what the shell of a session of the spool has left, now that its process is found dead.
 *
 * @returns `told` when its end is on record since, or a file came that is to be read before
 */
export type RecordSpooled = (session: Session, name: string, read: ReadonlySet<string>) => Promise<"told" | "silent">;

/**
 * Closes the sessions of this host whose process is proven dead.
 *
 * @param files - of the shells, those that have told their end among them
 * @param sightings - when processes were last seen alive
 */
export async function closeDead(
  { config, machine, store, tracker }: CloseApp,
  files: readonly StateFile[],
  sightings: readonly Sighting[],
  isInTime: () => boolean,
  recordSpooled: RecordSpooled,
): Promise<Look> {
  const successors = findSuccessors(files);
  const sessions = machine.hostId === null ? [] : await store.activeOfHost(machine.hostId);
  const open = new Map(sessions.map(({ sessionId, startEventId }) => [sessionId, startEventId]));
  const alive: string[] = [];
  const dead: (readonly [session: Session, death: DeathContent, name: string])[] = [];
  const breathe = createBreath();
  for (const session of sessions) {
    if (!isInTime()) break;
    await breathe();
    const found = lookAt(session, machine, successors.get(session.sessionId), sightings);
    if (found === "alive") alive.push(session.startEventId);
    else if (found !== "unknown") dead.push([session, found, nameOfFile(session)]);
  }
  // Of a shell that was replaced since the files were read, the file is the proof, not that its process is gone by now.
  const names = new Set(dead.map(([, , name]) => name));
  const read = new Set(files.map(({ path }) => path));
  const unread = withUnreadFiles(config.paths.stateFolder, names, read);
  const close = async ([session, death, name]: (typeof dead)[number]) => {
    if (unread.has(name)) return;
    if (session.ownerUid !== null && (await recordSpooled(session, name, read)) === "told") return;
    await tracker.death(session.sessionId, death, observedNow(machine));
    open.delete(session.sessionId);
  };
  // Those of one turn share a commit.
  for (let at = 0; at < dead.length && isInTime(); at += closedAtOnce) {
    await Promise.all(dead.slice(at, at + closedAtOnce).map(close));
  }
  return { orphaned: sessions.length - open.size, open, alive };
}

/** What the files of a session's process begin with. */
function nameOfFile({ process }: Session): string {
  return `${process?.bootId}.${process?.pid}.${process?.startTicks}`;
}

function lookAt(
  session: Session,
  machine: Machine,
  successor: Instant | undefined,
  sightings: readonly Sighting[],
): DeathContent | "alive" | "unknown" {
  if (successor !== undefined) return replacedBy(session, successor);
  if (session.process === null) return "unknown";
  // Of other users' processes the name is all that can be compared.
  const verdict = liveness(session.process, machine, session.ownerUid !== null);
  return verdict.state === "dead" ? provenDead(session, verdict.proof, sightings, thisMoment(machine)) : verdict.state;
}

function observedNow(machine: Machine): Observation {
  const { atMs, bootClock } = thisMoment(machine);
  const recordedAt = instantFromMs(atMs);
  return { recordedAt, source: { kind: "kernel" }, caller: null, process: null, bootClock, circumstances: null };
}

/** The wall clock is read first, as {@link lastAliveAt} wants it. */
export function thisMoment(machine: Machine): Moment {
  const atMs = Date.now();
  return { atMs, bootClock: machine.bootClock() };
}

/**
 * A shell that replaced itself with a shell by `exec` keeps its pid and start, and has run no exit hook; the next file
 * of the same process is the proof, also when that shell was another copy of the same program, and when it has ended.
 *
 * @returns the moment the next shell started, by session id
 */
function findSuccessors(files: readonly StateFile[]): ReadonlyMap<string, Instant> {
  const successors = new Map<string, Instant>();
  const newest = new Map<string, Instant>();
  const started = files.map((file) => ({ file, at: startInstantOf(file) })).sort((a, b) => (a.at < b.at ? 1 : -1));
  for (const { file, at } of started) {
    const named = namedProcess(file.path);
    if (named === null || file.sessionId === null) continue;
    // In the spool another user may name a file after anybody's process.
    const key = [...Object.values(named), file.owner?.uid].join(" ");
    const successor = newest.get(key);
    if (successor !== undefined) successors.set(file.sessionId, successor);
    newest.set(key, at);
  }
  return successors;
}

/** A look at the process is not a proof of life here: between the exec and the next file it saw the next shell already. */
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
