/** `session-buddy show`: everything on record about one session. */
import type { SessionRecord } from "../../app/questions.ts";
import type { EventRow } from "../../wire/view.ts";
import { noSession } from "../context.ts";
import { withQuestions } from "../input/asked-record.ts";
import type { ShowOptions } from "../syntax/ask.ts";
import { printColumns, toCell } from "../terminal/columns.ts";
import { printJson } from "../terminal/print.ts";
import { withNames } from "../terminal/style.ts";

export async function run(sessionId: string, options: ShowOptions): Promise<void> {
  const record = await withQuestions(options, (questions) => questions.record(sessionId));
  if (record === null) throw noSession(sessionId);
  if (options.json) return printJson(toJson(record));
  printColumns(toLines(record), withNames);
}

function toJson({ session, events }: SessionRecord) {
  return { ...session, events };
}

/** Key and value, the process and each event as keys of their own; what was never said or seen stays out. */
function toLines({ session: { process, origin, ...row }, events }: SessionRecord): string[][] {
  const fields = [
    ...entriesOf(row),
    ...(origin === null ? entriesOf({ origin }) : entriesOf(origin, "origin.")),
    ...entriesOf(process ?? {}, "process."),
  ];
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
