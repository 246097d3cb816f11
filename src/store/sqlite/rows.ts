/** Owns the rows of the SQLite file: the columns of a session, and what the indexes need beside them. */
import type { SQLInputValue, SQLOutputValue } from "node:sqlite";
import type { Session } from "../../tracker/fold.ts";
import type { Instant } from "../../tracker/instant.ts";
import type { Asked } from "../outbox.ts";
import { sessionColumns, sessionValues } from "../rows.ts";
import { spanClassOf } from "../spans.ts";

export type Row = Record<string, SQLOutputValue>;

/** The columns of a session, and what the indexes need beside them, made from them. */
export const sessionNames: readonly string[] = [...sessionColumns, "span_class"];

/** Writes a session over what was there. */
export const putSessionSql = putSql(sessionNames);

/** @returns the statement that writes these columns of a session */
export function putSql(names: readonly string[]): string {
  return `INSERT OR REPLACE INTO sessions (${names.join(", ")}) VALUES (${names.map(() => "?").join(", ")})`;
}

/** @returns the values for {@link putSessionSql}, in the order of {@link sessionNames} */
export function sessionToValues(session: Session): SQLInputValue[] {
  return [...sessionValues(session), spanClassOf(session)];
}

/** @returns the condition, about `sessions s`, for what ended before an instant */
export function oldSessions(endedBefore: Instant): Asked {
  return { sql: "s.closed_at < ?", values: [endedBefore] };
}
