/** Owns the shared store: events and sessions in one PostgreSQL database, for several programs on several machines. */

import { SessionBuddyError } from "../../tracker/errors.ts";
import type { EventLog, LoggedChange, LoggedEvent, Store } from "../../tracker/store.ts";
import { toChange } from "../changes.ts";
import type { Procedure } from "../outbox.ts";
import * as outboxProcedures from "../outbox.ts";
import { countHeld, holdEvents } from "../outbox-hold.ts";
import { parseAddress } from "./address.ts";
import { Connection } from "./connection.ts";
import { toEvent } from "./event-rows.ts";
import { hostsOn } from "./hosts.ts";
import { askOrigins } from "./origins.ts";
import { countPrunable, oldSessions, pruneOldest, statements } from "./prune.ts";
import { fromText, type Row, readColumns, toSession, toText } from "./rows.ts";
import { numbered, type Statement } from "./statement.ts";
import { componentCountsSql, statsStatement, toComponentCount, toStats } from "./stats.ts";
import { activeOfPids, findSessions } from "./transaction.ts";
import { transferOver } from "./transfer.ts";

export interface PostgresStoreOptions {
  /** `postgres://user@host:port/database`, without a password. */
  readonly url: string;
  /** By default the driver looks for a password in PGPASSWORD and ~/.pgpass. */
  readonly passwordFile?: string | null;
}

/**
 * Opens the store, making or migrating its tables.
 *
 * @throws SessionBuddyError `usage` for a wrong address, `auth.secret` for a password file that is open to others, `storage.unavailable` when the server cannot be reached,
 *   `storage.newer`
 */
export async function openPostgresStore({ url, passwordFile = null }: PostgresStoreOptions): Promise<Store> {
  const connection = new Connection(parseAddress(url, passwordFile));
  try {
    await connection.prepare();
  } catch (error) {
    await connection.close();
    throw error;
  }
  return storeOver(connection);
}

function storeOver(connection: Connection): Store {
  const read = (text: string, ...values: unknown[]) => connection.read(text, values);
  const ask = (statement: Statement) => {
    const { text, values } = numbered(statement);
    return connection.read(text, values);
  };
  const log = createLogReader(read);
  const outbox = outboxOn(connection);
  return {
    transact: (work) => connection.transact(work),
    async session(sessionId) {
      const [row] = await read(`SELECT ${readColumns} FROM sessions s WHERE s.session_id = $1`, toText(sessionId));
      return row === undefined ? null : toSession(row);
    },
    sessions: (query) => findSessions((text, values) => connection.read(text, values), query),
    async activeOfHost(hostId) {
      const rows = await read(activeOfHostSql, toText(hostId));
      return rows.map(toSession);
    },
    activeOfPids: (hostId, pids) => activeOfPids((text, values) => connection.read(text, values), hostId, pids),
    async remoteOfLogin(hostId, bootId, auditSession) {
      const [row] = await read(remoteOfLoginSql, auditSession, toText(hostId), toText(bootId));
      return row === undefined ? null : fromText(row.remote as string);
    },
    ...log,
    ...askOrigins((text, values) => connection.read(text, values)),
    stats: async (by, query) => toStats(by, await ask(statsStatement(by, query))),
    componentCounts: async () => (await read(componentCountsSql)).map(toComponentCount),
    countPrunable: (endedBefore) => countPrunable((text, values) => connection.read(text, values), endedBefore),
    prune: (endedBefore, limit) => connection.alone((transaction) => pruneOldest(transaction, endedBefore, limit)),
    deliveries: () => outbox.read((ask) => ask.deliveries()),
    leaseDelivery: (addressee, stream, lease) => outbox.write((ask) => ask.leaseDelivery(addressee, stream, lease)),
    settleDelivery: (name, leaseId, change) => outbox.write((ask) => ask.settleDelivery(name, leaseId, change)),
    keepDeliveries: (names) => outbox.write((ask) => ask.keepDeliveries(names)),
    refusedEvents: (name, limit) => outbox.read((ask) => ask.refusedEvents(name, limit)),
    untoldLosses: (name, limit) => outbox.read((ask) => ask.untoldLosses(name, limit)),
    backlog: (name) => outbox.read((ask) => ask.backlog(name)),
    holdEvents: (rule) => outbox.write(() => holdEvents(rule)),
    countHeld: (endedBefore) => outbox.read(() => countHeld(oldSessions(endedBefore))),
    async problems() {
      const [row] = await read(problemsSql);
      return (row?.head as number) >= (row?.last as number)
        ? []
        : [`log_head says ${row?.head}, the newest event is ${row?.last}`];
    },
    ...transferOver(connection),
    backup: () => Promise.reject(new SessionBuddyError("usage", copiedByItself)),
    ...hostsOn(connection),
    close: () => connection.close(),
  };
}

