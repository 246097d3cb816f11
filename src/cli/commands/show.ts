/** `session-buddy show`: everything on record about one session. */
import { createQuestions, type SessionRecord } from "../../app/questions.ts";
import { type EventRow, toEventRow, toJsonRow, toProcessRow } from "../../wire/view.ts";
import { noSession, withApp } from "../context.ts";
import type { ShowOptions } from "../syntax/ask.ts";
import { printColumns, toCell } from "../terminal/columns.ts";
import { printJson } from "../terminal/print.ts";
import { withNames } from "../terminal/style.ts";

export async function run(sessionId: string, options: ShowOptions): Promise<void> {
  const record = await withApp((app) => createQuestions(app).record(sessionId));
  if (record === null) throw noSession(sessionId);
  if (options.json) return printJson(toRecordRow(record));
  printColumns(toLines(record), withNames);
}

/** The row's keys, then what a list has no room for. */
function toRecordRow({ session, events }: SessionRecord) {
  return {
    ...toJsonRow(session),
    signal: session.signal,
    home: session.home,
    platform: session.platform,
    duration_basis: session.durationBasis,
    process: session.process === null ? null : toProcessRow(session.process),
    events: events.map(toEventRow),
  };
}

/** Key and value, the process and each event as keys of their own; what was never said or seen stays out. */
function toLines(record: SessionRecord): string[][] {
  const { process, events, ...row } = toRecordRow(record);
  const fields = [...entriesOf(row), ...entriesOf(process ?? {}, "process.")];
  return [...fields, ...events.flatMap(toEventLines)];
}

function toEventLines({ details, boot_clock, process: _process, circumstances, ...event }: EventRow): string[][] {
  const { seq, kind, ...rest } = event;
  const { user = {}, environment = {}, ...said } = details;
  return [
    [""],
    [`event ${seq}`, kind],
    ...known(entriesOf({ ...rest, ...said }, "  ")),
    ...known(entriesOf(user as object, "  user.")),
    ...known(entriesOf(environment as object, "  environment.")),
    ...(boot_clock === null ? [] : [["  boot_clock_ms", String(boot_clock.ms)]]),
    ...circumstances.map(({ name, value, source }) => [`  ${name}`, `${value} (${source})`]),
  ];
}

function known(lines: readonly string[][]): string[][] {
  return lines.filter(([, value]) => value !== "-" && value !== "");
}

function entriesOf(values: object, prefix = ""): string[][] {
  return Object.entries(values).map(([key, value]) => [`${prefix}${key}`, toCell(value)]);
}
