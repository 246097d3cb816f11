/** Owns the removal of old sessions: whole ones only, in bounded batches, and their ids stay. */
import type { Instant } from "../../tracker/instant.ts";
import type { Ask } from "./reading-ahead.ts";
import { keyOf } from "./rows.ts";

/** The key finds them, the text decides. */
const isOld = "s.closed_key <= $1 AND coalesce(s.ended_at, s.ended_before) < $2";

export const countPrunableSql = `SELECT count(*) AS n FROM sessions s WHERE ${isOld}`;

/** @returns the values of {@link countPrunableSql} */
export function oldValues(endedBefore: Instant): string[] {
  return [keyOf(endedBefore), endedBefore];
}

/**
 * Removes the sessions that ended first. To be run as a writer.
 *
 * @returns how many were removed
 */
export async function pruneOldest(ask: Ask, endedBefore: Instant, limit: number): Promise<number> {
  const oldest = await ask(
    `SELECT s.session_id, s.start_event_id FROM sessions s WHERE ${isOld} ORDER BY s.closed_key LIMIT $3`,
    [...oldValues(endedBefore), Math.max(1, Math.trunc(limit))],
  );
  const ids = oldest.map((row) => row.session_id);
  const starts = oldest.map((row) => row.start_event_id);
  await ask("INSERT INTO pruned_sessions (session_id, start_event_id) SELECT * FROM unnest($1::text[], $2::uuid[])", [
    ids,
    starts,
  ]);
  await ask("DELETE FROM events WHERE session_id = ANY($1::text[])", [ids]);
  await ask("DELETE FROM sessions WHERE session_id = ANY($1::text[])", [ids]);
  return oldest.length;
}
