/** Owns long work that only reads, on connections of its own, so that nobody waits for it. For `store/`. */
import type { DatabaseSync } from "node:sqlite";
import { retryWhileBusy } from "./busy.ts";
import { translate } from "./errors.ts";
import { fileErrorOf } from "./file.ts";
import { OpenedFile } from "./opened-file.ts";

export class Asides {
  readonly #path: string;
  readonly #busyTimeoutMs: number;
  readonly #running = new Set<Promise<unknown>>();

  constructor(path: string, busyTimeoutMs: number) {
    this.#path = path;
    this.#busyTimeoutMs = busyTimeoutMs;
  }

  /**
   * Runs work that sees the store as it is now.
   *
   * @param path - of the file that is in trouble when something fails
   */
  async run<T>(path: string, action: (database: DatabaseSync) => Promise<T>): Promise<T> {
    const result = this.#onConnection(action);
    this.#running.add(result);
    try {
      return await result;
    } catch (error) {
      throw translate(fileErrorOf(error, path), path);
    } finally {
      this.#running.delete(result);
    }
  }

  /** Resolves when nothing is under way any more. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#running);
  }

  async #onConnection<T>(action: (database: DatabaseSync) => Promise<T>): Promise<T> {
    const file = new OpenedFile(this.#path, { readOnly: true });
    const { database } = file;
    try {
      await retryWhileBusy(() => beginReading(database), this.#busyTimeoutMs);
      file.requireAtPath();
      return await action(database);
    } finally {
      database.close();
    }
  }
}

/** From here on the connection sees this moment. */
function beginReading(database: DatabaseSync): void {
  if (!database.isTransaction) database.exec("BEGIN");
  database.prepare("SELECT 1 FROM sqlite_schema LIMIT 1").get();
}
