/** Owns the embedded store: events and sessions in one SQLite file. */
import type { SessionEvent } from "../../tracker/event.ts";
import type { Session } from "../../tracker/fold.ts";
import type { LoggedEvent, Store, StoreTransaction } from "../../tracker/store.ts";
import type { Asked, Procedure } from "../outbox.ts";
import { eventToValues, rowToEvent, rowToSession } from "../rows.ts";
import { Connection } from "./connection.ts";
import { nameOfFile, openFile } from "./opened-file.ts";
import type { askOrigins } from "./origins.ts";
import type { Prepare } from "./ranges.ts";
import { putSessionSql, sessionToValues } from "./rows.ts";

export interface SqliteStoreOptions {
  /** The database file, created with mode 0600. Its folder must exist. */
  readonly path: string;
  /** How long to wait for another process's lock, in milliseconds; 0 or more, default 10 000. */
  readonly busyTimeoutMs?: number;
  /** Makes sure, each time before another file is opened at the path, that its folder is there and private; nothing by default. */
  readonly prepareFolder?: () => void;
  /** Told each time when another file was at the path, which is used from here on; nobody by default. */
  readonly onReplaced?: () => void;
}

const defaultBusyTimeoutMs = 10_000;

/**
 * Opens the store, creating or migrating the file. A file that is removed, moved away or replaced while the store is open is
 * noticed before the next answer, and the one at the path is opened in the same way: what was answered is in the file that
 * was at the path then.
 *
 * @throws SessionBuddyError `storage.unavailable`, `storage.busy`, `storage.corrupt` or `storage.newer`
 */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<Store> {
  const { path, busyTimeoutMs = defaultBusyTimeoutMs, prepareFolder = () => {}, onReplaced = () => {} } = options;
  const file = { path, busyTimeoutMs, prepareFolder, onReplaced };
  const connection = new Connection(await openFile(file), file);
  const prepare: Prepare = (sql) => connection.prepared(sql);
  const transaction = transactionOn(connection);
  const askedOrigins = <T>(ask: (origins: ReturnType<typeof askOrigins>) => T) =>
    connection.run(async () => ask((await loadOrigins()).askOrigins(prepare)));
  const outbox = outboxOn(connection);
  const log = (sql: string, ...values: (string | number)[]) => connection.run(() => logged(prepare, sql, ...values));
  return {
    transact: (work) => connection.transact(() => work(transaction)),
    session: (sessionId) =>
      connection.run(() => {
        const row = prepare("SELECT * FROM sessions WHERE session_id = ?").get(sessionId);
        return row === undefined ? null : rowToSession(row);
      }),
    sessions: (query) =>
      connection.run(async () => {
        const { findSessions } = await loadHistory();
        return connection.inTransaction("BEGIN", () => findSessions(prepare, query));
      }),
    activeOfHost: (hostId) => connection.run(() => prepare(activeOfHostSql).all(hostId).map(rowToSession)),
    activeOfPids: (hostId, pids) => connection.run(() => activeOfPids(prepare, hostId, pids)),
    remoteOfLogin: (hostId, bootId, auditSession) =>
      connection.run(() => {
        const row = prepare(remoteOfLoginSql).get(auditSession, hostId, bootId);
        return row === undefined ? null : String(row.remote);
      }),
    events: (afterSeq, limit) => log("SELECT * FROM events WHERE seq > ? ORDER BY seq LIMIT ?", afterSeq, limit),
    eventsOf: (sessionId) => log(eventsOfSql, sessionId),
    changes: (afterSeq, limit) =>
      connection.run(async () => (await loadHistory()).findChanges(prepare, afterSeq, limit)),
    lastSeq: () => connection.run(() => Number(prepare("SELECT coalesce(max(seq), 0) AS seq FROM events").get()?.seq)),
    replacements: () => connection.replacements,
    logId: () => connection.run(() => nameOfFile(path)),
    origins: () => askedOrigins((ask) => ask.origins()),
    origin: (originId) => askedOrigins((ask) => ask.origin(originId)),
    parkedOf: (originId, afterKey, limit) => askedOrigins((ask) => ask.parkedOf(originId, afterKey, limit)),
    lossesOf: (originId) => askedOrigins((ask) => ask.lossesOf(originId)),
    stats: (by, query) =>
      connection.aside(path, async (database) => (await loadHistory()).countSessionsBy(database, by, query)),
    componentCounts: () => connection.run(async () => (await loadHistory()).countByComponent(prepare)),
    countPrunable: (endedBefore) => connection.run(async () => (await loadHistory()).countOld(prepare, endedBefore)),
    prune: (endedBefore, limit) =>
      connection.run(async () => {
        const { removeOld } = await loadHistory();
        connection.execute(pruneCacheSql);
        return connection.inTransaction("BEGIN IMMEDIATE", () => removeOld(prepare, endedBefore, limit));
      }),
    deliveries: () => outbox.read((ask) => ask.deliveries()),
    leaseDelivery: (addressee, stream, lease) => outbox.write((ask) => ask.leaseDelivery(addressee, stream, lease)),
    settleDelivery: (name, leaseId, change) => outbox.write((ask) => ask.settleDelivery(name, leaseId, change)),
    keepDeliveries: (names) => outbox.write((ask) => ask.keepDeliveries(names)),
    refusedEvents: (name, limit) => outbox.read((ask) => ask.refusedEvents(name, limit)),
    untoldLosses: (name, limit) => outbox.read((ask) => ask.untoldLosses(name, limit)),
    backlog: (name) => outbox.read((ask) => ask.backlog(name)),
    holdEvents: (rule) =>
      connection.run(async () => {
        const { hold } = await loadHistory();
        return connection.inTransaction("BEGIN IMMEDIATE", () => hold(prepare, rule));
      }),
    countHeld: (endedBefore) => connection.run(async () => (await loadHistory()).countKept(prepare, endedBefore)),
    problems: () => connection.run(async () => (await loadHistory()).findProblems(prepare)),
    head: () => connection.run(async () => (await loadHistory()).findHead(prepare)),
    prunedSessions: (after, limit) =>
      connection.run(async () => (await loadHistory()).findPruned(prepare, after, limit)),
    tables: () => connection.run(async () => (await loadHistory()).findTables(prepare)),
    rowsOf: (table, offset, limit) =>
      connection.run(async () => (await loadHistory()).findRows(prepare, table, offset, limit)),
    takeOver: (after, part) =>
      connection.run(async () => {
        const { takePart } = await loadHistory();
        return connection.inTransaction("BEGIN IMMEDIATE", () => takePart(prepare, after, part));
      }),
    backup: (target, onProgress) =>
      connection.aside(target, async (database) => (await loadHistory()).copyInto(target, database, onProgress)),
    changeHosts: async (work) => (await loadHosts(connection)).changeHosts(work),
    hostOfKey: async (kid) => (await loadHosts(connection)).hostOfKey(kid),
    enrolledHosts: async () => (await loadHosts(connection)).enrolledHosts(),
    invites: async () => (await loadHosts(connection)).invites(),
    close: () => connection.close(),
  };
}

