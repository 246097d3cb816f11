/**
 * Owns the embedded store: events and sessions in one SQLite file. Opened by `app.ts` alone.
 *
 * Durability: an acknowledged start or end must survive a power cut, so `synchronous` is FULL. In WAL mode NORMAL
 * survives a crash of the process but may lose the last commits with the machine
 * (https://www.sqlite.org/pragma.html#pragma_synchronous); FULL adds one fsync a commit, which callers that wait
 * together share.
 *
 * Longer than 250 lines because the connection, the queue before it and its statements cannot be taken apart.
 */
import { closeSync, fstatSync, openSync } from "node:fs";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { SessionBuddyError } from "../tracker/errors.ts";
import type { SessionEvent } from "../tracker/event.ts";
import type { Session } from "../tracker/fold.ts";
import type { LoggedEvent, SessionQuery, Store, StoreTransaction } from "../tracker/store.ts";
import { isBusy, translate } from "./sqlite-errors.ts";
import { eventToValues, putSessionSql, rowToEvent, rowToSession, sessionToValues } from "./sqlite-rows.ts";
import { isCurrent, migrate, requireOurs } from "./sqlite-schema.ts";

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
/** https://www.sqlite.org/fileformat.html#the_database_header */
const headerBytes = 100;

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

function prepareFile(database: DatabaseSync, path: string): void {
  database.exec("PRAGMA synchronous = FULL");
  if (isCurrent(database)) return;
  requireOurs(database, path);
  // Switching needs the file alone and stays with it; done before the transaction, where SQLite forbids it.
  database.exec("PRAGMA journal_mode = WAL; BEGIN IMMEDIATE");
  try {
    migrate(database, path);
    database.exec("COMMIT");
  } catch (error) {
    if (database.isTransaction) database.exec("ROLLBACK");
    throw error;
  }
}

/**
 * SQLite gives its other files the mode of the database, so the mode is settled before it is opened. It would also take
 * a file that is shorter than its own header for an empty database, and write over it.
 */
function createPrivately(path: string): void {
  const descriptor = openSync(path, "a", 0o600);
  try {
    const { size } = fstatSync(descriptor);
    if (size > 0 && size < headerBytes) throw Object.assign(new Error("shorter than its header"), { errcode: 26 });
  } finally {
    closeSync(descriptor);
  }
}

/** Node's own file errors as SQLite would say them, so that one table has the words. */
function fileErrorOf(error: unknown, path: string): unknown {
  if (!(error instanceof Error) || !("syscall" in error) || !("code" in error)) return error;
  const errcode = error.code === "ENOSPC" || error.code === "EDQUOT" ? 13 : 14;
  return Object.assign(new Error(`${path}: ${error.message}`, { cause: error }), { errcode });
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
  /** Runs the work inside the open transaction; the answer is given when the commit is done. */
  readonly run: (transaction: StoreTransaction) => Promise<void>;
  readonly acknowledge: () => void;
  readonly fail: (error: unknown) => void;
}

