/** Owns the one mapping between events and sessions and their rows: each column with the field that it holds. Every store maps by it, both ways. */
import { canonicalJson, type Json, parseJson } from "../tracker/canonical.ts";
import type { Circumstances } from "../tracker/circumstances.ts";
import type { Observation, ProcessIdentity, SessionEvent } from "../tracker/event.ts";
import type { Session, SessionOrigin } from "../tracker/fold.ts";

const ownColumns = {
  session_id: "sessionId",
  state: "state",
  component_name: "componentName",
  shell_type: "shellType",
  pid: "pid",
  hostname: "hostname",
  username: "username",
  home: "home",
  cwd: "cwd",
  platform: "platform",
  started_at: "startedAt",
  ended_at: "endedAt",
  ended_after: "endedAfter",
  ended_before: "endedBefore",
  duration_ms: "durationMs",
  duration_basis: "durationBasis",
  exit_code: "exitCode",
  end_reason: "endReason",
  signal: "signal",
  ended_by: "endedBy",
  owner_uid: "ownerUid",
  start_event_id: "startEventId",
  end_event_id: "endEventId",
} as const satisfies Readonly<Record<string, keyof Session>>;

/** Truths are kept as 0 and 1. */
const truthColumns = {
  verified: "isVerified",
} as const satisfies Readonly<Record<string, keyof Session>>;

/** All null where no process was identified; then `process_pid` is what tells it from one of which little is known. */
const processColumns = {
  host_id: "hostId",
  boot_id: "bootId",
  pid_namespace: "pidNamespace",
  process_pid: "pid",
  start_ticks: "startTicks",
  executable: "executable",
  exe_id: "exeId",
  comm: "comm",
} as const satisfies Readonly<Record<string, keyof ProcessIdentity>>;

/** Both null in this record's own sessions. */
const originColumns = {
  origin_id: "originId",
  origin_session_id: "sessionId",
} as const satisfies Readonly<Record<string, keyof SessionOrigin>>;

/** Exported for the test of the step that brought them. */
export const circumstanceColumns = {
  uid: "uid",
  tty: "tty",
  login_uid: "loginUid",
  login_user: "loginUser",
  audit_session: "auditSession",
  systemd_session: "systemdSession",
  parent_session: "parentSession",
  via: "via",
  multiplexer: "multiplexer",
  container: "container",
  remote: "remote",
  terminal_program: "terminalProgram",
} as const satisfies Readonly<Record<string, keyof Circumstances>>;

/** Fails to compile where a field has no column. */
type Missing =
  | Exclude<
      keyof Session,
      | (typeof ownColumns)[keyof typeof ownColumns]
      | (typeof truthColumns)[keyof typeof truthColumns]
      | "process"
      | "circumstances"
      | "origin"
    >
  | Exclude<keyof ProcessIdentity, (typeof processColumns)[keyof typeof processColumns]>
  | Exclude<keyof SessionOrigin, (typeof originColumns)[keyof typeof originColumns]>
  | Exclude<keyof Circumstances, (typeof circumstanceColumns)[keyof typeof circumstanceColumns]>;
const own = Object.entries(ownColumns satisfies [Missing] extends [never] ? object : Missing);
const truths = Object.entries(truthColumns);
const ofProcess = Object.entries(processColumns);
const ofCircumstances = Object.entries(circumstanceColumns);
const ofOrigin = Object.entries(originColumns);

/** A value as both kinds of store take and give it. */
export type ColumnValue = string | number | null;
type Row = Readonly<Record<string, unknown>>;

/** The columns that hold a field, in the order of {@link sessionValues}. */
export const sessionColumns: readonly string[] = [own, truths, ofProcess, ofCircumstances, ofOrigin].flatMap(
  (columns) => columns.map(([column]) => column),
);

/** @returns the values of a session, in the order of {@link sessionColumns} */
export function sessionValues(session: Session): ColumnValue[] {
  const { process, circumstances, origin } = session;
  return [
    ...own.map(([, field]) => session[field]),
    ...truths.map(([, field]) => (session[field] === null ? null : Number(session[field]))),
    ...ofProcess.map(([, field]) => (process === null ? null : process[field])),
    ...ofCircumstances.map(([, field]) => circumstances[field]),
    ...ofOrigin.map(([, field]) => (origin === null ? null : origin[field])),
  ];
}

/** @param row - as {@link sessionValues} was written */
export function rowToSession(row: Row): Session {
  const process = row.process_pid === null ? null : fieldsOf(ofProcess, row);
  const known = truths.map(([column, field]) => [field, row[column] === null ? null : row[column] === 1]);
  const circumstances = fieldsOf(ofCircumstances, row);
  const origin = row.origin_id === null ? null : fieldsOf(ofOrigin, row);
  return { ...fieldsOf(own, row), ...Object.fromEntries(known), process, circumstances, origin } as Session;
}

function fieldsOf(columns: readonly (readonly [column: string, field: string])[], row: Row): object {
  const fields: Record<string, unknown> = {};
  for (const [column, field] of columns) fields[field] = row[column];
  return fields;
}

/** @returns event id, session id, kind and body, in the order of the columns of `events`. */
export function eventToValues(event: SessionEvent): [eventId: string, sessionId: string, kind: string, body: string] {
  const { circumstances, ...others } = event.observed;
  const observed = circumstances === null ? others : event.observed;
  const body = { content: event.content, observed } as unknown as Json;
  return [event.eventId, event.sessionId, event.kind, canonicalJson(body)];
}

/** What events of earlier versions have not. */
type Later = "source" | "circumstances";

/** As bodies lie in the file; most events have no circumstances, and nothing is written for them. */
interface KeptBody extends Pick<SessionEvent, "content"> {
  readonly observed: Omit<Observation, Later> & Partial<Pick<Observation, Later>>;
}

export function rowToEvent(row: Row): SessionEvent {
  const body = parseJson(row.body as string) as unknown as KeptBody;
  return {
    kind: row.kind,
    eventId: row.event_id,
    sessionId: row.session_id,
    content: body.content,
    observed: {
      ...body.observed,
      source: body.observed.source ?? null,
      process: withEveryField(body.observed.process),
      circumstances: body.observed.circumstances ?? null,
    },
  } as SessionEvent;
}

/** Events of earlier versions lack the fields that came later: what was not looked at is unknown. */
function withEveryField(process: ProcessIdentity | null): ProcessIdentity | null {
  return process === null ? null : { ...process, exeId: process.exeId ?? null, comm: process.comm ?? null };
}
