/** Owns the fold: the events of one session become its row, whatever their order or number. Part of the pure core. */
import { type Circumstances, circumstancesOf } from "./circumstances.ts";
import {
  type DeathEvent,
  type DeathProof,
  type EndEvent,
  type EventOrigin,
  type ProcessIdentity,
  type SessionEvent,
  type StartEvent,
  sourceKinds,
} from "./event.ts";
import { type Instant, instantToMs } from "./instant.ts";

/** The states of a session: open, or by how its end is known. */
export const sessionStates = ["active", "orphaned", "replaced", "ended"] as const;

export type SessionState = (typeof sessionStates)[number];

/** Who told the end of a session, or proved it; `unknown` for ends that were recorded before sources were. */
export const enders = [...sourceKinds, "unknown"] as const;

export type Ender = (typeof enders)[number];

/** How strongly a state is known; a later event only raises it (`src/README.md` section 3). */
export const strongestRank = 3;

/** By what a duration was measured; `clamped` marks clocks that would have made it negative. */
export type DurationBasis = "boot_clock" | "wall_clock" | "clamped";

/** One session: the fold of its events. */
export interface Session {
  readonly sessionId: string;
  readonly state: SessionState;
  readonly componentName: string;
  readonly shellType: string;
  readonly pid: number;
  readonly hostname: string;
  readonly username: string;
  readonly home: string;
  readonly cwd: string;
  readonly platform: string;
  readonly startedAt: Instant;
  /** The end as it was told, never before the start nor after a proof of death; null unless `ended`. */
  readonly endedAt: Instant | null;
  /** Bounds of the end of an `orphaned` or `replaced` session; null otherwise. */
  readonly endedAfter: Instant | null;
  readonly endedBefore: Instant | null;
  /** Milliseconds; null unless `ended`, because an interval has no length to state. */
  readonly durationMs: number | null;
  readonly durationBasis: DurationBasis | null;
  readonly exitCode: number | null;
  /** The reported reason, or the proof of death; null where not known. */
  readonly endReason: string | DeathProof | null;
  readonly signal: string | null;
  /** Null while `active`. */
  readonly endedBy: Ender | null;
  readonly process: ProcessIdentity | null;
  readonly circumstances: Circumstances;
  /** The user id of the shell's owner, as the file system has it; null where the record is one user's. */
  readonly ownerUid: number | null;
  /** Whether the shell's process was seen to act as that user; null where the record is one user's. */
  readonly isVerified: boolean | null;
  /** The record that delivered the session, and its id there; null for this record's own sessions. */
  readonly origin: SessionOrigin | null;
  readonly startEventId: string;
  readonly endEventId: string | null;
}

export type SessionOrigin = Pick<EventOrigin, "originId" | "sessionId">;

/**
 * Folds the events of one session into its row. A join: duplicates, order and batches make no difference.
 *
 * @returns null when no start is among the events
 */
export function foldSession(events: Iterable<SessionEvent>): Session | null {
  const starts: StartEvent[] = [];
  const ends: EndEvent[] = [];
  const deaths: DeathEvent[] = [];
  for (const event of events) {
    if (event.kind === "start") starts.push(event);
    else if (event.kind === "end") ends.push(event);
    else deaths.push(event);
  }
  const start = earliest(starts, (event) => event.content.timestamp);
  if (start === undefined) return null;
  const proofs = deaths.filter((death) => !ends.some((end) => isRefuted(death, end)));
  const proof = earliest(proofs, (event) => event.content.detectedAt);
  const end = strongest(ends);
  if (end !== undefined) return { ...opened(start), ...reported(start, end, proof) };
  if (proof !== undefined) return { ...opened(start), ...proven(start, proof, proofs) };
  return opened(start);
}

/** @returns how strongly the state of a session is known, 0 to {@link strongestRank} */
export function rankOf({ state, endedBy }: Pick<Session, "state" | "endedBy">): number {
  if (state === "active") return 0;
  if (state !== "ended") return 1;
  return endedBy === "hook" ? strongestRank : 2;
}

/** @returns the rank that a session has at least once this event is on record */
export function rankOfEvent(event: SessionEvent): number {
  if (event.kind === "start") return 0;
  if (event.kind === "death") return 1;
  return isOwnWord(event) ? strongestRank : 2;
}

/** The shell told it itself: by its state file, which it alone writes. */
function isOwnWord({ observed }: EndEvent): boolean {
  return observed.source?.kind === "hook";
}

/** Another record has it as the shell's own word: no more than told by another here, and before what others told there. */
function isOwnWordElsewhere({ observed: { source } }: EndEvent): boolean {
  return source?.kind === "import" && source.original?.kind === "hook";
}

