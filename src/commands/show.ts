/** `session-buddy show`: everything on record about one session. */
import { SessionBuddyError } from "../tracker/errors.ts";
import { withApp } from "./context.ts";
import { alignColumns, printJson, printLine, toJsonRow } from "./print.ts";

export interface ShowOptions {
  readonly json?: boolean;
}

export async function run(sessionId: string, options: ShowOptions): Promise<void> {
  const session = await withApp((app) => app.session(sessionId));
  if (session === null) {
    throw new SessionBuddyError(
      "not_found",
      `no session ${sessionId} is on record; 'session-buddy list --all' shows the ids`,
    );
  }
  const row = toJsonRow(session);
  if (options.json) return printJson(row);
  const fields = Object.entries(row).map(([key, value]) => [key, value === null ? "-" : String(value)]);
  for (const line of alignColumns(fields)) printLine(line);
}
