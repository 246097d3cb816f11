/** `session-buddy list`: which sessions are on record. With a preset, `who` and `last`. */

import type { Questions, SessionPage } from "../../app/questions.ts";
import type { ReconcileReport } from "../../capture/reconcile.ts";
import type { SessionQuery } from "../../tracker/store.ts";
import { escapeControls, escapeJson } from "../../wire/escape.ts";
import { type SessionRow, sessionRowKeys, toJsonRow } from "../../wire/view.ts";
import { withQuestions } from "../input/asked-record.ts";
import { asksBeyondNow, toQuery } from "../input/filter.ts";
import type { LastOptions, ListOptions, WhoOptions } from "../syntax/ask.ts";
import { toCsvLine } from "../terminal/csv.ts";
import { printJson, printLine, printMessage, printText } from "../terminal/print.ts";

/** Whom and what a table of sessions is about: `who` the open ones, the first first, `last` those that ended too. */
export type ListPreset = "list" | "who" | "last";

export async function run(given: ListOptions | WhoOptions | LastOptions, preset: ListPreset = "list"): Promise<void> {
  const options: ListOptions = preset === "last" ? { ...given, all: true } : given;
  const asked = toQuery(options, Date.now());
  const isFiltered = Object.keys(asked).length > 0;
  const isOpenAlone = !options.all && !asksBeyondNow(options);
  const query: SessionQuery = { ...asked, ...(isOpenAlone ? { states: ["active"] } : {}) };
  let report: ReconcileReport | null = null;
  await withQuestions(
    options,
    (questions) => print(questions, query, { options, isFiltered, preset }),
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

interface Asked {
  readonly options: ListOptions;
  /** Whether something is asked of the sessions beside their state. */
  readonly isFiltered: boolean;
  readonly preset: ListPreset;
}

async function print(questions: Questions, query: SessionQuery, asked: Asked): Promise<void> {
  const { options, preset } = asked;
  const format = options.json ? "json" : (options.format ?? "table");
  const { limit = null, after = null } = options;
  if (format === "ndjson" || format === "csv") return printAsTheyCome(questions.pages(query, limit, after), format);
  const { sessions: newestFirst, nextCursor } = await questions.page(query, limit, after);
  const sessions = preset === "who" ? newestFirst.toReversed() : newestFirst;
  if (format === "json") printJson(sessions.map(toJsonRow));
  else if (sessions.length === 0) printMessage(wordsForNothing(asked));
  else {
    const { drawSessions, drawSessionTree } = await import("../terminal/session-table.ts");
    const lines = options.tree ? drawSessionTree(sessions) : drawSessions(sessions, preset);
    for (const line of lines) printLine(line);
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
      return format === "csv"
        ? toCsvLine(titles.map((key) => cellOf(row[key])))
        : `${escapeJson(JSON.stringify(row))}\n`;
    });
    if (!printText(lines.join(""))) return;
    printNext(nextCursor);
  }
}

/** A cell has room for one value: a record from elsewhere is named. */
function cellOf(value: SessionRow[keyof SessionRow]): string | number | null {
  return typeof value === "object" && value !== null ? (value.name ?? value.id) : value;
}

function wordsForNothing({ options, isFiltered, preset }: Asked): string {
  if (options.after !== undefined) return "No more sessions.\n";
  if (isFiltered) return "No sessions match.\n";
  if (preset === "who") return "Nobody is on.\n";
  return options.all ? "No sessions are on record yet.\n" : "No sessions are open. Use --all to show ended ones.\n";
}
