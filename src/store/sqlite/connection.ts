/** Owns the connection to the database file: one thing at a time, waiting while the file is busy, one commit for many works. */
import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import { SessionBuddyError } from "../../tracker/errors.ts";
import { Asides } from "./asides.ts";
import { nextTurn, retryWhileBusy } from "./busy.ts";
import { translate } from "./errors.ts";
import { type FileOptions, mostReplacements, type OpenedFile, openFile, replacedTooOften } from "./opened-file.ts";

const largestGroup = 256;
/** So many turns of the event loop a call may wait for others. */
const mostTurns = 8;

interface Waiting {
  /** Runs the work inside the open transaction. @returns what gives its answer, when the commit is done */
  readonly run: () => Promise<() => void>;
  readonly fail: (error: unknown) => void;
}

export class Connection {
  /** Null after a file at the path that could not be opened; the next who asks tries again. */
  #file: OpenedFile | null;
  readonly #options: FileOptions;
  /** Whether the file was found in place in this turn of the event loop. */
  #wasLookedAt = false;
  /** How often another file was at the path. */
  #replacements = 0;
  readonly #statements = new Map<string, StatementSync>();
  #waiting: Waiting[] = [];
  /** How often this connection has written. */
  #writes = 0;
  /** Settles when everything asked for so far is done; one connection does one thing at a time. */
  #tail: Promise<unknown> = Promise.resolve();
  #asides: Asides | null = null;
  #isClosed = false;

  /** @param file - opened with the same options */
  constructor(file: OpenedFile, options: FileOptions) {
    this.#file = file;
    this.#options = options;
  }

  get #database(): DatabaseSync {
    if (this.#file !== null) return this.#file.database;
    throw new Error("no file is open");
  }

  /** How often the file was replaced by another one since it was first opened. */
  get replacements(): number {
    return this.#replacements;
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

  /** Runs long work that only reads, beside the queue; see {@link Asides.run}. */
  async aside<T>(path: string, action: (database: DatabaseSync) => Promise<T>): Promise<T> {
    if (this.#isClosed) return refuseClosed();
    // Where the file has gone, this connection makes it anew.
    if (!this.#file?.isInPlace()) await this.run(() => {});
    this.#asides ??= new Asides(this.#options.path, this.#options.busyTimeoutMs);
    return this.#asides.run(path, action);
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
  run<T>(action: () => T | Promise<T>): Promise<T> {
    return this.#alone(async () => {
      try {
        if (!this.#isInPlaceThisTurn()) await this.#reopen();
        return await retryWhileBusy(action, this.#options.busyTimeoutMs);
      } catch (error) {
        throw translate(error, this.#options.path);
      }
    });
  }

  /** Reads that follow each other in one turn of the event loop answer what was asked before it; one look is for all. */
  #isInPlaceThisTurn(): boolean {
    if (this.#wasLookedAt) return true;
    if (!this.#file?.isInPlace()) return false;
    this.#wasLookedAt = true;
    setImmediate(() => {
      this.#wasLookedAt = false;
    });
    return true;
  }

  /** Opens what is at the path now. Alone. */
  async #reopen(): Promise<void> {
    this.#statements.clear();
    this.#wasLookedAt = false;
    this.#file?.abandon();
    this.#file = null;
    this.#options.prepareFolder();
    this.#file = await openFile(this.#options);
    this.#replacements += 1;
    this.#options.onReplaced();
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
   * Commits to the file that is at the path when the answers are given: what went into another one is done again.
   *
   * @returns false when nobody has an answer, and each is to be committed alone
   */
  async #commit(group: readonly Waiting[]): Promise<boolean> {
    for (let tries = 0; tries < mostReplacements; tries += 1) {
      const outcome = await this.#commitOnce(group);
      if (outcome !== "elsewhere") return outcome === "done";
    }
    for (const waiting of group) waiting.fail(replacedTooOften(this.#options.path));
    return true;
  }

  /**
   * What a work has written before it threw can only be taken back with the whole transaction. A savepoint for each work
   * would do it too, but has SQLite copy every page that a work touches, in a large group to a file in /var/tmp; that took
   * a quarter of the time of all of them.
   *
   * @returns `alone` when that is so and there are others: nobody has an answer, and each is to be committed alone;
   *   `elsewhere` when nobody has an answer, because the file was replaced meanwhile
   */
  async #commitOnce(group: readonly Waiting[]): Promise<"done" | "alone" | "elsewhere"> {
    const answers: (() => void)[] = [];
    try {
      if (!this.#file?.isInPlace()) await this.#reopen();
      await retryWhileBusy(() => this.#database.exec("BEGIN IMMEDIATE"), this.#options.busyTimeoutMs);
      for (const waiting of group) answers.push(await this.#runOne(waiting));
      this.#database.exec("COMMIT");
    } catch (error) {
      // SQLite has rolled back by itself after some errors, a full disk among them.
      const isOpen = this.#file?.database.isTransaction ?? false;
      if (isOpen) this.#database.exec("ROLLBACK");
      if (isOpen && group.length > 1 && answers.length < group.length) return "alone";
      const translated = translate(error, this.#options.path);
      for (const waiting of group) waiting.fail(translated);
      return "done";
    }
    if (!this.#file?.isInPlace()) return "elsewhere";
    for (const answer of answers) answer();
    return "done";
  }

  /** @returns the answer, which may be the error of a work that has written nothing */
  async #runOne(waiting: Waiting): Promise<() => void> {
    const before = this.#writes;
    try {
      return await waiting.run();
    } catch (error) {
      if (this.#writes > before || !this.#database.isTransaction) throw error;
      const translated = translate(error, this.#options.path);
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
    await this.#asides?.settled();
    this.#file?.database.close();
  }
}

function refuseClosed(): Promise<never> {
  return Promise.reject(new SessionBuddyError("storage.unavailable", "the store is closed"));
}
