/** `session-buddy restore`: puts a backup in the place of the record; without --yes it only looks at it. */
import { resolve } from "node:path";
import { examine, restore } from "../../app/restore.ts";
import { resolveConfig } from "../../config/config.ts";
import { workingDirectory } from "../../config/environment.ts";
import { createLog } from "../../log.ts";
import { escapeControls } from "../../wire/escape.ts";
import type { RestoreOptions } from "../syntax/upkeep.ts";
import { printJson, printLine } from "../terminal/print.ts";
import { createProgress } from "../terminal/progress.ts";

export async function run(name: string, options: RestoreOptions): Promise<void> {
  const file = resolve(workingDirectory(process.env), name);
  const isRestoring = options.yes ?? false;
  // The record may be damaged or missing, so that no app can be opened over it.
  const config = await resolveConfig(process.env);
  const log = createLog({ toStandardError: false, file: config.settings.log_file });
  const progress = createProgress();
  const tell = (done: number, total: number) => progress.tell(`${done} of ${total} pages`);
  const found = await (isRestoring ? restore(config, log, file, tell) : examine(config, file)).finally(progress.done);
  const { sessions, open, events, kept } = found;
  if (options.json) return printJson({ file, sessions, open, events, restored: isRestoring, kept });
  const what = `${escapeControls(file)}: ${sessions} sessions, ${open} of them open, from ${events} events`;
  if (!isRestoring) return printLine(`Would restore ${what}. Add --yes to put it in the place of the record.`);
  printLine(`Restored ${what}.`);
  if (kept !== null) printLine(`What was there is kept as ${escapeControls(kept)}.`);
}
