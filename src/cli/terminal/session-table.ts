/** Owns the table of sessions that a person sees. Loaded late by `list`, which programs ask too. */
import type { Session } from "../../tracker/fold.ts";
import { terminalWidth } from "./print.ts";
import { sessionColumns } from "./session-columns.ts";
import { drawTable } from "./table.ts";

/** @returns the lines of a table that fits the terminal; of all columns where there is none */
export function drawSessions(sessions: readonly Session[]): string[] {
  return drawTable(sessionColumns(Date.now()), sessions, terminalWidth());
}
