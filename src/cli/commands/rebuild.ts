/** `session-buddy rebuild`: rebuilds the record from its events, and repairs what differs. */
import { type Difference, rebuild } from "../../app/rebuild.ts";
import { withApp } from "../context.ts";
import type { RebuildOptions } from "../syntax/upkeep.ts";
import { printColumns } from "../terminal/columns.ts";
import { printJson, printLine } from "../terminal/print.ts";
import { createProgress } from "../terminal/progress.ts";

/** Exit status when something differs and was not repaired. */
const somethingDiffers = 1;

export async function run(options: RebuildOptions): Promise<void> {
  const progress = createProgress();
  const isCheck = options.check ?? false;
  const report = await withApp((app) =>
    rebuild(app.store, { isCheck, onProgress: (events) => progress.tell(`${events} events`) }),
  ).finally(progress.done);
  const { sessions, events, differences, repaired } = report;
  if (repaired < differences.length) process.exitCode = somethingDiffers;
  if (options.json) {
    return printJson({ sessions, events, differences: differences.map(toRow), repaired });
  }
  printColumns(differences.map(toCells));
  printLine(`${sessions} sessions from ${events} events: ${differences.length} differ, ${repaired} repaired.`);
}

function toRow({ sessionId, kind, fields }: Difference) {
  return { session_id: sessionId, kind, fields };
}

const meanings: Readonly<Record<Difference["kind"], string>> = {
  missing: "has events but no row",
  no_start: "has no start event; it was left as it is",
  differs: "differs in",
};

function toCells({ sessionId, kind, fields }: Difference): string[] {
  return [sessionId, `${meanings[kind]} ${fields.join(", ")}`.trim()];
}
