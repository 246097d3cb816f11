/**
 * Owns the JSON in which questions are answered, on the command line and over the wire alike. Part of the pure core.
 *
 * Longer than 250 lines because all keys that programs read stand beside each other.
 */
import type { JsonObject } from "../tracker/canonical.ts";
import { type CircumstanceName, type ToldCircumstance, toldOnes, worthOf } from "../tracker/circumstances.ts";
import type { EventSource, FirstSource, ProcessIdentity, SessionEvent } from "../tracker/event.ts";
import type { Explanation } from "../tracker/explain.ts";
import type { Session } from "../tracker/fold.ts";
import { formatInstant, type Instant } from "../tracker/instant.ts";
import type { LoggedEvent, StatsRow } from "../tracker/store.ts";

/** A session as it is answered: the keys that `--json` promises. */
export type SessionRow = ReturnType<typeof toJsonRow>;
/** One session with all that a list has no room for. */
export type SessionDetailRow = ReturnType<typeof toDetailRow>;
export type LogRow = ReturnType<typeof toLogRow>;
export type EventRow = ReturnType<typeof toEventRow>;
export type GroupRow = ReturnType<typeof toStatsRow>;
export type ExplanationRow = ReturnType<typeof toExplanationRow>;
export type OriginRow = NonNullable<SessionRow["origin"]>;
export type ProcessRow = ReturnType<typeof toProcessRow>;
export type CircumstanceRow = ReturnType<typeof toCircumstanceRow>;

/** Who said what an event says. */
export interface SourceRow extends FirstSourceRow {
  readonly kind: EventSource["kind"];
  /** What another record has, where the event was imported; null otherwise. */
  readonly original: OriginalRow | null;
}

interface FirstSourceRow {
  readonly uid: number | null;
  readonly pid: number | null;
}

export interface OriginalRow extends FirstSourceRow {
  readonly kind: FirstSource["kind"] | null;
  readonly caller: string | null;
  readonly recorded_at: string;
}

const keysOfSession: Readonly<Record<keyof SessionRow, true>> = {
  session_id: true,
  state: true,
  component_name: true,
  shell_type: true,
  pid: true,
  hostname: true,
  username: true,
  cwd: true,
  started_at: true,
  ended_at: true,
  ended_after: true,
  ended_before: true,
  duration_ms: true,
  exit_code: true,
  end_reason: true,
  ended_by: true,
  signal: true,
  idle_ms: true,
  uid: true,
  tty: true,
  login_uid: true,
  login_user: true,
  audit_session: true,
  systemd_session: true,
  parent_session: true,
  via: true,
  multiplexer: true,
  container: true,
  remote: true,
  terminal_program: true,
  origin: true,
  as_of: true,
};

export const keysOfCircumstances: Readonly<Record<CircumstanceName, keyof SessionRow>> = {
  uid: "uid",
  tty: "tty",
  loginUid: "login_uid",
  loginUser: "login_user",
  auditSession: "audit_session",
  systemdSession: "systemd_session",
  parentSession: "parent_session",
  via: "via",
  multiplexer: "multiplexer",
  container: "container",
  remote: "remote",
  terminalProgram: "terminal_program",
};

/** @returns every key of a session's row, in their order: what CSV has as its titles */
export function sessionRowKeys(): readonly (keyof SessionRow)[] {
  return Object.keys(keysOfSession) as (keyof SessionRow)[];
}

/** As much of a session as a list of them has. */
export type ListedSession = Pick<
  Session,
  | "sessionId"
  | "state"
  | "componentName"
  | "shellType"
  | "pid"
  | "hostname"
  | "username"
  | "cwd"
  | "startedAt"
  | "endedAt"
  | "endedAfter"
  | "endedBefore"
  | "durationMs"
  | "exitCode"
  | "endReason"
  | "endedBy"
  | "signal"
  | "circumstances"
  | "origin"
> & {
  /** How long nothing was typed at its terminal; missing where that was not seen. */
  readonly idleMs?: number;
  /** What is known of the record that delivered it; missing where nothing is. */
  readonly heard?: Heard;
};

/** Another record, as this one last heard of it. */
export interface Heard {
  /** The name that it was invited by; null where it has none. */
  readonly name: string | null;
  /** Null where it does not matter: of a session that is over. */
  readonly at: Instant | null;
}

/** Null where not known. Times are RFC 3339, durations milliseconds. */
export function toJsonRow(session: ListedSession) {
  const { circumstances } = session;
  return {
    session_id: session.sessionId,
    state: session.state,
    component_name: session.componentName,
    shell_type: session.shellType,
    pid: session.pid,
    hostname: session.hostname,
    username: session.username,
    cwd: session.cwd,
    started_at: formatInstant(session.startedAt),
    ended_at: formatted(session.endedAt),
    ended_after: formatted(session.endedAfter),
    ended_before: formatted(session.endedBefore),
    duration_ms: session.durationMs,
    exit_code: session.exitCode,
    end_reason: session.endReason,
    ended_by: session.endedBy,
    signal: session.signal,
    idle_ms: session.idleMs ?? null,
    uid: circumstances.uid,
    tty: circumstances.tty,
    login_uid: circumstances.loginUid,
    login_user: circumstances.loginUser,
    audit_session: circumstances.auditSession,
    systemd_session: circumstances.systemdSession,
    parent_session: circumstances.parentSession,
    via: circumstances.via,
    multiplexer: circumstances.multiplexer,
    container: circumstances.container,
    remote: circumstances.remote,
    terminal_program: circumstances.terminalProgram,
    ...toHeardRow(session),
  };
}

