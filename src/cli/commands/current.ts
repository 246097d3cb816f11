/** `session-buddy current`: the session of the shell that asks. */
import { SessionBuddyError } from "../../tracker/errors.ts";
import { toJsonRow } from "../../wire/view.ts";
import { withRecordHere } from "../input/asked-record.ts";
import type { CurrentOptions } from "../syntax/ask.ts";
import { printJson, printLine } from "../terminal/print.ts";

export async function run(options: CurrentOptions): Promise<void> {
  const session = await withRecordHere(options, (record) => record.current(process.ppid));
  if (session === null) {
    throw new SessionBuddyError(
      "not_found",
      "this shell is not on record, and neither is one around it; run 'session-buddy hook install' and open a new shell",
    );
  }
  if (options.json) printJson(toJsonRow(session));
  else printLine(session.sessionId);
}
