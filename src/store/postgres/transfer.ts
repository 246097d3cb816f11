/** Owns what is read of a database that is copied into another store, and how a part of another record comes into this one. */
import type { PrunedSession, RecordPart, Transfer } from "../../tracker/transfer.ts";
import type { Connection } from "./connection.ts";
import type { Ask } from "./reading-ahead.ts";
import { fromText, putSessionsSql, sessionsToArrays, toText } from "./rows.ts";
import { eventsToArrays, insertEventsSql } from "./write.ts";

export function transferOver(connection: Connection): Transfer {
  return {
    async head() {
      const [row] = await connection.read("SELECT seq FROM log_head");
      return row?.seq as number;
    },
    async prunedSessions(after, limit) {
      const rows = await connection.read(prunedAfterSql, [toText(after), limit]);
      return rows.map((row) => ({
        sessionId: fromText(row.session_id as string),
        startEventId: row.start_event_id as string,
      }));
    },
    takeOver: (after, part) => connection.alone((ask) => takeOver(ask, after, part)),
  };
}

/** To be run as a writer. @returns whether the part was taken */
async function takeOver(ask: Ask, after: number, { events, sessions, pruned, head }: RecordPart): Promise<boolean> {
  const [row] = await ask("SELECT seq FROM log_head", []);
  if (row?.seq !== after) return false;
  if (events.length > 0) {
    const places = events.map(({ seq }) => seq);
    await ask(insertEventsSql, [...eventsToArrays(events.map(({ event }) => event)), places, false]);
  }
  if (sessions.length > 0) await ask(putSessionsSql, sessionsToArrays(sessions));
  if (pruned.length > 0) await forget(ask, pruned);
  await ask("UPDATE log_head SET seq = $1", [head]);
  return true;
}

async function forget(ask: Ask, pruned: readonly PrunedSession[]): Promise<void> {
  const ids = pruned.map(({ sessionId }) => toText(sessionId));
  await ask(
    `INSERT INTO pruned_sessions (session_id, start_event_id) SELECT * FROM unnest($1::text[], $2::uuid[])
     ON CONFLICT (session_id) DO NOTHING`,
    [ids, pruned.map(({ startEventId }) => startEventId)],
  );
  await ask("DELETE FROM events WHERE session_id = ANY($1::text[])", [ids]);
  await ask("DELETE FROM sessions WHERE session_id = ANY($1::text[])", [ids]);
}

const prunedAfterSql =
  "SELECT session_id, start_event_id FROM pruned_sessions WHERE session_id > $1 ORDER BY session_id LIMIT $2";
