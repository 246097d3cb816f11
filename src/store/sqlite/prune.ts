/** Owns the removal of old sessions: whole ones only, and their ids stay. */
import type { Instant } from "../../tracker/instant.ts";
import type { Prepare } from "./ranges.ts";

export function countPrunable(prepare: Prepare, endedBefore: Instant): number {
  return prepare("SELECT count(*) AS n FROM sessions WHERE closed_at < ?").get(endedBefore)?.n as number;
}

/**
 * Removes the sessions that ended first. To be run inside a transaction.
 *
 * @returns how many were removed
 */
export function pruneOldest(prepare: Prepare, endedBefore: Instant, limit: number): number {
  const oldest = prepare(
    "SELECT session_id, start_event_id FROM sessions WHERE closed_at < ? ORDER BY closed_at LIMIT ?",
  ).all(endedBefore, Math.max(1, Math.trunc(limit)));
  for (const { session_id: id = null, start_event_id: startEventId = null } of oldest) {
    // The log lets go of the events of sessions that stand here, and of no others.
    prepare("INSERT INTO pruned_sessions (session_id, start_event_id) VALUES (?, ?)").run(id, startEventId);
    prepare("DELETE FROM events WHERE session_id = ?").run(id);
    prepare("DELETE FROM sessions WHERE session_id = ?").run(id);
  }
  return oldest.length;
}