/** A start and an end ask nothing of it. */
function loadHistory() {
  return import("./history.ts");
}

/** Nor of this. */
function loadOrigins() {
  return import("./origins.ts");
}

/** The same of these. */
async function loadHosts(connection: Connection) {
  return (await import("./hosts.ts")).hostsOn(connection);
}

/** Nor of this, but where the record is delivered. */
function loadOutbox() {
  return import("../outbox.ts");
}

type OutboxProcedures = Awaited<ReturnType<typeof loadOutbox>>;

function outboxOn(connection: Connection) {
  const statement = ({ sql, values }: Asked) => connection.prepared(sql).all(...values);
  return {
    read: <T>(make: (ask: OutboxProcedures) => Procedure<T>) =>
      connection.run(async () => {
        const procedures = await loadOutbox();
        return procedures.runNow(make(procedures), statement);
      }),
    write: <T>(make: (ask: OutboxProcedures) => Procedure<T>) =>
      connection.run(async () => {
        const procedures = await loadOutbox();
        return connection.inTransaction("BEGIN IMMEDIATE", () => procedures.runNow(make(procedures), statement));
      }),
  };
}

function transactionOn(connection: Connection): StoreTransaction {
  const prepare: Prepare = (sql) => connection.prepared(sql);
  return {
    // The file is here: whatever is asked is read when it is asked.
    expect: async () => {},
    async eventById(eventId): Promise<SessionEvent | null> {
      const row = prepare("SELECT * FROM events WHERE event_id = ?").get(eventId);
      return row === undefined ? null : rowToEvent(row);
    },
    eventsOf: async (sessionId) => logged(prepare, eventsOfSql, sessionId).map(({ event }) => event),
    async prunedSessionId(eventId) {
      const row = prepare("SELECT session_id FROM pruned_sessions WHERE start_event_id = ?").get(eventId);
      return row === undefined ? null : String(row.session_id);
    },
    isSessionIdTaken: async (sessionId) => prepare(takenSql).get(sessionId, sessionId) !== undefined,
    activeOfPids: async (hostId, pids) => activeOfPids(prepare, hostId, pids),
    sessions: async (query) => (await loadHistory()).findSessions(prepare, query),
    appendEvent: async (event) => connection.write(appendSql, eventToValues(event)),
    putSession: async (session) => connection.write(putSessionSql, sessionToValues(session)),
    origins: async () => (await loadOrigins()).originsOn(connection),
  };
}

function activeOfPids(prepare: Prepare, hostId: string, pids: readonly number[]): Session[] {
  return pids.flatMap((pid) => prepare(activeOfPidSql).all(pid, hostId).map(rowToSession));
}

function logged(prepare: Prepare, sql: string, ...values: (string | number)[]): LoggedEvent[] {
  return prepare(sql)
    .all(...values)
    .map((row) => ({ seq: Number(row.seq), event: rowToEvent(row) }));
}

/** 64 MiB: a batch changes pages all over the indexes, each of them many times. */
const pruneCacheSql = "PRAGMA cache_size = -65536";
/** The open sessions are the first span class; no index has the host, because few are open. */
const activeOfHostSql = `SELECT * FROM sessions INDEXED BY sessions_by_span
  WHERE span_class = 0 AND host_id = ? AND origin_id IS NULL ORDER BY started_at DESC, session_id DESC`;
const activeOfPidSql = `SELECT * FROM sessions INDEXED BY sessions_by_open_process
  WHERE span_class = 0 AND process_pid = ? AND host_id = ? AND origin_id IS NULL ORDER BY started_at DESC, session_id DESC`;
const remoteOfLoginSql = `SELECT remote FROM sessions INDEXED BY sessions_by_login
  WHERE audit_session = ? AND host_id = ? AND boot_id = ? AND remote IS NOT NULL AND multiplexer IS NULL AND origin_id IS NULL
  ORDER BY started_at LIMIT 1`;
const eventsOfSql = "SELECT * FROM events WHERE session_id = ? ORDER BY seq";
const takenSql =
  "SELECT 1 FROM events WHERE session_id = ? UNION ALL SELECT 1 FROM pruned_sessions WHERE session_id = ? LIMIT 1";
const appendSql = "INSERT INTO events (event_id, session_id, kind, body) VALUES (?, ?, ?, ?)";
