/** Owns the one mapping between events and sessions and their rows. For `store/` alone. */
import type { SQLInputValue, SQLOutputValue } from "node:sqlite";
import { canonicalJson, type Json, parseJson } from "../../tracker/canonical.ts";
import type { ProcessIdentity, SessionEvent } from "../../tracker/event.ts";
import type { DurationBasis, Session, SessionState } from "../../tracker/fold.ts";
import type { Instant } from "../../tracker/instant.ts";
import { spanClassOf } from "./spans.ts";

export type Row = Record<string, SQLOutputValue>;

/** The columns of `sessions` with the value that each takes; the writing half of the mapping. */
const sessionColumns = new Map<string, (session: Session) => SQLInputValue>([
  ["session_id", (s) => s.sessionId],
  ["state", (s) => s.state],
  ["component_name", (s) => s.componentName],
  ["shell_type", (s) => s.shellType],
  ["pid", (s) => s.pid],
  ["hostname", (s) => s.hostname],
  ["username", (s) => s.username],
  ["home", (s) => s.home],
  ["cwd", (s) => s.cwd],
  ["platform", (s) => s.platform],
  ["started_at", (s) => s.startedAt],
  ["ended_at", (s) => s.endedAt],
  ["ended_after", (s) => s.endedAfter],
  ["ended_before", (s) => s.endedBefore],
  ["span_class", spanClassOf],
  ["duration_ms", (s) => s.durationMs],
  ["duration_basis", (s) => s.durationBasis],
  ["exit_code", (s) => s.exitCode],
  ["end_reason", (s) => s.endReason],
  ["signal", (s) => s.signal],
  ["host_id", (s) => s.process?.hostId ?? null],
  ["boot_id", (s) => s.process?.bootId ?? null],
  ["pid_namespace", (s) => s.process?.pidNamespace ?? null],
  ["process_pid", (s) => s.process?.pid ?? null],
  ["start_ticks", (s) => s.process?.startTicks ?? null],
  ["executable", (s) => s.process?.executable ?? null],
  ["start_event_id", (s) => s.startEventId],
  ["end_event_id", (s) => s.endEventId],
]);

const names = [...sessionColumns.keys()];

/** Writes a session over what was there. */
export const putSessionSql = `INSERT OR REPLACE INTO sessions (${names.join(", ")}) VALUES (${names.map(() => "?").join(", ")})`;

/** @returns the values for {@link putSessionSql}. */
export function sessionToValues(session: Session): SQLInputValue[] {
  return [...sessionColumns.values()].map((columnValue) => columnValue(session));
}

export function rowToSession(row: Row): Session {
  return {
    sessionId: row.session_id as string,
    state: row.state as SessionState,
    componentName: row.component_name as string,
    shellType: row.shell_type as string,
    pid: row.pid as number,
    hostname: row.hostname as string,
    username: row.username as string,
    home: row.home as string,
    cwd: row.cwd as string,
    platform: row.platform as string,
    startedAt: row.started_at as Instant,
    endedAt: row.ended_at as Instant | null,
    endedAfter: row.ended_after as Instant | null,
    endedBefore: row.ended_before as Instant | null,
    durationMs: row.duration_ms as number | null,
    durationBasis: row.duration_basis as DurationBasis | null,
    exitCode: row.exit_code as number | null,
    endReason: row.end_reason as string | null,
    signal: row.signal as string | null,
    process: rowToProcess(row),
    startEventId: row.start_event_id as string,
    endEventId: row.end_event_id as string | null,
  };
}

function rowToProcess(row: Row): ProcessIdentity | null {
  if (row.process_pid === null) return null;
  return {
    hostId: row.host_id as string | null,
    bootId: row.boot_id as string | null,
    pidNamespace: row.pid_namespace as string | null,
    pid: row.process_pid as number,
    startTicks: row.start_ticks as string | null,
    executable: row.executable as string | null,
  };
}

/** @returns event id, session id, kind and body, in the order of the columns of `events`. */
export function eventToValues(event: SessionEvent): SQLInputValue[] {
  const body = { content: event.content, observed: event.observed } as unknown as Json;
  return [event.eventId, event.sessionId, event.kind, canonicalJson(body)];
}

export function rowToEvent(row: Row): SessionEvent {
  const body = parseJson(row.body as string) as unknown as Pick<SessionEvent, "content" | "observed">;
  return {
    kind: row.kind,
    eventId: row.event_id,
    sessionId: row.session_id,
    content: body.content,
    observed: body.observed,
  } as SessionEvent;
}
