/** Owns the rows of the PostgreSQL store: their types, the keys made for the indexes, and the one character that its texts cannot hold. */
import type { Session } from "../../tracker/fold.ts";
import { type Instant, instantToMs } from "../../tracker/instant.ts";
import { type ColumnValue, rowToSession, sessionColumns, sessionValues } from "../rows.ts";
import { spanClassOf } from "../spans.ts";

export type Row = Readonly<Record<string, unknown>>;

/** All others are text. */
const columnTypes: ReadonlyMap<string, string> = new Map([
  ...[
    "pid",
    "duration_ms",
    "exit_code",
    "owner_uid",
    "verified",
    "process_pid",
    "uid",
    "login_uid",
    "audit_session",
  ].map((name) => [name, "int8"] as const),
  ["start_event_id", "uuid"],
  ["end_event_id", "uuid"],
  ["started_key", "timestamptz"],
  ["closed_key", "timestamptz"],
  ["span_key", "int8"],
]);

const keys = ["started_key", "closed_key", "span_key"];
const writtenColumns = [...sessionColumns, ...keys];

/** What is read of a session. */
export const readColumns = sessionColumns.map((name) => `s.${name}`).join(", ");

/** Writes sessions over what was there; its values are those of {@link sessionsToArrays}. */
export const putSessionsSql = `
  INSERT INTO sessions (${writtenColumns.join(", ")})
  SELECT * FROM unnest(${writtenColumns.map((name, at) => `$${at + 1}::${typeOf(name)}[]`).join(", ")})
  ON CONFLICT (session_id) DO UPDATE SET ${writtenColumns
    .filter((name) => name !== "session_id")
    .map((name) => `${name} = excluded.${name}`)
    .join(", ")}`;

function typeOf(column: string): string {
  return columnTypes.get(column) ?? "text";
}

/** @returns an array for each column, in their order */
export function sessionsToArrays(sessions: readonly Session[]): ColumnValue[][] {
  const rows = sessions.map(sessionToValues);
  return writtenColumns.map((_, column) => rows.map((row) => row[column] ?? null));
}

function sessionToValues(session: Session): ColumnValue[] {
  const closedAt = session.endedAt ?? session.endedBefore;
  return [
    ...sessionValues(session).map(toColumn),
    keyOf(session.startedAt),
    closedAt === null ? null : keyOf(closedAt),
    spanKey(spanClassOf(session), session.startedAt),
  ];
}

const mark = "\x01";
const markedZero = `${mark}\x01`;
const markedMark = `${mark}\x02`;

/** @param row - with {@link readColumns} */
export function toSession(row: Row): Session {
  const session: Record<string, unknown> = {};
  for (const column of sessionColumns) session[column] = fromColumn(row[column]);
  return rowToSession(session);
}

/** @returns the values of a row as they were written with {@link toColumn} */
export function fromColumns(row: Row): Row {
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, fromColumn(value)]));
}

function fromColumn(value: unknown): unknown {
  return typeof value === "string" ? fromText(value) : value;
}

/** @returns a value as a column holds it */
export function toColumn<Value extends string | number | null>(value: Value): Value | string {
  return typeof value === "string" ? toText(value) : value;
}

const calendarStartMs = Date.parse("0001-01-01T00:00:00Z");
/** More seconds than the calendar has. */
const secondsPerClass = 2 ** 39;

/** @returns a number by which sessions of one span class lie together, in the order of their starts to the second */
export function spanKey(spanClass: number, startedAt: Instant | null): number {
  const ms = startedAt === null ? 0 : instantToMs(startedAt) - calendarStartMs;
  return spanClass * secondsPerClass + Math.floor(ms / 1000);
}

/** @returns an instant cut to the microseconds that PostgreSQL has */
export function keyOf(instant: Instant): string {
  return `${instant.slice(0, 26)}Z`;
}

/** PostgreSQL's texts hold every character but U+0000. The order of texts stays what it was. */
export function toText(text: string): string {
  if (!text.includes("\0") && !text.includes(mark)) return text;
  return text.replaceAll(mark, markedMark).replaceAll("\0", markedZero);
}

/** The reverse of {@link toText}. */
export function fromText(text: string): string {
  return text.includes(mark) ? text.replaceAll(markedZero, "\0").replaceAll(markedMark, mark) : text;
}
