/** Owns the fold: the events of one session become its row, whatever their order or number. Part of the pure core. */
import type { DeathEvent, DeathProof, EndEvent, ProcessIdentity, SessionEvent, StartEvent } from "./event.ts";
import { type Instant, instantToMs } from "./instant.ts";

/** How the end of a session is known, weakest first; a later event only raises it (`src/README.md` section 3). */
export const sessionStates = ["active", "orphaned", "ended"] as const;

export type SessionState = (typeof sessionStates)[number];

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
  /** The end as the shell reported it, never before the start; null unless `ended`. */
  readonly endedAt: Instant | null;
  /** Bounds of the end of an `orphaned` session; null otherwise. */
  readonly endedAfter: Instant | null;
  readonly endedBefore: Instant | null;
  /** Milliseconds; null unless `ended`, because an interval has no length to state. */
  readonly durationMs: number | null;
  readonly durationBasis: DurationBasis | null;
  readonly exitCode: number | null;
  /** The reported reason, or the proof of death; null where not known. */
  readonly endReason: string | DeathProof | null;
  readonly signal: string | null;
  readonly process: ProcessIdentity | null;
  readonly startEventId: string;
  readonly endEventId: string | null;
}

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
  const end = earliest(ends, (event) => event.content.timestamp);
  if (end !== undefined) return { ...opened(start), ...reported(start, end) };
  const death = earliest(deaths, (event) => event.content.detectedAt);
  if (death !== undefined) return { ...opened(start), ...proven(start, death, deaths) };
  return opened(start);
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
    process: start.observed.process,
    startEventId: start.eventId,
    endEventId: null,
  };
}

function reported(start: StartEvent, end: EndEvent): Partial<Session> {
  const startedAt = start.content.timestamp;
  return {
    state: "ended",
    endedAt: latest(startedAt, end.content.timestamp),
    ...duration(start, end),
    exitCode: end.content.exitCode,
    endReason: end.content.reason,
    signal: end.content.signal,
    endEventId: end.eventId,
  };
}

function proven(start: StartEvent, first: DeathEvent, deaths: readonly DeathEvent[]): Partial<Session> {
  const startedAt = start.content.timestamp;
  const endedBefore = latest(startedAt, first.content.detectedAt);
  const lastAliveAt = latest(startedAt, ...deaths.map((death) => death.content.lastAliveAt));
  return {
    state: "orphaned",
    endedAfter: earlier(lastAliveAt, endedBefore),
    endedBefore,
    endReason: first.content.proof,
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
