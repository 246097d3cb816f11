/** Owns what the shared store has of origins: what a work reads and writes of them, and what is asked outside of one. */
import type { PoolClient } from "pg";
import type { Origins, OriginsTransaction, ParkedEvent } from "../../tracker/origins.ts";
import {
  bodyToState,
  lossColumns,
  lossToValues,
  parkedColumns,
  parkedToValues,
  rowToLoss,
  rowToParked,
  stateToBody,
} from "../origins.ts";
import type { Ask } from "./reading-ahead.ts";
import { fromColumns, fromText, type Row, toColumn, toText } from "./rows.ts";
import type { Written } from "./written.ts";
import { isGone, isKept, lossKey, parkedKey, type Unparked, type WrittenOrigins } from "./written-origins.ts";

/** @param before - what was written before the work in the same transaction; `own` is the work's, which it adds to */
export function originsOver(ask: Ask, before: Written, own: Written): OriginsTransaction {
  const written = (key: string) => own.origins.parked.get(key) ?? before.origins.parked.get(key);
  return {
    async origin(originId) {
      return own.origins.states.get(originId) ?? before.origins.states.get(originId) ?? originIn(ask, originId);
    },
    putOrigin: async (state) => void own.origins.states.set(state.originId, state),
    async sessionOfOrigin(originId, sessionIdThere) {
      const here = [...before.sessions.values(), ...own.sessions.values()]
        .filter(({ origin }) => origin?.originId === originId && origin.sessionId === sessionIdThere)
        .map(({ startedAt, sessionId }) => ({ startedAt: startedAt as string, sessionId }));
      const [row] = await ask(sessionOfOriginSql, [toText(originId), toText(sessionIdThere)]);
      if (row !== undefined)
        here.push({ startedAt: row.started_at as string, sessionId: fromText(row.session_id as string) });
      const key = (one: (typeof here)[number]) => `${one.startedAt} ${one.sessionId}`;
      return (
        here.reduce<(typeof here)[number] | null>((best, one) => (best && key(best) >= key(one) ? best : one), null)
          ?.sessionId ?? null
      );
    },
    async parkedEvent(originId, key) {
      const known = written(parkedKey({ originId, key }));
      if (known !== undefined) return isGone(known) ? null : known;
      const [row] = await ask(parkedEventSql, [toText(originId), toText(key)]);
      return row === undefined ? null : toParked(row);
    },
    async parkedFor(originId, startEventId) {
      const rows = await ask(parkedForSql, [toText(originId), toText(startEventId)]);
      const byKey = new Map<string, ParkedEvent | Unparked>(rows.map(toParked).map((one) => [parkedKey(one), one]));
      for (const layer of [before, own]) for (const [key, event] of layer.origins.parked) byKey.set(key, event);
      return [...byKey.values()]
        .filter(isKept)
        .filter((event) => event.originId === originId && event.startEventId === startEventId)
        .sort((a, b) => (a.key < b.key ? -1 : 1));
    },
    park: async (event) => void own.origins.parked.set(parkedKey(event), event),
    unpark: async (originId, key) =>
      void own.origins.parked.set(parkedKey({ originId, key }), { originId, key, isGone: true }),
    async isLossKnown(loss) {
      const key = lossKey(loss);
      if (own.origins.losses.has(key) || before.origins.losses.has(key)) return true;
      return (await ask(knownLossSql, [toText(loss.originId), toText(loss.stream), loss.from, loss.to])).length > 0;
    },
    addLoss: async (loss) => void own.origins.losses.set(lossKey(loss), loss),
  };
}

