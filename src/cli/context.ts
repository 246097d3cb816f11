/** Owns what every command does around its one use case: configuration, log, open, close. */
import { lstatSync } from "node:fs";
import { type App, destinationsFolder, openApp } from "../app/app.ts";
import { resolveConfig } from "../config/config.ts";
import { createLog } from "../log.ts";
import { SessionBuddyError } from "../tracker/errors.ts";

/** Opens the app for one command and closes it whatever happens. Log lines go to the log file alone. */
export async function withApp<T>(work: (app: App) => Promise<T>): Promise<T> {
  const config = await resolveConfig(process.env);
  const app = await openApp(config, createLog({ toStandardError: false, file: config.settings.log_file }));
  try {
    return await work(app);
  } finally {
    await app.close();
  }
}

/** Longer than delivery ever waits: a time further ahead is of a clock that was set back. */
const longestWaitMs = 2 * 3_600_000;

/**
 * Delivers what came on record, for a short time, where it is enrolled and due: the time of the folder of destinations says
 * from when on. Where it is not, this is one look.
 */
export async function deliverInPassing(app: App): Promise<void> {
  const folder = lstatSync(destinationsFolder(app.config), { throwIfNoEntry: false });
  if (folder === undefined) return;
  const leftMs = folder.mtimeMs - Date.now();
  if (leftMs > 0 && leftMs < longestWaitMs) return;
  const { deliverBriefly } = await import("../app/deliver-in-passing.ts");
  await deliverBriefly(app);
}

/** What is said when an id is not on record. */
export function noSession(sessionId: string): SessionBuddyError {
  return new SessionBuddyError(
    "not_found",
    `no session ${sessionId} is on record; 'session-buddy list --all' shows the ids`,
  );
}
