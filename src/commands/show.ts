/** `session-buddy show`: everything on record about one session. */
import { SessionBuddyError } from "../tracker/errors.ts";
import { withCurrentRecord } from "./context.ts";
import { alignColumns, printJson, printLine, toJsonRow } from "./print.ts";
import { styleHeading } from "./style.ts";

export interface ShowOptions {
  readonly json?: boolean;
}

export async function run(sessionId: string, options: ShowOptions): Promise<void> {
  const session = await withCurrentRecord((app) => app.session(sessionId));
  if (session === null) {
    throw new SessionBuddyError(
      "not_found",
      `no session ${sessionId} is on record; 'session-buddy list --all' shows the ids`,
    );
  }
  const row = toJsonRow(session);
  if (options.json) return printJson(row);
  const fields = Object.entries(row).map(([key, value]) => [key, value === null ? "-" : String(value)]);
  const style = (cell: string, _: number, column: number) => (column === 0 ? styleHeading(cell) : cell);
  for (const line of alignColumns(fields, style)) printLine(line);
}
