/** Owns the connections to one database: what is read, what several works commit together, and what is tried again. */
import { Pool, type PoolClient, types } from "pg";
import { SessionBuddyError } from "../../tracker/errors.ts";
import type { StoreTransaction } from "../../tracker/store.ts";
import type { Address } from "./address.ts";
import { isConflict, isConnectionLost, isOfServer, pause, translate } from "./errors.ts";
import type { Ask } from "./reading-ahead.ts";
import type { Row } from "./rows.ts";
import { migrate } from "./schema.ts";
import { transactionOver } from "./transaction.ts";
import { isAlreadyThere, write } from "./write.ts";
import { addTo, nothingWritten, type Written } from "./written.ts";

/** A call that waits for its transaction. */
interface Waiting {
  /** Runs the work. @returns what answers the caller, once it is committed */
  readonly run: (transaction: StoreTransaction) => Promise<() => void>;
  readonly fail: (error: unknown) => void;
}

/** A group that is longer keeps its first callers waiting. */
const largestGroup = 256;
/** How long what meets a server that comes and goes is tried again, in milliseconds. */
const patienceMs = 5_000;
const longestPauseMs = 200;
const shortPauseMs = 10;
const numbers: ReadonlySet<number> = new Set([types.builtins.INT4, types.builtins.INT8]);

export class Connection {
  readonly #pool: Pool;
  readonly #place: string;
  #waiting: Waiting[] = [];
  /** Settles when nobody waits any more; null while nobody does. */
  #committing: Promise<void> | null = null;
  #isClosed = false;

  /** @param address - where the database is */
  constructor(address: Address) {
    this.#place = address.place;
    this.#pool = new Pool({
      ...address.connection,
      application_name: "session-buddy",
      pipeline: true,
      max: 8,
      connectionTimeoutMillis: 3_000,
      query_timeout: 10_000,
      statement_timeout: 8_000,
      lock_timeout: 5_000,
      idle_in_transaction_session_timeout: 15_000,
      keepAlive: true,
      types: { getTypeParser: (oid: number) => (numbers.has(oid) ? Number : String) },
    } as ConstructorParameters<typeof Pool>[0]);
    // Of a connection that nobody uses; the next one is made anew.
    this.#pool.on("error", () => {});
    // The compiler of long queries takes 150 ms of a short one. Other engines have no such setting.
    this.#pool.on("connect", (client) => {
      // What fails on it is told to whoever asked.
      client.on("error", () => {});
      client.query("SET jit = off").catch(() => {});
    });
  }

  /** Makes sure that the tables are there. */
  async prepare(): Promise<void> {
    await this.#patiently(() => this.#with((client) => migrate(client, this.#place)));
  }

  /** Runs one statement that only reads. */
  read(text: string, values: readonly unknown[] = []): Promise<readonly Row[]> {
    return this.#patiently(async () => (await this.#pool.query(text, [...values])).rows as Row[]);
  }

  /** Runs a work together with others that wait; its answer is given after the commit. */
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
      this.#committing ??= this.#commitWaiting();
    });
  }

  /** Runs statements as a writer, alone, in one transaction. */
  alone<T>(action: (ask: Ask) => Promise<T>): Promise<T> {
    return this.#patiently(() => this.#with((client) => asWriter(client, () => action(askOn(client)))));
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#committing;
    await this.#pool.end();
  }

  async #commitWaiting(): Promise<void> {
    // Calls that come in one turn of the event loop come from separate callbacks; one turn later all are here.
    await new Promise(setImmediate);
    while (this.#waiting.length > 0) {
      const group = this.#waiting.splice(0, largestGroup);
      if (await this.#commit(group)) continue;
      for (const waiting of group) await this.#commit([waiting]);
    }
    this.#committing = null;
  }

  /** @returns false when nobody has an answer, and each is to be committed alone */
  async #commit(group: readonly Waiting[]): Promise<boolean> {
    try {
      const answers = await this.#patiently(() => this.#commitOnce(group));
      for (const answer of answers) answer();
    } catch (error) {
      // One of them has an event id that is on record, or a session that was pruned.
      if (group.length > 1 && isAlreadyThere(error)) return false;
      for (const waiting of group) waiting.fail(error);
    }
    return true;
  }

  async #commitOnce(group: readonly Waiting[]): Promise<(() => void)[]> {
    const written = nothingWritten();
    const answers: (() => void)[] = [];
    try {
      await this.#with((client) =>
        asWriter(client, async () => {
          for (const waiting of group) answers.push(await runOne(waiting, askOn(client), written));
          await write(client, written);
        }),
      );
    } catch (error) {
      // Nobody knows whether a commit was done that has no answer: the log tells.
      const [first] = written.events;
      if (first === undefined || !(isConnectionLost(error) || isConflict(error))) throw error;
      if (!(await this.#patiently(() => this.#isOnRecord(first.eventId)))) throw error;
    }
    return answers;
  }

  /** Whether an event is on record, once whoever may be committing it is done. */
  async #isOnRecord(eventId: string): Promise<boolean> {
    const sql = "SELECT 1 FROM events WHERE event_id = $1";
    return this.#with((client) => asWriter(client, async () => (await client.query(sql, [eventId])).rowCount === 1));
  }

  async #with<T>(action: (client: PoolClient) => Promise<T>): Promise<T> {
    const client = await this.#pool.connect();
    let broken = false;
    try {
      return await action(client);
    } catch (error) {
      broken = isConnectionLost(error);
      throw error;
    } finally {
      client.release(broken);
    }
  }

  /** Tries again what lost against others, and while the server cannot be reached; its errors come in our words. */
  async #patiently<T>(action: () => Promise<T>): Promise<T> {
    if (this.#isClosed && this.#committing === null) return refuseClosed();
    const deadlineMs = monotonicMs() + patienceMs;
    for (;;) {
      try {
        return await action();
      } catch (error) {
        if (!(isConflict(error) || isConnectionLost(error)) || monotonicMs() >= deadlineMs) {
          throw translate(error, this.#place);
        }
        // Whoever lost to others tries again at once; a server that goes and comes takes longer.
        await pause(1 + Math.random() * (isConflict(error) ? shortPauseMs : longestPauseMs));
      }
    }
  }
}

