/** Owns what a work said it would ask for: read in one round trip, and answered from here. */
import type { SessionEvent } from "../../tracker/event.ts";
import type { Expected } from "../../tracker/store.ts";
import { isUuid, toEvent } from "./event-rows.ts";
import { fromText, type Row, toText } from "./rows.ts";

/** Runs a statement in the transaction. */
export type Ask = (text: string, values: readonly unknown[]) => Promise<readonly Row[]>;

/** Each is what the database has of the key; a key that is not here was not read. */
export interface ReadAhead {
  readonly events: ReadonlyMap<string, SessionEvent | null>;
  /** By start event. */
  readonly prunedIds: ReadonlyMap<string, string | null>;
  /** By session. */
  readonly lives: ReadonlyMap<string, readonly SessionEvent[]>;
  readonly taken: ReadonlyMap<string, boolean>;
}

/** Nobody else writes while the transaction lasts, so that what was read stays true. */
export function createReadingAhead(ask: Ask): { readonly read: ReadAhead; expect(expected: Expected): Promise<void> } {
  const events = new Map<string, SessionEvent | null>();
  const prunedIds = new Map<string, string | null>();
  const lives = new Map<string, readonly SessionEvent[]>();
  const taken = new Map<string, boolean>();
  return {
    read: { events, prunedIds, lives, taken },
    async expect({ eventIds = [], startEventIds = [], sessionIds = [] }) {
      const starts = startEventIds.filter(isUuid);
      const ids = [...new Set([...eventIds.filter(isUuid), ...starts])];
      const [byId, pruned, ofSessions, given] = await Promise.all([
        ids.length === 0 ? [] : ask(byIdsSql, [ids]),
        starts.length === 0 ? [] : ask(prunedSql, [starts]),
        starts.length === 0 ? [] : ask(livesSql, [starts]),
        sessionIds.length === 0 ? [] : ask(takenSql, [sessionIds.map(toText)]),
      ]);
      for (const id of ids) events.set(id, null);
      for (const row of byId) events.set(row.event_id as string, toEvent(row));
      for (const id of starts) prunedIds.set(id, null);
      for (const row of pruned) prunedIds.set(row.start_event_id as string, fromText(row.session_id as string));
      for (const [id, life] of Map.groupBy(ofSessions.map(toEvent), ({ sessionId }) => sessionId)) lives.set(id, life);
      for (const id of sessionIds) taken.set(id, false);
      for (const row of given) taken.set(fromText(row.session_id as string), true);
    },
  };
}

const byIdsSql = "SELECT event_id, session_id, kind, body FROM events WHERE event_id = ANY($1::uuid[])";
const prunedSql = "SELECT start_event_id, session_id FROM pruned_sessions WHERE start_event_id = ANY($1::uuid[])";
const livesSql = `SELECT event_id, session_id, kind, body FROM events
  WHERE session_id = ANY(ARRAY(SELECT session_id FROM events WHERE event_id = ANY($1::uuid[]))) ORDER BY seq`;
const takenSql = `SELECT session_id FROM events WHERE session_id = ANY($1::text[])
  UNION SELECT session_id FROM pruned_sessions WHERE session_id = ANY($1::text[])`;
