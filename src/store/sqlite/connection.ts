/** Owns the connection to the database file: one thing at a time, waiting while the file is busy, one commit for many works. */
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { SessionBuddyError } from "../../tracker/errors.ts";
import { nextTurn, retryWhileBusy } from "./busy.ts";
import { translate } from "./errors.ts";
import { createPrivately, fileErrorOf, prepareFile } from "./file.ts";

const defaultBusyTimeoutMs = 10_000;
/** How long SQLite itself may wait; it blocks the thread, so the longer waiting is done between tries. */
const blockingWaitMs = 25;
const largestGroup = 256;
/** So many turns of the event loop a call may wait for others. */
const mostTurns = 8;

/**
 * Opens the file, creating or migrating it.
 *
 * @param busyTimeoutMs - how long to wait for another process's lock, in milliseconds; 0 or more, default 10 000
 * @throws SessionBuddyError `storage.unavailable`, `storage.busy`, `storage.corrupt` or `storage.newer`
 */
export async function openConnection(path: string, busyTimeoutMs = defaultBusyTimeoutMs): Promise<Connection> {
  let database: DatabaseSync | undefined;
  try {
    createPrivately(path);
    const opened = new DatabaseSync(path, { timeout: blockingWaitMs });
    database = opened;
    await retryWhileBusy(() => prepareFile(opened, path), busyTimeoutMs);
    return new Connection(opened, busyTimeoutMs, path);
  } catch (error) {
    database?.close();
    throw translate(fileErrorOf(error, path), path);
  }
}

interface Waiting {
  /** Runs the work inside the open transaction. @returns what gives its answer, when the commit is done */
  readonly run: () => Promise<() => void>;
  readonly fail: (error: unknown) => void;
}

export class Connection {
  readonly #database: DatabaseSync;
  readonly #busyTimeoutMs: number;
  readonly #path: string;
  readonly #statements = new Map<string, StatementSync>();
  #waiting: Waiting[] = [];
  /** How often this connection has written. */
  #writes = 0;
  /** Settles when everything asked for so far is done; one connection does one thing at a time. */
  #tail: Promise<unknown> = Promise.resolve();
  /** What runs beside the queue. */
  readonly #asides = new Set<Promise<unknown>>();
  #isClosed = false;

  constructor(database: DatabaseSync, busyTimeoutMs: number, path: string) {
    this.#database = database;
    this.#busyTimeoutMs = busyTimeoutMs;
    this.#path = path;
  }

  /**
   * Runs a work that reads and writes in a transaction, together with others that wait; its answer is given after the
   * commit.
   */
  transact<T>(work: () => Promise<T>): Promise<T> {
    if (this.#isClosed) return refuseClosed();
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({
        run: async () => {
          const value = await work();
          return () => resolve(value);
        },
        fail: reject,
      });
      if (this.#waiting.length === 1) void this.#alone(() => this.#commitWaiting());
    });
  }

  /** @returns the statement, compiled once */
  prepared(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.#database.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
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
  async aside<T>(path: string, action: (database: DatabaseSync) => Promise<T>): Promise<T> {
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
  inTransaction<T>(begin: "BEGIN" | "BEGIN IMMEDIATE", action: () => T): T {
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

  /** Runs statements that answer nothing. */
  execute(sql: string): void {
    this.#database.exec(sql);
  }

  /** Runs what takes no turns alone, again while the file is busy; its errors come in our words. */
  run<T>(action: () => T): Promise<T> {
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
      return await waiting.run();
    } catch (error) {
      if (this.#writes > before || !this.#database.isTransaction) throw error;
      const translated = translate(error, this.#path);
      return () => waiting.fail(translated);
    }
  }

  /** Runs a statement that writes. Inside of a transaction alone. */
  write(sql: string, values: SQLInputValue[]): void {
    this.prepared(sql).run(...values);
    this.#writes += 1;
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
}

/** From here on the connection sees this moment. */
function beginReading(database: DatabaseSync): void {
  if (!database.isTransaction) database.exec("BEGIN");
  database.prepare("SELECT 1 FROM sqlite_schema LIMIT 1").get();
}

function refuseClosed(): Promise<never> {
  return Promise.reject(new SessionBuddyError("storage.unavailable", "the store is closed"));
}
