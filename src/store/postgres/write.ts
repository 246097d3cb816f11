/** Owns what a group of works writes, in one statement a table. */
import type { PoolClient } from "pg";
import type { SessionEvent } from "../../tracker/event.ts";
import { eventToValues } from "../rows.ts";
import { codeOf } from "./errors.ts";
import { writeOrigins } from "./origins.ts";
import { putSessionsSql, sessionsToArrays, toText } from "./rows.ts";
import { alreadyThere } from "./transaction.ts";
import type { Written } from "./written.ts";

/** @throws what {@link isAlreadyThere} knows, when an event is, or was, on record */
export async function write(client: PoolClient, { events, sessions, origins }: Written): Promise<void> {
  const work = writeOrigins(client, origins);
  if (events.length > 0) work.push(...appendEvents(client, events));
  if (sessions.size > 0) work.push(client.query(putSessionsSql, sessionsToArrays([...sessions.values()])));
  // Each is awaited, so that no error is left to itself.
  const outcomes = await Promise.allSettled(work);
  for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
}

/** In one go: whoever is refused has the whole taken back. */
function appendEvents(client: PoolClient, events: Written["events"]): Promise<unknown>[] {
  const places = events.map((_, at) => at + 1);
  const [ids, sessionIds] = eventsToArrays(events);
  return [
    client.query(prunedSql, [ids, sessionIds]).then(({ rowCount }) => {
      if (rowCount !== 0) throw new Error(alreadyThere);
    }),
    client.query(insertEventsSql, [...eventsToArrays(events), places, true]),
    client.query("UPDATE log_head SET seq = seq + $1", [events.length]),
  ];
}

/** @returns the first values of {@link insertEventsSql}: an array for each column, in their order */
export function eventsToArrays(events: readonly SessionEvent[]): string[][] {
  const values = events.map((event) => eventToValues(event));
  const column = (at: number) => values.map((row) => row[at] ?? "");
  return [column(0), column(1).map(toText), column(2), column(3)];
}

/**
 * Appends events; its values are those of {@link eventsToArrays}, then the position of each, and whether that one counts
 * from the newest event.
 */
export const insertEventsSql = `INSERT INTO events (event_id, session_id, kind, body, seq)
  SELECT event_id, session_id, kind, body, n + CASE WHEN $6 THEN (SELECT seq FROM log_head) ELSE 0 END
  FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::int8[]) AS e(event_id, session_id, kind, body, n)`;

/** Whether the writes of a whole group were refused because one of them has what is on record already. */
export function isAlreadyThere(error: unknown): boolean {
  return error instanceof Error && (error.message === alreadyThere || codeOf(error.cause) === uniqueViolation);
}

const uniqueViolation = "23505";
const prunedSql =
  "SELECT 1 FROM pruned_sessions WHERE start_event_id = ANY($1::uuid[]) OR session_id = ANY($2::text[]) LIMIT 1";
