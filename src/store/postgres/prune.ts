/** Owns the removal of old sessions: whole ones only, in bounded batches, and their ids stay. */
import type { Instant } from "../../tracker/instant.ts";
import { type Asked, runThere } from "../outbox.ts";
import { type Hold, heldSql, hold, noteLosses } from "../outbox-hold.ts";
import type { Ask } from "./reading-ahead.ts";
import { keyOf } from "./rows.ts";
import { numbered } from "./statement.ts";

/** @returns the condition, about `sessions s`, for what ended before an instant: the key finds them, the text decides */
export function oldSessions(endedBefore: Instant): Asked {
  return {
    sql: "s.closed_key <= ? AND coalesce(s.ended_at, s.ended_before) < ?",
    values: [keyOf(endedBefore), endedBefore],
  };
}

/** @returns what runs one statement of a procedure */
export function statements(ask: Ask) {
  return (asked: Asked) => {
    const { text, values } = numbered(asked);
    return ask(text, values);
  };
}

export async function countPrunable(ask: Ask, endedBefore: Instant): Promise<number> {
  const { sql, values } = prunable(endedBefore, await runThere(hold(), statements(ask)));
  const [row] = await statements(ask)({ sql: `SELECT count(*) AS n FROM sessions s WHERE ${sql}`, values });
  return row?.n as number;
}

function prunable(endedBefore: Instant, held: Hold | null): Asked {
  const old = oldSessions(endedBefore);
  if (held === null) return old;
  return { sql: `${old.sql} AND NOT (${heldSql})`, values: [...old.values, held.keptAfter] };
}

/**
 * Removes the sessions that ended first. To be run as a writer.
 *
 * @returns how many were removed
 */
export async function pruneOldest(ask: Ask, endedBefore: Instant, limit: number): Promise<number> {
  const held = await runThere(hold(), statements(ask));
  const { sql, values } = prunable(endedBefore, held);
  const oldest = await statements(ask)({
    sql: `SELECT s.session_id, s.start_event_id, s.origin_id FROM sessions s WHERE ${sql} ORDER BY s.closed_key LIMIT ?`,
    values: [...values, Math.max(1, Math.trunc(limit))],
  });
  const ids = oldest.map((row) => row.session_id);
  const starts = oldest.map((row) => row.start_event_id);
  await ask("INSERT INTO pruned_sessions (session_id, start_event_id) SELECT * FROM unnest($1::text[], $2::uuid[])", [
    ids,
    starts,
  ]);
  if (held !== null) {
    const own = oldest.filter((row) => row.origin_id === null).map((row) => row.session_id);
    const removed = await ask("SELECT seq FROM events WHERE session_id = ANY($1::text[])", [own]);
    await runThere(
      noteLosses(
        held,
        removed.map(({ seq }) => seq as number),
        Date.now(),
      ),
      statements(ask),
    );
  }
  await ask("DELETE FROM events WHERE session_id = ANY($1::text[])", [ids]);
  await ask("DELETE FROM sessions WHERE session_id = ANY($1::text[])", [ids]);
  return oldest.length;
}
