/** Owns what is read of a file that is copied into another store, and how a part of another record comes into this one. */
import type { PrunedSession, RecordPart } from "../../tracker/transfer.ts";
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
export function takeOver(prepare: Prepare, after: number, { events, sessions, pruned, head }: RecordPart): boolean {
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
  setHead(prepare, head);
  return true;
}

/** The row is made by the first event. */
function setHead(prepare: Prepare, head: number): void {
  const { changes } = prepare("UPDATE sqlite_sequence SET seq = ? WHERE name = 'events'").run(head);
  if (changes === 0) prepare("INSERT INTO sqlite_sequence (name, seq) VALUES ('events', ?)").run(head);
}

const insertEventSql = "INSERT INTO events (seq, event_id, session_id, kind, body) VALUES (?, ?, ?, ?, ?)";
