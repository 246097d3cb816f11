/** Owns what the embedded store has of origins. Loaded where something is delivered, or asked of what was. */
import type { Origins, OriginsTransaction } from "../../tracker/origins.ts";
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
import type { Connection } from "./connection.ts";
import type { Prepare } from "./ranges.ts";

/** To be used inside of a transaction alone. */
export function originsOn(connection: Connection): OriginsTransaction {
  const prepare: Prepare = (sql) => connection.prepared(sql);
  return {
    origin: async (originId) => stateOf(prepare, originId),
    putOrigin: async (state) => connection.write(putStateSql, [state.originId, stateToBody(state)]),
    async sessionOfOrigin(originId, sessionIdThere) {
      const row = prepare(sessionOfOriginSql).get(originId, sessionIdThere);
      return row === undefined ? null : String(row.session_id);
    },
    async parkedEvent(originId, key) {
      const row = prepare("SELECT * FROM parked_events WHERE origin_id = ? AND key = ?").get(originId, key);
      return row === undefined ? null : rowToParked(row);
    },
    parkedFor: async (originId, startEventId) => prepare(parkedForSql).all(originId, startEventId).map(rowToParked),
    park: async (event) => connection.write(parkSql, parkedToValues(event)),
    unpark: async (originId, key) =>
      connection.write("DELETE FROM parked_events WHERE origin_id = ? AND key = ?", [originId, key]),
    isLossKnown: async ({ originId, stream, from, to }) =>
      prepare(knownLossSql).get(originId, stream, from, to) !== undefined,
    addLoss: async (loss) => connection.write(addLossSql, lossToValues(loss)),
  };
}

/** Each is asked when everything before it is done. */
export function askOrigins(prepare: Prepare): {
  readonly [Name in keyof Origins]: (...args: Parameters<Origins[Name]>) => Awaited<ReturnType<Origins[Name]>>;
} {
  return {
    origins: () =>
      prepare("SELECT body FROM origins ORDER BY origin_id")
        .all()
        .map(({ body }) => bodyToState(body)),
    origin: (originId) => stateOf(prepare, originId),
    parkedOf: (originId, afterKey, limit) => prepare(parkedOfSql).all(originId, afterKey, limit).map(rowToParked),
    lossesOf: (originId) => prepare(lossesOfSql).all(originId).map(rowToLoss),
  };
}

function stateOf(prepare: Prepare, originId: string) {
  const row = prepare("SELECT body FROM origins WHERE origin_id = ?").get(originId);
  return row === undefined ? null : bodyToState(row.body);
}

const putStateSql = "INSERT OR REPLACE INTO origins (origin_id, body) VALUES (?, ?)";
const sessionOfOriginSql = `SELECT session_id FROM sessions INDEXED BY sessions_by_origin
  WHERE origin_id = ? AND origin_session_id = ? ORDER BY started_at DESC, session_id DESC LIMIT 1`;
const parkedForSql = `SELECT * FROM parked_events INDEXED BY parked_events_by_start
  WHERE origin_id = ? AND start_event_id = ? ORDER BY key`;
const parkSql = `INSERT OR REPLACE INTO parked_events (${parkedColumns.join(", ")})
  VALUES (${parkedColumns.map(() => "?").join(", ")})`;
const knownLossSql = "SELECT 1 FROM origin_losses WHERE origin_id = ? AND stream = ? AND from_seq = ? AND to_seq = ?";
const addLossSql = `INSERT INTO origin_losses (${lossColumns.join(", ")}) VALUES (${lossColumns.map(() => "?").join(", ")})`;
const parkedOfSql = "SELECT * FROM parked_events WHERE origin_id = ? AND key > ? ORDER BY key LIMIT ?";
const lossesOfSql = "SELECT * FROM origin_losses WHERE origin_id = ? ORDER BY stream, from_seq, to_seq";
