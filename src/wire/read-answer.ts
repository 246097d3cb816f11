/**
 * Owns reading what another record answers: each answer is held to its form before anything is made of it. A key that is
 * not known is left out, because a newer record may have more. Part of the pure core.
 *
 * Longer than 250 lines because the forms of all answers are made of each other.
 */

import { isObject, type JsonObject } from "../tracker/canonical.ts";
import { circumstanceSources } from "../tracker/circumstances.ts";
import { SessionBuddyError } from "../tracker/errors.ts";
import { firstSourceKinds, sourceKinds } from "../tracker/event.ts";
import { type DurationBasis, enders, sessionStates } from "../tracker/fold.ts";
import { type Instant, parseTimestamp } from "../tracker/instant.ts";
import type { StatsRow } from "../tracker/store.ts";
import type {
  CircumstanceRow,
  EventRow,
  ExplanationRow,
  GroupRow,
  ListedSession,
  LogRow,
  OriginalRow,
  OriginRow,
  ProcessRow,
  SessionDetailRow,
  SessionRow,
  SourceRow,
} from "./view.ts";

/** Reads a value, or throws the path at which it is not what it should be. */
type Read<T> = (value: unknown, path: string) => T;
type Readers<T> = { readonly [Key in keyof T]-?: Read<T[Key]> };

/** @throws SessionBuddyError `network` with the place at which the answer is not what it should be */
function wrong(path: string): never {
  throw new SessionBuddyError("network", `the answer has an unexpected form at ${path}`);
}

function object<T extends object>(readers: Readers<T>): Read<T> {
  const names = Object.keys(readers) as (keyof T & string)[];
  return (value, path) => {
    if (!isObject(value)) wrong(path);
    const read = names.map((name) => [name, readers[name](value[name], `${path}.${name}`)]);
    return Object.fromEntries(read) as T;
  };
}

function list<T>(read: Read<T>): Read<readonly T[]> {
  return (value, path) => (Array.isArray(value) ? value.map((item, at) => read(item, `${path}[${at}]`)) : wrong(path));
}

function nullable<T>(read: Read<T>): Read<T | null> {
  return (value, path) => (value === null ? null : read(value, path));
}

/** What records of earlier versions do not answer. */
function later<T>(read: Read<T>): Read<T | null> {
  return (value, path) => (value === undefined ? null : nullable(read)(value, path));
}

function oneOf<W extends string>(words: readonly W[]): Read<W> {
  return (value, path) => words.find((word) => word === value) ?? wrong(path);
}

const text: Read<string> = (value, path) => (typeof value === "string" ? value : wrong(path));
const integer: Read<number> = (value, path) => (Number.isSafeInteger(value) ? (value as number) : wrong(path));
const truth: Read<boolean> = (value, path) => (typeof value === "boolean" ? value : wrong(path));
const time: Read<string> = (value, path) => {
  if (typeof value !== "string" || parseTimestamp(value) === null) wrong(path);
  return value;
};
const textOrNull = nullable(text);
const integerOrNull = nullable(integer);
const timeOrNull = nullable(time);

const origin = later(object<OriginRow>({ id: text, name: textOrNull, session_id: text }));

const sessionReaders: Readers<SessionRow> = {
  session_id: text,
  state: oneOf(sessionStates),
  component_name: text,
  shell_type: text,
  pid: integer,
  hostname: text,
  username: text,
  cwd: text,
  started_at: time,
  ended_at: timeOrNull,
  ended_after: timeOrNull,
  ended_before: timeOrNull,
  duration_ms: integerOrNull,
  exit_code: integerOrNull,
  end_reason: textOrNull,
  ended_by: nullable(oneOf(enders)),
  signal: textOrNull,
  idle_ms: integerOrNull,
  uid: integerOrNull,
  tty: textOrNull,
  login_uid: integerOrNull,
  login_user: textOrNull,
  audit_session: integerOrNull,
  systemd_session: textOrNull,
  parent_session: textOrNull,
  via: textOrNull,
  multiplexer: textOrNull,
  container: textOrNull,
  remote: textOrNull,
  terminal_program: textOrNull,
  origin,
  as_of: later(time),
};