/** Runs statements in a transaction that nobody else's writes come into. What fails leaves none open on the connection. */
async function asWriter<T>(client: PoolClient, action: () => Promise<T>): Promise<T> {
  try {
    await begin(client);
    const result = await action();
    await commit(client);
    return result;
  } catch (error) {
    if (!isConnectionLost(error)) await client.query("ROLLBACK");
    throw error;
  }
}

/** Every writer locks the one row first: nobody else comes between its reads and its writes. */
async function begin(client: PoolClient): Promise<void> {
  const [, { rows }] = await Promise.all([client.query("BEGIN"), client.query("SELECT seq FROM log_head FOR UPDATE")]);
  if (rows.length !== 1)
    throw new SessionBuddyError("storage.corrupt", "the database has no log_head; restore a backup");
}

/** The driver's COMMIT of a failed transaction is no error: what the server did is in its answer. */
async function commit(client: PoolClient): Promise<void> {
  const { command } = await client.query("COMMIT");
  if (command !== "COMMIT") throw new Error("the transaction was rolled back");
}

function askOn(client: PoolClient): Ask {
  return async (text, values) => (await client.query(text, [...values])).rows as Row[];
}

/** @returns the answer, which may be the error of the work: what it wrote is left out */
async function runOne(waiting: Waiting, ask: Ask, before: Written): Promise<() => void> {
  const own = nothingWritten();
  try {
    const answer = await waiting.run(transactionOver(ask, before, own));
    addTo(before, own);
    return answer;
  } catch (error) {
    // The transaction is over, for the others too.
    if (isOfServer(error) || isConnectionLost(error)) throw error;
    return () => waiting.fail(error);
  }
}

function refuseClosed(): Promise<never> {
  return Promise.reject(new SessionBuddyError("storage.unavailable", "the store is closed"));
}

const monotonicMs = () => process.uptime() * 1000;
