/** `session-buddy list`: which sessions are on record. */
import type { App } from "../app.ts";
import { escapeJson } from "../log.ts";
import { parseCursor, toCursor } from "../tracker/cursor.ts";
import type { Session } from "../tracker/fold.ts";
import type { SessionQuery } from "../tracker/store.ts";
import { toJsonRow } from "../tracker/view.ts";
import { withCurrentRecord } from "./context.ts";
import { toCsvLine } from "./csv.ts";
import { asksBeyondNow, type FilterOptions, toQuery } from "./filter.ts";
import { printJson, printLine, printMessage, printText } from "./print.ts";

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
  const sessions = await onePage(app, query, options.limit);
  if (format === "json") return printJson(sessions.map(toJsonRow));
  if (sessions.length === 0) return printMessage(wordsForNothing(options, isFiltered));
  const { drawSessions } = await import("./session-table.ts");
  for (const line of drawSessions(sessions)) printLine(line);
}

/** One page, or everything; says on standard error how to read on. */
async function onePage(app: App, query: SessionQuery, limit: number | undefined): Promise<readonly Session[]> {
  if (limit === undefined) return app.sessions(query);
  const found = await app.sessions({ ...query, limit: limit + 1 });
  const page = found.slice(0, limit);
  const last = page.at(-1);
  if (found.length > limit && last !== undefined) printMessage(`next: ${toCursor(last)}\n`);
  return page;
}

/** The whole answer may not fit into memory, nor does a reader such as `head` want all of it. */
async function printAsTheyCome(
  app: App,
  query: SessionQuery,
  limit: number | undefined,
  format: "ndjson" | "csv",
): Promise<void> {
  if (format === "csv") printText(toCsvLine(csvTitles));
  for await (const sessions of pages(app, query, limit)) {
    const lines = sessions.map(toJsonRow).map((row) => {
      return format === "csv" ? toCsvLine(csvTitles.map((key) => row[key])) : `${escapeJson(JSON.stringify(row))}\n`;
    });
    if (!printText(lines.join(""))) return;
  }
}

async function* pages(app: App, query: SessionQuery, limit: number | undefined): AsyncGenerator<readonly Session[]> {
  if (limit !== undefined) return yield await onePage(app, query, limit);
  for (let after = query.after; ; ) {
    const page = await app.sessions({ ...query, ...(after === undefined ? {} : { after }), limit: pageRows });
    if (page.length > 0) yield page;
    if (page.length < pageRows) return;
    after = page.at(-1);
  }
}

function wordsForNothing(options: ListOptions, isFiltered: boolean): string {
  if (options.after !== undefined) return "No session is left.\n";
  if (isFiltered) return "No session matches.\n";
  return options.all ? "No session is on record yet.\n" : "No session is open. Ended ones are shown by --all.\n";
}
