/** `session-buddy list`: which sessions are on record. */
import type { App } from "../../app/app.ts";
import { escapeJson } from "../../log.ts";
import type { Session } from "../../tracker/fold.ts";
import type { SessionQuery } from "../../tracker/store.ts";
import { parseCursor, toCursor } from "../../wire/cursor.ts";
import { toJsonRow } from "../../wire/view.ts";
import { withCurrentRecord } from "../context.ts";
import { asksBeyondNow, type FilterOptions, toQuery } from "../input/filter.ts";
import { toCsvLine } from "../terminal/csv.ts";
import { printJson, printLine, printMessage, printText } from "../terminal/print.ts";

export interface ListOptions extends FilterOptions {
  readonly all?: boolean;
  readonly limit?: number;
  readonly after?: string;
  readonly format?: "table" | "json" | "ndjson" | "csv";
  readonly json?: boolean;
}

const csvTitles = [
  "session_id",
  "state",
  "component_name",
  "shell_type",
  "pid",
  "hostname",
  "username",
  "cwd",
  "started_at",
  "ended_at",
  "ended_after",
  "ended_before",
  "duration_ms",
  "exit_code",
  "end_reason",
] as const satisfies readonly (keyof ReturnType<typeof toJsonRow>)[];

/** Rows that are read at once when they are printed as they come. */
const pageRows = 1_000;

export async function run(options: ListOptions): Promise<void> {
  const asked = toQuery(options, Date.now());
  const isFiltered = Object.keys(asked).length > 0;
  const isOpenAlone = !options.all && !asksBeyondNow(options);
  const query: SessionQuery = {
    ...asked,
    ...(isOpenAlone ? { states: ["active"] } : {}),
    ...(options.after === undefined ? {} : { after: parseCursor(options.after) }),
  };
  await withCurrentRecord((app) => print(app, query, options, isFiltered));
}

async function print(app: App, query: SessionQuery, options: ListOptions, isFiltered: boolean): Promise<void> {
  const format = options.json ? "json" : (options.format ?? "table");
  if (format === "ndjson" || format === "csv") return printAsTheyCome(app, query, options.limit, format);
  const { sessions, next } = await onePage(app, query, options.limit);
  if (format === "json") printJson(sessions.map(toJsonRow));
  else if (sessions.length === 0) printMessage(wordsForNothing(options, isFiltered));
  else {
    const { drawSessions } = await import("../terminal/session-table.ts");
    for (const line of drawSessions(sessions)) printLine(line);
  }
  printNext(next);
}

interface Page {
  readonly sessions: readonly Session[];
  /** For the page after this one; null when there is none. */
  readonly next: string | null;
}

/** One page, or everything. */
async function onePage(app: App, query: SessionQuery, limit: number | undefined): Promise<Page> {
  if (limit === undefined) return { sessions: await app.sessions(query), next: null };
  const found = await app.sessions({ ...query, limit: limit + 1 });
  const sessions = found.slice(0, limit);
  const last = sessions.at(-1);
  return { sessions, next: found.length > limit && last !== undefined ? toCursor(last) : null };
}

/** Says how to read on, below what a person has read. */
function printNext(next: string | null): void {
  if (next !== null) printMessage(`next: ${next}\n`);
}

/** The whole answer may not fit into memory, nor does a reader such as `head` want all of it. */
async function printAsTheyCome(
  app: App,
  query: SessionQuery,
  limit: number | undefined,
  format: "ndjson" | "csv",
): Promise<void> {
  if (format === "csv") printText(toCsvLine(csvTitles));
  for await (const { sessions, next } of pages(app, query, limit)) {
    const lines = sessions.map(toJsonRow).map((row) => {
      return format === "csv" ? toCsvLine(csvTitles.map((key) => row[key])) : `${escapeJson(JSON.stringify(row))}\n`;
    });
    if (!printText(lines.join(""))) return;
    printNext(next);
  }
}

async function* pages(app: App, query: SessionQuery, limit: number | undefined): AsyncGenerator<Page> {
  if (limit !== undefined) return yield await onePage(app, query, limit);
  for (let after = query.after; ; ) {
    const page = await app.sessions({ ...query, ...(after === undefined ? {} : { after }), limit: pageRows });
    if (page.length > 0) yield { sessions: page, next: null };
    if (page.length < pageRows) return;
    after = page.at(-1);
  }
}

function wordsForNothing(options: ListOptions, isFiltered: boolean): string {
  if (options.after !== undefined) return "No session is left.\n";
  if (isFiltered) return "No session matches.\n";
  return options.all ? "No session is on record yet.\n" : "No session is open. Ended ones are shown by --all.\n";
}
