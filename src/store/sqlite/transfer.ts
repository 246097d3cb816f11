/** Owns what is read of a file that is copied into another store, and how a part of another record comes into this one. */
import type { PrunedSession, RecordPart, TableRow, TableRows } from "../../tracker/transfer.ts";
import { eventToValues } from "../rows.ts";
import type { Prepare } from "./ranges.ts";
import { putSessionSql, sessionToValues } from "./rows.ts";

/** SQLite itself keeps the position that was given last (https://www.sqlite.org/autoinc.html). */
export function headOf(prepare: Prepare): number {
  return Number(prepare("SELECT seq FROM sqlite_sequence WHERE name = 'events'").get()?.seq ?? 0);
}

export function prunedAfter(prepare: Prepare, after: string, limit: number): PrunedSession[] {
  return prepare("SELECT * FROM pruned_sessions WHERE session_id > ? ORDER BY session_id LIMIT ?")
    .all(after, limit)
    .map((row) => ({ sessionId: String(row.session_id), startEventId: String(row.start_event_id) }));
}

/** To be run inside a transaction. @returns whether the part was taken */
export function takeOver(prepare: Prepare, after: number, part: RecordPart): boolean {
  const { events, sessions, pruned, tables, head } = part;
  if (headOf(prepare) !== after) return false;
  for (const { seq, event } of events) prepare(insertEventSql).run(seq, ...eventToValues(event));
  for (const session of sessions) prepare(putSessionSql).run(...sessionToValues(session));
  for (const { sessionId, startEventId } of pruned) {
    // The log lets go of the events of sessions that stand here, and of no others.
    prepare("INSERT OR IGNORE INTO pruned_sessions (session_id, start_event_id) VALUES (?, ?)").run(
      sessionId,
      startEventId,
    );
    prepare("DELETE FROM events WHERE session_id = ?").run(sessionId);
    prepare("DELETE FROM sessions WHERE session_id = ?").run(sessionId);
  }
  for (const table of tables) putRows(prepare, table);
  setHead(prepare, head);
  return true;
}

/** @returns the names of the tables beside the log and its fold */
export function tablesOf(prepare: Prepare): string[] {
  return prepare(tablesSql)
    .all()
    .map((row) => String(row.name));
}

export function rowsOf(prepare: Prepare, table: string, offset: number, limit: number): TableRow[] {
  const columns = prepare("SELECT name FROM pragma_table_info(?)").all(table);
  const order = columns.map((_, at) => at + 1).join(", ");
  return prepare(`SELECT * FROM "${table}" ORDER BY ${order} LIMIT ? OFFSET ?`)
    .all(limit, offset)
    .map((row) => ({ ...row }) as TableRow);
}

function putRows(prepare: Prepare, { table, isFirst, rows }: TableRows): void {
  if (isFirst) prepare(`DELETE FROM "${table}"`).run();
  const columns = Object.keys(rows[0] ?? {});
  const names = columns.map((name) => `"${name}"`).join(", ");
  for (const row of rows) {
    const values = columns.map((name) => row[name] ?? null);
    prepare(`INSERT INTO "${table}" (${names}) VALUES (${columns.map(() => "?").join(", ")})`).run(...values);
  }
}

/** The row is made by the first event. */
function setHead(prepare: Prepare, head: number): void {
  const { changes } = prepare("UPDATE sqlite_sequence SET seq = ? WHERE name = 'events'").run(head);
  if (changes === 0) prepare("INSERT INTO sqlite_sequence (name, seq) VALUES ('events', ?)").run(head);
}

const insertEventSql = "INSERT INTO events (seq, event_id, session_id, kind, body) VALUES (?, ?, ?, ?, ?)";
const tablesSql = `SELECT name FROM sqlite_schema
  WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT IN ('events', 'sessions', 'pruned_sessions')
  ORDER BY name`;