type OutboxProcedures = typeof import("../outbox.ts");

/** This store has them loaded anyhow, to know what it must not remove. */
function outboxOn(connection: Connection) {
  return {
    read: <T>(make: (ask: OutboxProcedures) => Procedure<T>) =>
      outboxProcedures.runThere(
        make(outboxProcedures),
        statements((text, values) => connection.read(text, values)),
      ),
    write: <T>(make: (ask: OutboxProcedures) => Procedure<T>) =>
      connection.alone((ask) => outboxProcedures.runThere(make(outboxProcedures), statements(ask))),
  };
}

const copiedByItself = "the record is in a PostgreSQL database; copy it with pg_dump";

type LogReader = Pick<EventLog, "events" | "eventsOf" | "changes" | "lastSeq" | "replacements" | "logId">;

/** A database that was restored from a backup has another log where its end lies before one that was seen. */
function createLogReader(read: (text: string, ...values: unknown[]) => Promise<readonly Row[]>): LogReader {
  let head: { readonly id: string; readonly seq: number } | null = null;
  let replacements = 0;
  const look = async () => {
    // Looks may overtake each other: this one is later than those that are done.
    const before = head;
    const [row] = await read("SELECT seq, store_id FROM log_head");
    const seen = { id: String(row?.store_id), seq: row?.seq as number };
    if (before !== null && (seen.id !== before.id || seen.seq < before.seq)) replacements += 1;
    head = seen;
    return seen;
  };
  return {
    async events(afterSeq, limit) {
      await look();
      return (await read(`${loggedSql} WHERE seq > $1 ORDER BY seq LIMIT $2`, afterSeq, limit)).map(toLogged);
    },
    eventsOf: async (sessionId) =>
      (await read(`${loggedSql} WHERE session_id = $1 ORDER BY seq`, toText(sessionId))).map(toLogged),
    async changes(afterSeq, limit) {
      await look();
      return (await read(changesSql, afterSeq, limit)).map(rowToChange);
    },
    lastSeq: async () => (await look()).seq,
    replacements: () => replacements,
    logId: async () => (await look()).id,
  };
}

function toLogged(row: Row): LoggedEvent {
  return { seq: row.seq as number, event: toEvent(row) };
}

function rowToChange(row: Row): LoggedChange {
  return toChange({
    seq: row.seq as number,
    kind: row.kind as string,
    // The body is read here, because PostgreSQL does not take every text that it may have for JSON.
    proof: row.body === null ? null : JSON.parse(row.body as string).content.proof,
    componentName: fromText(row.component_name as string),
    shellType: fromText(row.shell_type as string),
    durationMs: row.duration_ms as number | null,
    known: row.known as number | null,
  });
}

const loggedSql = "SELECT seq, event_id, session_id, kind, body FROM events";
const activeOfHostSql = `SELECT ${readColumns} FROM sessions s WHERE s.state = 'active' AND s.host_id = $1 AND s.origin_id IS NULL
  ORDER BY s.started_key DESC, s.started_at DESC, s.session_id DESC`;
const remoteOfLoginSql = `SELECT remote FROM sessions
  WHERE audit_session = $1 AND host_id = $2 AND boot_id = $3 AND remote IS NOT NULL AND multiplexer IS NULL AND origin_id IS NULL
  ORDER BY started_key, started_at LIMIT 1`;
const problemsSql = "SELECT (SELECT seq FROM log_head) AS head, (SELECT coalesce(max(seq), 0) FROM events) AS last";
const changesSql = `
  SELECT e.seq, e.kind, CASE e.kind WHEN 'death' THEN e.body END AS body, s.component_name, s.shell_type, s.duration_ms, (
    SELECT max(CASE b.kind WHEN 'end' THEN 2 WHEN 'death' THEN 1 ELSE 0 END)::int8
    FROM events AS b WHERE b.session_id = e.session_id AND b.seq < e.seq
  ) AS known
  FROM events AS e JOIN sessions AS s ON s.session_id = e.session_id
  WHERE e.seq > $1 ORDER BY e.seq LIMIT $2`;
