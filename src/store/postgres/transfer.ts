/** Owns what is read of a database that is copied into another store, and how a part of another record comes into this one. */
import type { PrunedSession, RecordPart, TableRow, TableRows, Transfer } from "../../tracker/transfer.ts";
import type { Connection } from "./connection.ts";
import type { Ask } from "./reading-ahead.ts";
import { fromColumns, fromText, putSessionsSql, sessionsToArrays, toColumn, toText } from "./rows.ts";
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
    tables: async () => (await connection.read(tablesSql)).map((row) => row.table_name as string),
    async rowsOf(table, offset, limit) {
      const columns = await columnsOf((text, values) => connection.read(text, values), table);
      const order = columns.map((_, at) => at + 1).join(", ");
      const sql = `SELECT * FROM "${table}" ORDER BY ${order} LIMIT $1 OFFSET $2`;
      return (await connection.read(sql, [limit, offset])).map((row) => fromColumns(row) as TableRow);
    },
    takeOver: (after, part) => connection.alone((ask) => takeOver(ask, after, part)),
  };
}

/** To be run as a writer. @returns whether the part was taken */
async function takeOver(ask: Ask, after: number, part: RecordPart): Promise<boolean> {
  const { events, sessions, pruned, tables, head } = part;
  const [row] = await ask("SELECT seq FROM log_head", []);
  if (row?.seq !== after) return false;
  if (events.length > 0) {
    const places = events.map(({ seq }) => seq);
    await ask(insertEventsSql, [...eventsToArrays(events.map(({ event }) => event)), places, false]);
  }
  if (sessions.length > 0) await ask(putSessionsSql, sessionsToArrays(sessions));
  if (pruned.length > 0) await forget(ask, pruned);
  for (const table of tables) await putRows(ask, table);
  await ask("UPDATE log_head SET seq = $1", [head]);
  return true;
}

async function columnsOf(ask: Ask, table: string): Promise<{ readonly name: string; readonly type: string }[]> {
  const rows = await ask(columnsSql, [table]);
  return rows.map((row) => ({ name: row.column_name as string, type: row.data_type as string }));
}

async function putRows(ask: Ask, { table, isFirst, rows }: TableRows): Promise<void> {
  if (isFirst) await ask(`DELETE FROM "${table}"`, []);
  if (rows.length === 0) return;
  const columns = await columnsOf(ask, table);
  const names = columns.map(({ name }) => `"${name}"`).join(", ");
  const arrays = columns.map(({ type }, at) => `$${at + 1}::${type}[]`).join(", ");
  const values = columns.map(({ name }) => rows.map((row) => toColumn(row[name] ?? null)));
  await ask(`INSERT INTO "${table}" (${names}) SELECT * FROM unnest(${arrays})`, values);
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

const tablesSql = `SELECT table_name::text FROM information_schema.tables
  WHERE table_schema = current_schema() AND table_type = 'BASE TABLE'
    AND table_name NOT IN ('events', 'sessions', 'pruned_sessions', 'log_head', 'schema_version')
  ORDER BY 1`;
const columnsSql = `SELECT column_name::text, data_type::text FROM information_schema.columns
  WHERE table_schema = current_schema() AND table_name = $1 ORDER BY ordinal_position`;
const prunedAfterSql =
  "SELECT session_id, start_event_id FROM pruned_sessions WHERE session_id > $1 ORDER BY session_id LIMIT $2";
