/** Owns what every command does around its one call into the app: configuration, log, open, close. For commands alone. */
import { type App, openApp } from "../app/app.ts";
import { type Config, resolveConfig } from "../config/config.ts";
import { createLog } from "../log.ts";
import { SessionBuddyError } from "../tracker/errors.ts";

/** Opens the app for one command and closes it whatever happens. Log lines go to the log file alone. */
export async function withApp<T>(work: (app: App, config: Config) => Promise<T>): Promise<T> {
  const config = await resolveConfig(process.env);
  const app = await openApp(config, createLog({ toStandardError: false, file: config.settings.log_file }), null);
  try {
    return await work(app, config);
  } finally {
    await app.close();
  }
}

/** How long a question may spend on finishing what shells left behind, in milliseconds. */
const questionDeadlineMs = 2_000;

/** Opens the app for a question; what is on record is brought up to date first. */
export function withCurrentRecord<T>(work: (app: App, config: Config) => Promise<T>): Promise<T> {
  return withApp(async (app, config) => {
    await app.reconcile(questionDeadlineMs);
    return work(app, config);
  });
}

/** What is said when an id is not on record. */
export function noSession(sessionId: string): SessionBuddyError {
  return new SessionBuddyError(
    "not_found",
    `no session ${sessionId} is on record; 'session-buddy list --all' shows the ids`,
  );
}
