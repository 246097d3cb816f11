/** `session-buddy list`: which sessions are on record. */
import type { Session } from "../tracker/fold.ts";
import { formatInstant } from "../tracker/instant.ts";
import { withCurrentRecord } from "./context.ts";
import { alignColumns, printJson, printLine, printMessage, toJsonRow } from "./print.ts";
import { styleHeading, styleState } from "./style.ts";

export interface ListOptions {
  readonly all?: boolean;
  readonly json?: boolean;
}

const header = ["SESSION", "STATE", "USER", "HOST", "SHELL", "PID", "STARTED", "ENDED", "EXIT", "DIRECTORY"];

const stateColumn = header.indexOf("STATE");

export async function run(options: ListOptions): Promise<void> {
  const sessions = await withCurrentRecord((app) => app.sessions(options.all ? {} : { states: ["active"] }));
  if (options.json) return printJson(sessions.map(toJsonRow));
  if (sessions.length === 0) return sayNothing(options);
  const style = (cell: string, row: number, column: number) => {
    const session = sessions[row - 1];
    if (session === undefined) return styleHeading(cell);
    return column === stateColumn ? styleState(cell, session.state) : cell;
  };
  for (const line of alignColumns([header, ...sessions.map(toCells)], style)) printLine(line);
}

function toCells(session: Session): string[] {
  return [
    session.sessionId,
    session.state,
    session.username,
    session.hostname,
    session.shellType,
    String(session.pid),
    toSeconds(formatInstant(session.startedAt)),
    endOf(session),
    session.exitCode === null ? "-" : String(session.exitCode),
    session.cwd,
  ];
}

/** An end that is known only as an interval is shown as the moment it is known by. */
function endOf(session: Session): string {
  if (session.endedAt !== null) return toSeconds(formatInstant(session.endedAt));
  return session.endedBefore === null ? "-" : `by ${toSeconds(formatInstant(session.endedBefore))}`;
}

function toSeconds(time: string): string {
  return time.replace(/\.\d+Z$/, "Z");
}

function sayNothing(options: ListOptions): void {
  const words = options.all ? "No session is on record yet." : "No session is open. Ended ones are shown by --all.";
  printMessage(`${words}\n`);
}