/** The boot clock says that the shell told its end after it was taken for dead: then it lived, and the proof was none. */
function isRefuted(death: DeathEvent, end: EndEvent): boolean {
  const [seen, told] = [death.observed.bootClock, end.observed.bootClock];
  const isOfShell = isOwnWord(end) || (isOwnWordElsewhere(end) && death.observed.source?.kind === "import");
  return isOfShell && seen !== null && told !== null && seen.bootId === told.bootId && seen.ms < told.ms;
}

/** The shell's own end before one that others told, and theirs before one of another record; of equal ones the earliest. */
function strongest(ends: readonly EndEvent[]): EndEvent | undefined {
  const firstHand = ends.filter(({ observed }) => observed.source?.kind !== "import");
  const groups = [ends.filter(isOwnWord), firstHand, ends.filter(isOwnWordElsewhere), ends];
  return earliest(groups.find(({ length }) => length > 0) ?? [], (event) => event.content.timestamp);
}

function opened(start: StartEvent): Session {
  const { content } = start;
  return {
    sessionId: start.sessionId,
    state: "active",
    componentName: content.componentName,
    shellType: content.shellType,
    pid: content.pid,
    hostname: content.hostname,
    username: content.username,
    home: content.home,
    cwd: content.cwd,
    platform: content.platform,
    startedAt: content.timestamp,
    endedAt: null,
    endedAfter: null,
    endedBefore: null,
    durationMs: null,
    durationBasis: null,
    exitCode: null,
    endReason: null,
    signal: null,
    endedBy: null,
    process: start.observed.process,
    circumstances: circumstancesOf(start.observed.circumstances),
    ownerUid: start.observed.owner?.uid ?? null,
    isVerified: start.observed.owner?.isVerified ?? null,
    origin: originOf(start),
    startEventId: start.eventId,
    endEventId: null,
  };
}

function originOf({ observed: { origin } }: StartEvent): SessionOrigin | null {
  return origin === undefined ? null : { originId: origin.originId, sessionId: origin.sessionId };
}

/** @param proof - the first proof of death that stands: no end lies after it */
function reported(start: StartEvent, end: EndEvent, proof: DeathEvent | undefined): Partial<Session> {
  const startedAt = start.content.timestamp;
  const told = end.content.timestamp;
  const at = proof === undefined ? told : earlier(told, proof.content.detectedAt);
  return {
    state: "ended",
    endedAt: latest(startedAt, at),
    ...(at === told ? duration(start, end) : clampedDuration(startedAt, at)),
    exitCode: end.content.exitCode,
    endReason: end.content.reason,
    signal: end.content.signal,
    endedBy: end.observed.source?.kind ?? "unknown",
    endEventId: end.eventId,
  };
}

function proven(start: StartEvent, first: DeathEvent, deaths: readonly DeathEvent[]): Partial<Session> {
  const startedAt = start.content.timestamp;
  const endedBefore = latest(startedAt, first.content.detectedAt);
  const lastAliveAt = latest(startedAt, ...deaths.map((death) => death.content.lastAliveAt));
  return {
    state: first.content.proof === "executable_replaced" ? "replaced" : "orphaned",
    endedAfter: earlier(lastAliveAt, endedBefore),
    endedBefore,
    endReason: first.content.proof,
    endedBy: first.observed.source?.kind ?? "kernel",
    endEventId: first.eventId,
  };
}

function duration(start: StartEvent, end: EndEvent): Pick<Session, "durationMs" | "durationBasis"> {
  const bootMs = bootClockDifference(start, end);
  if (bootMs !== null && bootMs >= 0) return { durationMs: bootMs, durationBasis: "boot_clock" };
  const wallMs = instantToMs(end.content.timestamp) - instantToMs(start.content.timestamp);
  if (wallMs < 0) return { durationMs: 0, durationBasis: "clamped" };
  return { durationMs: wallMs, durationBasis: "wall_clock" };
}

function clampedDuration(from: Instant, to: Instant): Pick<Session, "durationMs" | "durationBasis"> {
  return { durationMs: Math.max(0, instantToMs(to) - instantToMs(from)), durationBasis: "clamped" };
}

function bootClockDifference(start: StartEvent, end: EndEvent): number | null {
  const from = start.observed.bootClock;
  const to = end.observed.bootClock;
  return from !== null && to !== null && from.bootId === to.bootId ? to.ms - from.ms : null;
}

/** The event with the smallest time; equal times are told apart by event id, so that order never matters. */
function earliest<E extends SessionEvent>(events: readonly E[], timeOf: (event: E) => Instant): E | undefined {
  const key = (event: E) => `${timeOf(event)} ${event.eventId}`;
  return events.reduce<E | undefined>((best, event) => (best && key(best) <= key(event) ? best : event), undefined);
}

function earlier(a: Instant, b: Instant): Instant {
  return [a, b].sort()[0] as Instant;
}

function latest(...instants: Instant[]): Instant {
  return instants.sort().at(-1) as Instant;
}
