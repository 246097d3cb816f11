/** Owns reading the sessions of a record that stays as it is, one after the other, while others may write to it. */
import type { DatabaseSync } from "node:sqlite";
import { lookAtRegular } from "../../host/regular-file.ts";
import { SessionBuddyError } from "../../tracker/errors.ts";
import type { SessionEvent } from "../../tracker/event.ts";
import { rowToEvent } from "../rows.ts";
import { retryWhileBusy } from "./busy.ts";
import { translate } from "./errors.ts";
import { fileErrorOf } from "./file.ts";
import { requireRecord } from "./migrations.ts";
import { OpenedFile } from "./opened-file.ts";

/** A record that is read and never written to; one of an earlier version is not brought to today's tables. */
export interface RecordReading {
  /** How many sessions have a start on record. */
  count(): Promise<number>;
  /** @returns the events of each session, in the order in which their starts came on record */
  sessions(): AsyncGenerator<readonly SessionEvent[], void>;
  close(): void;
}

const sessionsAtOnce = 200;
const busyTimeoutMs = 10_000;

/**
 * @param path - the database
 * @returns null when there is none
 * @throws SessionBuddyError `storage.*` when it is not this user's, or no record that this program can read
 */
export async function openReading(path: string): Promise<RecordReading | null> {
  if (!isThere(path)) return null;
  const reading = <T>(action: () => T): Promise<T> =>
    retryWhileBusy(action, busyTimeoutMs).catch((error) => {
      throw translate(fileErrorOf(error, path), path);
    });
  const database = await reading(() => opened(path));
  const starts = `SELECT seq, session_id FROM events WHERE kind = 'start' AND seq > ? ORDER BY seq LIMIT ${sessionsAtOnce}`;
  const next = (after: number) => reading(() => database.prepare(starts).all(after));
  const eventsOf = (sessionId: string) =>
    reading(() =>
      database.prepare("SELECT * FROM events WHERE session_id = ? ORDER BY seq").all(sessionId).map(rowToEvent),
    );
  return {
    count: () =>
      reading(() => Number(database.prepare("SELECT count(*) AS n FROM events WHERE kind = 'start'").get()?.n)),
    async *sessions() {
      for (let page = await next(0); page.length > 0; page = await next(Number(page.at(-1)?.seq))) {
        for (const row of page) {
          const events = await eventsOf(String(row.session_id));
          // It may have been pruned meanwhile.
          if (events.length > 0) yield events;
        }
      }
    },
    close: () => database.close(),
  };
}

function isThere(path: string): boolean {
  try {
    return lookAtRegular(path) !== null;
  } catch (error) {
    throw new SessionBuddyError(
      "storage.unavailable",
      `the database ${path} cannot be read: ${(error as Error).message}`,
      { cause: error },
    );
  }
}

function opened(path: string): DatabaseSync {
  const file = new OpenedFile(path, { readOnly: true });
  try {
    requireRecord(file.database, path);
    return file.database;
  } catch (error) {
    file.database.close();
    throw error;
  }
}
