/** Owns the table of sessions that a person sees. Loaded late by `list`, which programs ask too. */
import { usesUnicode } from "../../config/environment.ts";
import type { ListedSession } from "../../wire/view.ts";
import { lastColumns, whoColumns } from "./login-columns.ts";
import { terminalWidth } from "./print.ts";
import { sessionColumns } from "./session-columns.ts";
import { toTree, treeLooks } from "./session-tree.ts";
import { drawTable } from "./table.ts";

/** Which columns a table of sessions has. */
export const views = { list: sessionColumns, who: whoColumns, last: lastColumns } as const;

/** @returns the lines of a table that fits the terminal; of all columns where there is none */
export function drawSessions(sessions: readonly ListedSession[], view: keyof typeof views = "list"): string[] {
  return drawTable(views[view](Date.now()), sessions, terminalWidth());
}

/** The same, each session below the one that it was opened in. */
export function drawSessionTree(sessions: readonly ListedSession[]): string[] {
  const branches = toTree(sessions, treeLooks[usesUnicode(process.env) ? "unicode" : "ascii"]);
  const lines = new Map(branches.map(({ session, lines }) => [session, lines]));
  const columns = sessionColumns(Date.now(), (session) => lines.get(session) ?? "");
  return drawTable(
    columns,
    branches.map(({ session }) => session),
    terminalWidth(),
  );
}