/** @returns the statements under way */
export function writeOrigins(client: PoolClient, { states, parked, losses }: WrittenOrigins): Promise<unknown>[] {
  const work: Promise<unknown>[] = [];
  if (states.size > 0) {
    const all = [...states.values()];
    work.push(client.query(putStatesSql, [all.map(({ originId }) => toText(originId)), all.map(stateToBody)]));
  }
  const events = [...parked.values()];
  const gone = events.filter(isGone);
  const kept = events.filter(isKept);
  if (gone.length > 0) {
    const ids = [gone.map(({ originId }) => toText(originId)), gone.map(({ key }) => toText(key))];
    work.push(client.query(unparkSql, ids));
  }
  if (kept.length > 0) work.push(client.query(parkSql, toArrays(kept.map(parkedToValues), parkedColumns.length)));
  if (losses.size > 0) {
    const rows = [...losses.values()].map(lossToValues);
    work.push(client.query(addLossesSql, toArrays(rows, lossColumns.length)));
  }
  return work;
}

/** @returns an array for each column */
function toArrays(rows: readonly (string | number | null)[][], columns: number): (string | number | null)[][] {
  const inText = rows.map((row) => row.map(toColumn));
  return Array.from({ length: columns }, (_, column) => inText.map((row) => row[column] ?? null));
}

export function askOrigins(ask: Ask): Origins {
  return {
    origins: async () =>
      (await ask("SELECT body FROM origins ORDER BY origin_id", [])).map(({ body }) => bodyToState(body)),
    origin: (originId) => originIn(ask, originId),
    parkedOf: async (originId, afterKey, limit) =>
      (await ask(parkedOfSql, [toText(originId), toText(afterKey), limit])).map(toParked),
    lossesOf: async (originId) =>
      (await ask(lossesOfSql, [toText(originId)])).map((row) => rowToLoss(fromColumns(row))),
  };
}

async function originIn(ask: Ask, originId: string) {
  const [row] = await ask("SELECT body FROM origins WHERE origin_id = $1", [toText(originId)]);
  return row === undefined ? null : bodyToState(row.body);
}

function toParked(row: Row): ParkedEvent {
  return rowToParked(fromColumns(row));
}

const putStatesSql = `INSERT INTO origins (origin_id, body) SELECT * FROM unnest($1::text[], $2::text[])
  ON CONFLICT (origin_id) DO UPDATE SET body = excluded.body`;
const sessionOfOriginSql = `SELECT session_id, started_at FROM sessions WHERE origin_id = $1 AND origin_session_id = $2
  ORDER BY started_key DESC, started_at DESC, session_id DESC LIMIT 1`;
const parkedEventSql = "SELECT * FROM parked_events WHERE origin_id = $1 AND key = $2";
const parkedForSql = "SELECT * FROM parked_events WHERE origin_id = $1 AND start_event_id = $2";
const parkSql = `INSERT INTO parked_events (${parkedColumns.join(", ")})
  SELECT * FROM unnest(${parkedColumns.map((name, at) => `$${at + 1}::${typeOf(name)}[]`).join(", ")})
  ON CONFLICT (origin_id, key) DO UPDATE SET ${parkedColumns
    .slice(2)
    .map((name) => `${name} = excluded.${name}`)
    .join(", ")}`;
const unparkSql = `DELETE FROM parked_events WHERE (origin_id, key) IN (SELECT * FROM unnest($1::text[], $2::text[]))`;
const knownLossSql =
  "SELECT 1 FROM origin_losses WHERE origin_id = $1 AND stream = $2 AND from_seq = $3 AND to_seq = $4";
const addLossesSql = `INSERT INTO origin_losses (${lossColumns.join(", ")})
  SELECT * FROM unnest(${lossColumns.map((name, at) => `$${at + 1}::${typeOf(name)}[]`).join(", ")})`;
const parkedOfSql = "SELECT * FROM parked_events WHERE origin_id = $1 AND key > $2 ORDER BY key LIMIT $3";
const lossesOfSql = "SELECT * FROM origin_losses WHERE origin_id = $1 ORDER BY stream, from_seq, to_seq";

function typeOf(column: string): string {
  return ["seq", "from_seq", "to_seq", "events"].includes(column) ? "int8" : "text";
}
