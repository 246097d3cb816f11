/**
 * Owns the embedded store: events and sessions in one SQLite file. Opened by `app.ts` alone.
 *
 * Longer than 250 lines because the connection, the queue before it and its statements cannot be taken apart.
 */
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { SessionBuddyError } from "../../tracker/errors.ts";
import type { SessionEvent } from "../../tracker/event.ts";
import type { Session } from "../../tracker/fold.ts";
import type { Instant } from "../../tracker/instant.ts";
import type {
  ComponentCount,
  LoggedChange,
  LoggedEvent,
  SessionQuery,
  StatsKey,
  StatsRow,
  Store,
  StoreTransaction,
} from "../../tracker/store.ts";
import { copyTo } from "./backup.ts";
import { changesAfter } from "./changes.ts";
import { isBusy, translate } from "./errors.ts";
import { createPrivately, fileErrorOf, prepareFile } from "./file.ts";
import { countPrunable, pruneOldest } from "./prune.ts";
import { matchingRows } from "./query.ts";
import type { Prepare } from "./ranges.ts";
import { eventToValues, putSessionSql, rowToEvent, rowToSession, sessionToValues } from "./rows.ts";
import { countComponents, countSessions } from "./stats.ts";

export interface SqliteStoreOptions {
  /** The database file, created with mode 0600. Its folder must exist. */
  readonly path: string;
  /** How long to wait for another process's lock, in milliseconds; 0 or more, default 10 000. */
  readonly busyTimeoutMs?: number;
}

const defaultBusyTimeoutMs = 10_000;
/** How long SQLite itself may wait; it blocks the thread, so the longer waiting is done between tries. */
const blockingWaitMs = 25;
const longestPauseMs = 50;
const largestGroup = 256;
/** So many turns of the event loop a call may wait for others. */
const mostTurns = 8;

/**
 * Opens the store, creating or migrating the file.
 *
 * @throws SessionBuddyError `storage.unavailable`, `storage.busy`, `storage.corrupt` or `storage.newer`
 */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<Store> {
  const { path, busyTimeoutMs = defaultBusyTimeoutMs } = options;
  let database: DatabaseSync | undefined;
  try {
    createPrivately(path);
    const opened = new DatabaseSync(path, { timeout: blockingWaitMs });
    database = opened;
    await retryWhileBusy(() => prepareFile(opened, path), busyTimeoutMs);
    return new SqliteStore(opened, busyTimeoutMs, path);
  } catch (error) {
    database?.close();
    throw translate(fileErrorOf(error, path), path);
  }
}

/** Tries again while another process holds the file, without blocking this one's event loop. */
async function retryWhileBusy<T>(action: () => T | Promise<T>, timeoutMs: number): Promise<T> {
  const deadlineMs = monotonicMs() + timeoutMs;
  for (;;) {
    try {
      return await action();
    } catch (error) {
      if (!isBusy(error) || monotonicMs() >= deadlineMs) throw error;
      await sleep(1 + Math.random() * longestPauseMs);
    }
  }
}

// The promise forms of the timers and `performance` each load modules that a start has no other need of.
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const nextTurn = () => new Promise((resolve) => setImmediate(resolve));
const monotonicMs = () => process.uptime() * 1000;

interface Waiting {
  /** Runs the work inside the open transaction. @returns what gives its answer, when the commit is done */
  readonly run: (transaction: StoreTransaction) => Promise<() => void>;
  readonly fail: (error: unknown) => void;
}

class SqliteStore implements Store {
  readonly #database: DatabaseSync;
  readonly #busyTimeoutMs: number;
  readonly #path: string;
  readonly #transaction: StoreTransaction;
  readonly #statements = new Map<string, StatementSync>();
  #waiting: Waiting[] = [];
  /** How often this connection has written. */
  #writes = 0;
  /** Settles when everything asked for so far is done; one connection does one thing at a time. */
  #tail: Promise<unknown> = Promise.resolve();
  /** What goes on beside the queue. */
  readonly #asides = new Set<Promise<unknown>>();
  #isClosed = false;
  readonly #prepare: Prepare = (sql) => this.#prepared(sql);