const process = object<ProcessRow>({
  host_id: textOrNull,
  boot_id: textOrNull,
  pid_namespace: textOrNull,
  pid: integer,
  start_ticks: textOrNull,
  executable: textOrNull,
  exe_id: textOrNull,
  comm: textOrNull,
});

const durationBasis = nullable(oneOf<DurationBasis>(["boot_clock", "wall_clock", "clamped"]));

const detail = object<SessionDetailRow>({
  ...sessionReaders,
  home: text,
  platform: text,
  duration_basis: durationBasis,
  process: nullable(process),
});

const circumstances = list(
  object<CircumstanceRow>({
    name: text as Read<CircumstanceRow["name"]>,
    value: (value, path) => (typeof value === "string" ? value : integer(value, path)),
    source: oneOf(circumstanceSources),
    worth: oneOf(["reliable", "good", "claim"]),
  }),
) as Read<CircumstanceRow[]>;

const source = nullable(
  object<SourceRow>({
    kind: oneOf(sourceKinds),
    uid: integerOrNull,
    pid: integerOrNull,
    original: nullable(
      object<OriginalRow>({
        kind: nullable(oneOf(firstSourceKinds)),
        uid: integerOrNull,
        pid: integerOrNull,
        caller: textOrNull,
        recorded_at: time,
      }),
    ),
  }),
);

/** Data of strangers, of which the form of two parts is relied on. */
const details: Read<JsonObject> = (value, path) => {
  if (!isObject(value)) wrong(path);
  for (const part of ["user", "environment"]) {
    if (value[part] !== undefined && !isObject(value[part])) wrong(`${path}.${part}`);
  }
  return value as JsonObject;
};

const eventReaders: Readers<EventRow> = {
  seq: integer,
  event_id: text,
  kind: oneOf(["start", "end", "death"]),
  recorded_at: time,
  source,
  caller: textOrNull,
  process: nullable(process),
  boot_clock: nullable(object<NonNullable<EventRow["boot_clock"]>>({ boot_id: text, ms: integer })),
  circumstances,
  details,
};

const logRow = object<LogRow>({ ...eventReaders, session_id: text });

const value: Read<string | number | null> = (given, path) =>
  given === null || typeof given === "string" ? given : integer(given, path);

const explanation = object<ExplanationRow>({
  session_id: text,
  state: oneOf(sessionStates),
  rank: integer,
  ended_by: nullable(oneOf(enders)),
  end_reason: textOrNull,
  ended_after: timeOrNull,
  ended_before: timeOrNull,
  duration_basis: durationBasis,
  owner_uid: integerOrNull,
  verified: nullable(truth),
  deciding_event_id: text,
  events: (given, path) =>
    [
      ...list(
        object<ExplanationRow["events"][number]>({
          event_id: text,
          kind: eventReaders.kind,
          recorded_at: time,
          source,
          caller: textOrNull,
        }),
      )(given, path),
    ] as ExplanationRow["events"],
  process_now: object<ExplanationRow["process_now"]>({
    state: oneOf(["alive", "dead", "unknown"]),
    reason: textOrNull,
  }),
  probes: list(
    object<ExplanationRow["probes"][number]>({
      name: oneOf(["host_id", "pid_namespace", "boot_id", "pid", "start_ticks", "executable", "exe_id", "comm"]),
      recorded: value,
      seen: value,
      outcome: oneOf(["same", "different", "gone", "unknown"]),
      command: textOrNull,
    }),
  ),
  circumstances,
  origin,
  as_of: later(time),
});

const group = object<GroupRow>({
  key: text,
  sessions: integer,
  open: integer,
  orphaned: integer,
  replaced: integer,
  median_ms: integerOrNull,
  p95_ms: integerOrNull,
});

