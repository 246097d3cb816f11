/** `session-buddy list`: which sessions are on record. */

import type { Questions, SessionPage } from "../../app/questions.ts";
import type { ReconcileReport } from "../../capture/reconcile.ts";
import type { SessionQuery } from "../../tracker/store.ts";
import { escapeControls, escapeJson } from "../../wire/escape.ts";
import { sessionRowKeys, toJsonRow } from "../../wire/view.ts";
import { withQuestions } from "../input/asked-record.ts";
import { asksBeyondNow, toQuery } from "../input/filter.ts";
import type { ListOptions } from "../syntax/ask.ts";
import { toCsvLine } from "../terminal/csv.ts";
import { printJson, printLine, printMessage, printText } from "../terminal/print.ts";

export async function run(options: ListOptions): Promise<void> {
  const asked = toQuery(options, Date.now());
  const isFiltered = Object.keys(asked).length > 0;
  const isOpenAlone = !options.all && !asksBeyondNow(options);
  const query: SessionQuery = { ...asked, ...(isOpenAlone ? { states: ["active"] } : {}) };
  let report: ReconcileReport | null = null;
  await withQuestions(
    options,
    (questions) => print(questions, query, options, isFiltered),
    (done) => {
      report = done;
    },
  );
  printUnfinished(report);
}

/** Says that the answer may be older than what shells have told. */
function printUnfinished(report: ReconcileReport | null): void {
  if (report === null) return;
  const { problem, stuck, left } = report;
  if (problem !== null)
    printMessage(`session-buddy: what shells left behind is not in it: ${escapeControls(problem)}\n`);
  if (stuck.length > 0)
    printMessage(`session-buddy: ${counted(stuck.length)} cannot be finished; 'session-buddy doctor' names them\n`);
  if (left > 0)
    printMessage(`session-buddy: ${counted(left)} not in it yet; 'session-buddy reconcile' brings them in\n`);
}

function counted(count: number): string {
  return count === 1 ? "1 state file" : `${count} state files`;
}

async function print(
  questions: Questions,
  query: SessionQuery,
  options: ListOptions,
  isFiltered: boolean,
): Promise<void> {
  const format = options.json ? "json" : (options.format ?? "table");
  const { limit = null, after = null } = options;
  if (format === "ndjson" || format === "csv") return printAsTheyCome(questions.pages(query, limit, after), format);
  const { sessions, nextCursor } = await questions.page(query, limit, after);
  if (format === "json") printJson(sessions.map(toJsonRow));
  else if (sessions.length === 0) printMessage(wordsForNothing(options, isFiltered));
  else {
    const { drawSessions, drawSessionTree } = await import("../terminal/session-table.ts");
    for (const line of (options.tree ? drawSessionTree : drawSessions)(sessions)) printLine(line);
  }
  printNext(nextCursor);
}

/** Says how to read on, below what a person has read. */
function printNext(next: string | null): void {
  if (next !== null) printMessage(`next: ${next}\n`);
}

/** The whole answer may not fit into memory, nor does a reader such as `head` want all of it. */
async function printAsTheyCome(pages: AsyncGenerator<SessionPage>, format: "ndjson" | "csv"): Promise<void> {
  const titles = sessionRowKeys();
  if (format === "csv") printText(toCsvLine(titles));
  for await (const { sessions, nextCursor } of pages) {
    const lines = sessions.map(toJsonRow).map((row) => {
      return format === "csv" ? toCsvLine(titles.map((key) => row[key])) : `${escapeJson(JSON.stringify(row))}\n`;
    });
    if (!printText(lines.join(""))) return;
    printNext(nextCursor);
  }
}

function wordsForNothing(options: ListOptions, isFiltered: boolean): string {
  if (options.after !== undefined) return "No more sessions.\n";
  if (isFiltered) return "No sessions match.\n";
  return options.all ? "No sessions are on record yet.\n" : "No sessions are open. Use --all to show ended ones.\n";
}
