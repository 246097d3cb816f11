/** Owns the removal of old sessions: whole ones only, and their ids stay. */
import type { SQLInputValue } from "node:sqlite";
import type { Instant } from "../../tracker/instant.ts";
import type { HoldRule } from "../../tracker/outbox.ts";
import { type Asked, runNow } from "../outbox.ts";
import { countHeld, type Hold, heldSql, hold, holdEvents, noteLosses } from "../outbox-hold.ts";
import type { Prepare } from "./ranges.ts";
import { oldSessions } from "./rows.ts";

const statements = (prepare: Prepare) => (asked: Asked) => prepare(asked.sql).all(...asked.values);

export function countPrunable(prepare: Prepare, endedBefore: Instant): number {
  const { sql, values } = prunable(endedBefore, runNow(hold(), statements(prepare)));
  return prepare(`SELECT count(*) AS n FROM sessions s WHERE ${sql}`).get(...values)?.n as number;
}

export function countHeldOnes(prepare: Prepare, endedBefore: Instant): number {
  return runNow(countHeld(oldSessions(endedBefore)), statements(prepare));
}

/** To be run inside a transaction. */
export function decideHold(prepare: Prepare, rule: HoldRule): void {
  runNow(holdEvents(rule), statements(prepare));
}

function prunable(endedBefore: Instant, held: Hold | null): Asked {
  const old = oldSessions(endedBefore);
  if (held === null) return old;
  return { sql: `${old.sql} AND NOT (${heldSql})`, values: [...old.values, held.keptAfter] };
}

/**
 * Removes the sessions that ended first. To be run inside a transaction.
 *
 * @returns how many were removed
 */
export function pruneOldest(prepare: Prepare, endedBefore: Instant, limit: number): number {
  const held = runNow(hold(), statements(prepare));
  const { sql, values } = prunable(endedBefore, held);
  const oldest = prepare(
    `SELECT s.session_id, s.start_event_id, s.origin_id FROM sessions s WHERE ${sql} ORDER BY s.closed_at LIMIT ?`,
  ).all(...values, Math.max(1, Math.trunc(limit)));
  const removed: number[] = [];
  for (const { session_id: id = null, start_event_id: startEventId = null, origin_id: originId } of oldest) {
    // The log lets go of the events of sessions that stand here, and of no others.
    prepare("INSERT INTO pruned_sessions (session_id, start_event_id) VALUES (?, ?)").run(id, startEventId);
    if (held !== null && originId === null) removed.push(...positionsOf(prepare, id));
    prepare("DELETE FROM events WHERE session_id = ?").run(id);
    prepare("DELETE FROM sessions WHERE session_id = ?").run(id);
  }
  if (held !== null) runNow(noteLosses(held, removed, Date.now()), statements(prepare));
  return oldest.length;
}

function positionsOf(prepare: Prepare, sessionId: SQLInputValue): number[] {
  return prepare("SELECT seq FROM events WHERE session_id = ?")
    .all(sessionId)
    .map(({ seq }) => Number(seq));
}