const pageAnswer = object<{ sessions: readonly SessionRow[]; next_cursor: string | null }>({
  sessions: list(object<SessionRow>(sessionReaders)),
  next_cursor: textOrNull,
});
const recordAnswer = object<{ session: SessionDetailRow; events: readonly EventRow[] }>({
  session: detail,
  events: list(object<EventRow>(eventReaders)),
});
const explanationAnswer = object<{ explanation: ExplanationRow }>({ explanation });
const statsAnswer = object<{ groups: readonly GroupRow[]; omitted: number }>({ groups: list(group), omitted: integer });
const loginAnswer = object<{ token: string; expires_at: string; scope: string }>({
  token: text,
  expires_at: time,
  scope: text,
});
const outcome = object<{ status: "ok" | "not_found" | "error"; error: string | null }>({
  status: oneOf(["ok", "not_found", "error"]),
  error: textOrNull,
});

/** @throws SessionBuddyError `network` when it is none; so do the functions below */
export function readPage(answer: unknown): { sessions: readonly ListedSession[]; nextCursor: string | null } {
  const { sessions, next_cursor: nextCursor } = pageAnswer(answer, "answer");
  return { sessions: sessions.map(toListed), nextCursor };
}

export function readRecord(answer: unknown) {
  return recordAnswer(answer, "answer");
}

export function readExplanation(answer: unknown): ExplanationRow {
  return explanationAnswer(answer, "answer").explanation;
}

export function readStats(answer: unknown): { rows: readonly StatsRow[]; omitted: number } {
  const { groups, omitted } = statsAnswer(answer, "answer");
  return { rows: groups.map(toStats), omitted };
}

export function readLogRow(data: unknown): LogRow {
  const { seq, session_id, ...row } = logRow(data, "event");
  return { seq, session_id, ...row };
}

export function readLogin(answer: unknown) {
  return loginAnswer(answer, "answer");
}

export function readOutcome(answer: unknown) {
  return outcome(answer, "answer");
}

function toListed(row: SessionRow): ListedSession {
  return {
    sessionId: row.session_id,
    state: row.state,
    componentName: row.component_name,
    shellType: row.shell_type,
    pid: row.pid,
    hostname: row.hostname,
    username: row.username,
    cwd: row.cwd,
    startedAt: instantOf(row.started_at),
    endedAt: instantOrNull(row.ended_at),
    endedAfter: instantOrNull(row.ended_after),
    endedBefore: instantOrNull(row.ended_before),
    durationMs: row.duration_ms,
    exitCode: row.exit_code,
    endReason: row.end_reason,
    endedBy: row.ended_by,
    signal: row.signal,
    ...(row.idle_ms === null ? {} : { idleMs: row.idle_ms }),
    origin: row.origin === null ? null : { originId: row.origin.id, sessionId: row.origin.session_id },
    ...heardOf(row),
    circumstances: {
      uid: row.uid,
      tty: row.tty,
      loginUid: row.login_uid,
      loginUser: row.login_user,
      auditSession: row.audit_session,
      systemdSession: row.systemd_session,
      parentSession: row.parent_session,
      via: row.via,
      multiplexer: row.multiplexer,
      container: row.container,
      remote: row.remote,
      terminalProgram: row.terminal_program,
    },
  };
}

function heardOf({ origin, as_of }: SessionRow): Pick<ListedSession, "heard"> {
  return origin === null ? {} : { heard: { name: origin.name, at: instantOrNull(as_of) } };
}

function toStats(row: GroupRow): StatsRow {
  const { key, sessions, open, orphaned, replaced, median_ms: medianMs, p95_ms: p95Ms } = row;
  return { key, sessions, open, orphaned, replaced, medianMs, p95Ms };
}

/** The text has been held to its form before. */
function instantOf(text: string): Instant {
  return parseTimestamp(text) ?? wrong("answer");
}

function instantOrNull(text: string | null): Instant | null {
  return text === null ? null : instantOf(text);
}
