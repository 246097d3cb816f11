/** `session-buddy backup`: copies the record, as it is at one moment, into a file, while shells keep running. */
import { resolve } from "node:path";
import { workingDirectory } from "../../config/environment.ts";
import { escapeControls } from "../../wire/escape.ts";
import { withApp } from "../context.ts";
import type { BackupOptions } from "../syntax/upkeep.ts";
import { printJson, printLine } from "../terminal/print.ts";
import { createProgress } from "../terminal/progress.ts";

export async function run(file: string, options: BackupOptions): Promise<void> {
  const path = resolve(workingDirectory(process.env), file);
  const progress = createProgress();
  await withApp((app) => app.store.backup(path, (done, total) => progress.tell(`${done} of ${total} pages`))).finally(
    progress.done,
  );
  if (options.json) return printJson({ file: path });
  printLine(`Copied to ${escapeControls(path)}; 'session-buddy restore FILE' puts it in the place of the record.`);
}
