/** `session-buddy stats`: how many sessions, how long, and how many of them nobody saw end. */

import { usesUnicode } from "../../config/environment.ts";
import type { StatsKey, StatsRow } from "../../tracker/store.ts";
import { toStatsRow } from "../../wire/view.ts";
import { withQuestions } from "../input/asked-record.ts";
import { toQuery } from "../input/filter.ts";
import { formatLength } from "../input/moment.ts";
import type { StatsOptions } from "../syntax/ask.ts";
import { barDrawer } from "../terminal/bar.ts";
import { printJson, printLine, printMessage, terminalWidth } from "../terminal/print.ts";
import { type Column, drawTable } from "../terminal/table.ts";
import { widthOf } from "../terminal/width.ts";

const longestBar = 40;
const shortestBar = 5;

const gap = "  ";

export async function run(options: StatsOptions): Promise<void> {
  const query = toQuery(options, Date.now());
  const { rows, omitted } = await withQuestions(options, (questions) => questions.stats(options.by, query));
  if (omitted > 0) printMessage(`${omitted} more are not shown; filters leave fewer.\n`);
  if (options.json) return printJson(rows.map(toStatsRow));
  if (rows.length === 0) return printMessage("No sessions match.\n");
  const width = terminalWidth();
  const lines = drawTable(columnsOf(options.by), rows, width === null ? null : width - gap.length - shortestBar);
  const bars = width === null ? [] : barsOf(rows, width - widthOf(lines[1] ?? "") - gap.length, options.ascii ?? false);
  lines.forEach((line, at) => {
    const drawn = bars[at - 1];
    printLine(drawn === undefined ? line : `${line}${gap}${drawn}`);
  });
}

function columnsOf(by: StatsKey): readonly Column<StatsRow>[] {
  return [
    { title: by.toUpperCase(), text: (row) => row.key || "-", least: 8, importance: 9 },
    { title: "SESSIONS", text: (row) => String(row.sessions), align: "right", importance: 8 },
    { title: "OPEN", text: (row) => String(row.open), align: "right", importance: 7 },
    { title: "ORPHANED", text: (row) => percent(row.orphaned, row.sessions), align: "right", importance: 4 },
    { title: "REPLACED", text: (row) => percent(row.replaced, row.sessions), align: "right", importance: 3 },
    { title: "MEDIAN", text: (row) => lengthOf(row.medianMs), align: "right", importance: 6 },
    { title: "P95", text: (row) => lengthOf(row.p95Ms), align: "right", importance: 5 },
  ];
}

function barsOf(rows: readonly StatsRow[], room: number, isAscii: boolean): string[] {
  const most = rows.reduce((largest, row) => Math.max(largest, row.sessions), 1);
  const draw = barDrawer(Math.min(longestBar, room), isAscii || !usesUnicode(process.env));
  return rows.map((row) => draw(row.sessions / most));
}

function percent(part: number, whole: number): string {
  return whole === 0 ? "-" : `${((100 * part) / whole).toFixed(1)}%`;
}

function lengthOf(ms: number | null): string {
  return ms === null ? "-" : formatLength(ms);
}