class SqliteStore implements Store {
  readonly #database: DatabaseSync;
  readonly #busyTimeoutMs: number;
  readonly #path: string;
  readonly #transaction: StoreTransaction;
  readonly #statements = new Map<string, StatementSync>();
  #waiting: Waiting[] = [];
  /** Settles when everything asked for so far is done; one connection does one thing at a time. */
  #tail: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  constructor(database: DatabaseSync, busyTimeoutMs: number, path: string) {
    this.#database = database;
    this.#busyTimeoutMs = busyTimeoutMs;
    this.#path = path;
    this.#transaction = {
      eventById: async (eventId) => this.#event("SELECT * FROM events WHERE event_id = ?", eventId),
      eventsOf: async (sessionId) => this.#log(eventsOfSql, sessionId).map((logged) => logged.event),
      isSessionIdTaken: async (sessionId) => this.#prepared(takenSql).get(sessionId) !== undefined,
      appendEvent: async (event) => void this.#prepared(appendSql).run(...eventToValues(event)),
      putSession: async (session) => void this.#prepared(putSessionSql).run(...sessionToValues(session)),
    };
  }

  transact<T>(work: (transaction: StoreTransaction) => Promise<T>): Promise<T> {
    if (this.#isClosed) return refuseClosed();
    return new Promise<T>((resolve, reject) => {
      let answer: () => void = () => reject(new Error("the work has not run"));
      this.#waiting.push({
        run: async (transaction) => {
          const value = await work(transaction);
          answer = () => resolve(value);
        },
        acknowledge: () => answer(),
        fail: reject,
      });
      if (this.#waiting.length === 1) void this.#alone(() => this.#commitWaiting());
    });
  }

  session(sessionId: string): Promise<Session | null> {
    return this.#read(() => {
      const row = this.#prepared("SELECT * FROM sessions WHERE session_id = ?").get(sessionId);
      return row === undefined ? null : rowToSession(row);
    });
  }

  sessions(query: SessionQuery): Promise<readonly Session[]> {
    // Not `IN`, for which SQLite does not use the partial index of the open sessions.
    const states = (query.states ?? []).map((state) => `state = '${state}'`);
    const conditions = states.length === 0 ? [] : [`(${states.join(" OR ")})`];
    const values: string[] = [];
    if (query.hostId !== undefined) {
      conditions.push("host_id = ?");
      values.push(query.hostId);
    }
    const filter = conditions.length === 0 ? "" : `WHERE ${conditions.join(" AND ")}`;
    const limit = query.limit === undefined ? "" : `LIMIT ${Math.max(1, Math.trunc(query.limit))}`;
    const sql = `SELECT * FROM sessions ${filter} ORDER BY started_at DESC, session_id DESC ${limit}`;
    return this.#read(() =>
      this.#prepared(sql)
        .all(...values)
        .map(rowToSession),
    );
  }

  events(afterSeq: number, limit: number): Promise<readonly LoggedEvent[]> {
    return this.#read(() => this.#log("SELECT * FROM events WHERE seq > ? ORDER BY seq LIMIT ?", afterSeq, limit));
  }

  eventsOf(sessionId: string): Promise<readonly LoggedEvent[]> {
    return this.#read(() => this.#log(eventsOfSql, sessionId));
  }

  problems(): Promise<readonly string[]> {
    return this.#read(() => {
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
    this.#database.close();
  }

  /** Runs `action` when everything before it is done. */
  #alone<T>(action: () => Promise<T>): Promise<T> {
    if (this.#isClosed) return refuseClosed();
    const result = this.#tail.then(action);
    this.#tail = result.catch(() => {});
    return result;
  }

  /** Runs a read alone, again while the file is busy; its errors come in our words. */
  #read<T>(action: () => T): Promise<T> {
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
    // Calls that arrive in this turn of the event loop come from separate callbacks; one turn later all are here.
    await nextTurn();
    const group = this.#waiting.slice(0, largestGroup);
    try {
      await this.#commit(group);
    } catch (error) {
      const translated = translate(error, this.#path);
      for (const waiting of group) waiting.fail(translated);
    }
    this.#waiting = this.#waiting.slice(group.length);
    // Behind the reads that came meanwhile.
    if (this.#waiting.length > 0) void this.#alone(() => this.#commitWaiting());
  }

  async #commit(group: readonly Waiting[]): Promise<void> {
    const done: Waiting[] = [];
    await retryWhileBusy(() => this.#database.exec("BEGIN IMMEDIATE"), this.#busyTimeoutMs);
    try {
      for (const waiting of group) {
        if (await this.#runOne(waiting)) done.push(waiting);
      }
      this.#database.exec("COMMIT");
    } catch (error) {
      // SQLite has rolled back by itself after some errors, a full disk among them.
      if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
      throw error;
    }
    for (const waiting of done) waiting.acknowledge();
  }

  /** A work that throws takes its own writes back and leaves the group's. */
  async #runOne(waiting: Waiting): Promise<boolean> {
    this.#database.exec("SAVEPOINT work");
    try {
      await waiting.run(this.#transaction);
      this.#database.exec("RELEASE work");
      return true;
    } catch (error) {
      if (!this.#database.isTransaction) throw error;
      this.#database.exec("ROLLBACK TO work; RELEASE work");
      waiting.fail(translate(error, this.#path));
      return false;
    }
  }

  #event(sql: string, ...values: string[]): SessionEvent | null {
    const row = this.#prepared(sql).get(...values);
    return row === undefined ? null : rowToEvent(row);
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

function refuseClosed(): Promise<never> {
  return Promise.reject(new SessionBuddyError("storage.unavailable", "the store is closed"));
}

const eventsOfSql = "SELECT * FROM events WHERE session_id = ? ORDER BY seq";
const takenSql = "SELECT 1 FROM events WHERE session_id = ? LIMIT 1";
const appendSql = "INSERT INTO events (event_id, session_id, kind, body) VALUES (?, ?, ?, ?)";