  constructor(database: DatabaseSync, busyTimeoutMs: number, path: string) {
    this.#database = database;
    this.#busyTimeoutMs = busyTimeoutMs;
    this.#path = path;
    this.#transaction = {
      eventById: async (eventId) => this.#event("SELECT * FROM events WHERE event_id = ?", eventId),
      eventsOf: async (sessionId) => this.#log(eventsOfSql, sessionId).map((logged) => logged.event),
      prunedSessionId: async (eventId) => this.#prunedSessionId(eventId),
      isSessionIdTaken: async (sessionId) => this.#prepared(takenSql).get(sessionId, sessionId) !== undefined,
      appendEvent: async (event) => this.#write(appendSql, eventToValues(event)),
      putSession: async (session) => this.#write(putSessionSql, sessionToValues(session)),
    };
  }

  transact<T>(work: (transaction: StoreTransaction) => Promise<T>): Promise<T> {
    if (this.#isClosed) return refuseClosed();
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({
        run: async (transaction) => {
          const value = await work(transaction);
          return () => resolve(value);
        },
        fail: reject,
      });
      if (this.#waiting.length === 1) void this.#alone(() => this.#commitWaiting());
    });
  }

  session(sessionId: string): Promise<Session | null> {
    return this.#run(() => {
      const row = this.#prepared("SELECT * FROM sessions WHERE session_id = ?").get(sessionId);
      return row === undefined ? null : rowToSession(row);
    });
  }

  sessions(query: SessionQuery): Promise<readonly Session[]> {
    return this.#run(() =>
      this.#inTransaction("BEGIN", () => [...matchingRows(this.#prepare, query)].map(rowToSession)),
    );
  }

  events(afterSeq: number, limit: number): Promise<readonly LoggedEvent[]> {
    return this.#run(() => this.#log("SELECT * FROM events WHERE seq > ? ORDER BY seq LIMIT ?", afterSeq, limit));
  }

  changes(afterSeq: number, limit: number): Promise<readonly LoggedChange[]> {
    return this.#run(() => changesAfter(this.#prepare, afterSeq, limit));
  }

  lastSeq(): Promise<number> {
    return this.#run(() => this.#prepared("SELECT coalesce(max(seq), 0) AS seq FROM events").get()?.seq as number);
  }

  eventsOf(sessionId: string): Promise<readonly LoggedEvent[]> {
    return this.#run(() => this.#log(eventsOfSql, sessionId));
  }

  stats(by: StatsKey, query: SessionQuery): Promise<readonly StatsRow[]> {
    return this.#aside(this.#path, (database) => countSessions((sql) => database.prepare(sql), by, query, nextTurn));
  }

  componentCounts(): Promise<readonly ComponentCount[]> {
    return this.#run(() => countComponents(this.#prepare));
  }

  countPrunable(endedBefore: Instant): Promise<number> {
    return this.#run(() => countPrunable(this.#prepare, endedBefore));
  }

  prune(endedBefore: Instant, limit: number): Promise<number> {
    return this.#run(() => {
      this.#database.exec(pruneCacheSql);
      return this.#inTransaction("BEGIN IMMEDIATE", () => pruneOldest(this.#prepare, endedBefore, limit));
    });
  }

  backup(path: string, onProgress: (done: number, total: number) => void): Promise<void> {
    return this.#aside(path, (database) => copyTo(path, database, onProgress));
  }

  problems(): Promise<readonly string[]> {
    return this.#run(() => {
      const rows = this.#database.prepare("PRAGMA integrity_check(10)").all();
      const words = rows.map((row) => String(row.integrity_check));
      return words.length === 1 && words[0] === "ok" ? [] : words;
    });
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    for (let tail: unknown; tail !== this.#tail; ) {
      tail = this.#tail;
      await tail;
    }
    if (this.#isClosed) return;
    this.#isClosed = true;
    await Promise.allSettled(this.#asides);
    this.#database.close();
  }

  /** Runs `action` when everything before it is done. */
  #alone<T>(action: () => Promise<T>): Promise<T> {
    if (this.#isClosed) return refuseClosed();
    const result = this.#tail.then(action);
    this.#tail = result.catch(() => {});
    return result;
  }

  /**
   * Long work that only reads sees the store as it is now, on a connection of its own, so that nobody waits for it.
   *
   * @param path - of the file that is in trouble when something fails
   */
  async #aside<T>(path: string, action: (database: DatabaseSync) => Promise<T>): Promise<T> {
    if (this.#isClosed) return refuseClosed();
    const result = this.#onConnection(action);
    this.#asides.add(result);
    try {
      return await result;
    } catch (error) {
      throw translate(fileErrorOf(error, path), path);
    } finally {
      this.#asides.delete(result);
    }
  }

  async #onConnection<T>(action: (database: DatabaseSync) => Promise<T>): Promise<T> {
    const database = new DatabaseSync(this.#path, { readOnly: true, timeout: blockingWaitMs });
    try {
      await retryWhileBusy(() => beginReading(database), this.#busyTimeoutMs);
      return await action(database);
    } finally {
      database.close();
    }
  }

  /** Runs what cannot wait for anything in one transaction. */
  #inTransaction<T>(begin: "BEGIN" | "BEGIN IMMEDIATE", action: () => T): T {
    this.#database.exec(begin);
    try {
      const result = action();
      this.#database.exec("COMMIT");
      return result;
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
      throw error;
    }
  }

  /** Runs what takes no turns alone, again while the file is busy; its errors come in our words. */
  #run<T>(action: () => T): Promise<T> {
    return this.#alone(async () => {
      try {
        return await retryWhileBusy(action, this.#busyTimeoutMs);
      } catch (error) {
        throw translate(error, this.#path);
      }
    });
  }

  /** One transaction for all that wait: one fsync, and each is answered after it. */
  async #commitWaiting(): Promise<void> {
    await this.#gathered();
    const group = this.#waiting.slice(0, largestGroup);
    if (!(await this.#commit(group))) {
      for (const waiting of group) await this.#commit([waiting]);
    }
    this.#waiting = this.#waiting.slice(group.length);
    // Behind the reads that came meanwhile.
    if (this.#waiting.length > 0) void this.#alone(() => this.#commitWaiting());
  }

  /**
   * Calls that arrive in one turn of the event loop come from separate callbacks; one turn later all are here. While each
   * turn brings more, it is cheaper to take them along than to have the next ones wait for a commit of their own.
   */
  async #gathered(): Promise<void> {
    for (let turn = 0; turn < mostTurns; turn += 1) {
      const before = this.#waiting.length;
      await nextTurn();
      if (this.#waiting.length === before) return;
    }
  }

  /**
   * What a work has written before it threw can only be taken back with the whole transaction. A savepoint for each work
   * would do it too, but has SQLite copy every page that a work touches, in a large group to a file in /var/tmp; that took
   * a quarter of the time of all of them.
   *
   * @returns false when that is so and there are others: nobody has an answer, and each is to be committed alone
   */
  async #commit(group: readonly Waiting[]): Promise<boolean> {
    const answers: (() => void)[] = [];
    try {
      await retryWhileBusy(() => this.#database.exec("BEGIN IMMEDIATE"), this.#busyTimeoutMs);
      for (const waiting of group) answers.push(await this.#runOne(waiting));
      this.#database.exec("COMMIT");
    } catch (error) {
      // SQLite has rolled back by itself after some errors, a full disk among them.
      const isOpen = this.#database.isTransaction;
      if (isOpen) this.#database.exec("ROLLBACK");
      if (isOpen && group.length > 1 && answers.length < group.length) return false;
      const translated = translate(error, this.#path);
      for (const waiting of group) waiting.fail(translated);
      return true;
    }
    for (const answer of answers) answer();
    return true;
  }

  /** @returns the answer, which may be the error of a work that has written nothing */
  async #runOne(waiting: Waiting): Promise<() => void> {
    const before = this.#writes;
    try {
      return await waiting.run(this.#transaction);
    } catch (error) {
      if (this.#writes > before || !this.#database.isTransaction) throw error;
      const translated = translate(error, this.#path);
      return () => waiting.fail(translated);
    }
  }

  #write(sql: string, values: SQLInputValue[]): void {
    this.#prepared(sql).run(...values);
    this.#writes += 1;
  }

  #event(sql: string, ...values: string[]): SessionEvent | null {
    const row = this.#prepared(sql).get(...values);
    return row === undefined ? null : rowToEvent(row);
  }

  #prunedSessionId(eventId: string): string | null {
    const row = this.#prepared("SELECT session_id FROM pruned_sessions WHERE start_event_id = ?").get(eventId);
    return (row?.session_id as string | undefined) ?? null;
  }

  #log(sql: string, ...values: (string | number)[]): LoggedEvent[] {
    return this.#prepared(sql)
      .all(...values)
      .map((row) => ({ seq: row.seq as number, event: rowToEvent(row) }));
  }

  #prepared(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.#database.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }
}

/** From here on the connection sees this moment. */
function beginReading(database: DatabaseSync): void {
  if (!database.isTransaction) database.exec("BEGIN");
  database.prepare("SELECT 1 FROM sqlite_schema LIMIT 1").get();
}

function refuseClosed(): Promise<never> {
  return Promise.reject(new SessionBuddyError("storage.unavailable", "the store is closed"));
}

/** 64 MiB: a batch changes pages all over the indexes, each of them many times. */
const pruneCacheSql = "PRAGMA cache_size = -65536";
const eventsOfSql = "SELECT * FROM events WHERE session_id = ? ORDER BY seq";
const takenSql =
  "SELECT 1 FROM events WHERE session_id = ? UNION ALL SELECT 1 FROM pruned_sessions WHERE session_id = ? LIMIT 1";
const appendSql = "INSERT INTO events (event_id, session_id, kind, body) VALUES (?, ?, ?, ?)";
