/** Owns what every command does around its one use case: configuration, log, open, close. */
import { type App, openApp } from "../app/app.ts";
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

/** What is said when an id is not on record. */
export function noSession(sessionId: string): SessionBuddyError {
  return new SessionBuddyError(
    "not_found",
    `no session ${sessionId} is on record; 'session-buddy list --all' shows the ids`,
  );
}