function toHeardRow(session: Pick<ListedSession, "origin" | "heard" | "state">) {
  return { origin: toOriginRow(session), as_of: formatted(asOf(session)) };
}

/**
 * A record that is silent may know of an end: an open session that it delivered is open as of when it was last heard.
 *
 * @returns null for sessions of one's own, and those that are over
 */
export function asOf({ origin, heard, state }: Pick<ListedSession, "origin" | "heard" | "state">): Instant | null {
  return origin !== null && state === "active" ? (heard?.at ?? null) : null;
}

function toOriginRow({ origin, heard }: Pick<ListedSession, "origin" | "heard">) {
  return origin === null ? null : { id: origin.originId, name: heard?.name ?? null, session_id: origin.sessionId };
}

/** A circumstance of a start with who tells it and what that is worth. */
function toCircumstanceRow(told: ToldCircumstance) {
  return { name: keysOfCircumstances[told.name], value: told.value, source: told.source, worth: worthOf(told) };
}

/** The row's keys, then what a list has no room for. */
export function toDetailRow(session: Session & Pick<ListedSession, "idleMs" | "heard">) {
  return {
    ...toJsonRow(session),
    home: session.home,
    platform: session.platform,
    duration_basis: session.durationBasis,
    process: session.process === null ? null : toProcessRow(session.process),
  };
}

/** One event of the log of all sessions. */
export function toLogRow(logged: LoggedEvent) {
  const { seq, ...row } = toEventRow(logged);
  return { seq, session_id: logged.event.sessionId, ...row };
}

/** One event of a session: what was said and what was seen. `details` depend on the kind. */
export function toEventRow({ seq, event }: LoggedEvent) {
  const { recordedAt, source, caller, process, bootClock, circumstances } = event.observed;
  return {
    seq,
    event_id: event.eventId,
    kind: event.kind,
    recorded_at: formatInstant(recordedAt),
    source: source === null ? null : toSourceRow(source),
    caller,
    process: process === null ? null : toProcessRow(process),
    boot_clock: bootClock === null ? null : { boot_id: bootClock.bootId, ms: bootClock.ms },
    circumstances: toldOnes(circumstances).map(toCircumstanceRow),
    details: toDetails(event),
  };
}

export function toStatsRow(row: StatsRow) {
  return {
    key: row.key,
    sessions: row.sessions,
    open: row.open,
    orphaned: row.orphaned,
    replaced: row.replaced,
    median_ms: row.medianMs,
    p95_ms: row.p95Ms,
  };
}

/** How a session's state is known; the probes as they were compared. @param heard - of the record that delivered it */
export function toExplanationRow(explanation: Explanation, heard?: Heard) {
  const { session, rank, decidingEventId, events, now, probes, circumstances } = explanation;
  return {
    session_id: session.sessionId,
    state: session.state,
    rank,
    ended_by: session.endedBy,
    end_reason: session.endReason,
    ended_after: formatted(session.endedAfter),
    ended_before: formatted(session.endedBefore),
    duration_basis: session.durationBasis,
    owner_uid: session.ownerUid,
    verified: session.isVerified,
    deciding_event_id: decidingEventId,
    events: events.map(({ event }) => ({
      event_id: event.eventId,
      kind: event.kind,
      recorded_at: formatInstant(event.observed.recordedAt),
      source: event.observed.source === null ? null : toSourceRow(event.observed.source),
      caller: event.observed.caller,
    })),
    process_now: now,
    probes,
    circumstances: circumstances.map(toCircumstanceRow),
    ...toHeardRow({ ...session, ...(heard === undefined ? {} : { heard }) }),
  };
}

/** Who said it: user and process of a command, the user who imported; and what the other record has, of an import alone. */
function toSourceRow(source: EventSource): SourceRow {
  if (source.kind !== "import") return { ...toFirstSourceRow(source), original: null };
  const { kind, uid, original, originalCaller, originallyAt } = source;
  const first = original === null ? { kind: null, uid: null, pid: null } : toFirstSourceRow(original);
  return {
    ...{ kind, uid, pid: null },
    original: { ...first, caller: originalCaller, recorded_at: formatInstant(originallyAt) },
  };
}

function toFirstSourceRow(source: FirstSource) {
  const { uid, pid } = source.kind === "command" ? source : { uid: null, pid: null };
  return { kind: source.kind, uid, pid };
}

/** A null field could not be looked at. */
export function toProcessRow(identity: ProcessIdentity) {
  return {
    host_id: identity.hostId,
    boot_id: identity.bootId,
    pid_namespace: identity.pidNamespace,
    pid: identity.pid,
    start_ticks: identity.startTicks,
    executable: identity.executable,
    exe_id: identity.exeId,
    comm: identity.comm,
  };
}

function toDetails(event: SessionEvent): JsonObject {
  if (event.kind === "death") {
    const { lastAliveAt, detectedAt, proof } = event.content;
    return { last_alive_at: formatInstant(lastAliveAt), detected_at: formatInstant(detectedAt), proof };
  }
  if (event.kind === "end") {
    const { timestamp, reason, exitCode, signal, metadata } = event.content;
    return { timestamp: formatInstant(timestamp), reason, exit_code: exitCode, signal, metadata };
  }
  const { content } = event;
  return {
    timestamp: formatInstant(content.timestamp),
    component_name: content.componentName,
    shell_type: content.shellType,
    pid: content.pid,
    hostname: content.hostname,
    user: { username: content.username, home: content.home },
    environment: {
      ...content.environmentExtra,
      python_version: content.pythonVersion,
      platform: content.platform,
      cwd: content.cwd,
    },
    metadata: content.metadata,
  };
}

function formatted(instant: Instant | null): string | null {
  return instant === null ? null : formatInstant(instant);
}
