/** `session-buddy migrate`: copies the record into another kind of store, and compares both. */
import { resolve } from "node:path";
import { type App, openStoreAt } from "../../app/app.ts";
import { migrate, type OnProgress } from "../../app/migrate.ts";
import { workingDirectory } from "../../config/environment.ts";
import { SessionBuddyError } from "../../tracker/errors.ts";
import { escapeControls } from "../../wire/escape.ts";
import { withApp } from "../context.ts";
import type { MigrateOptions } from "../syntax/upkeep.ts";
import { printJson, printLine } from "../terminal/print.ts";
import { createProgress } from "../terminal/progress.ts";

const words: Readonly<Record<Parameters<OnProgress>[0], string>> = {
  copied: "events copied",
  compared: "events compared",
  folded: "sessions compared with their events",
};

export async function run({ to, json }: MigrateOptions): Promise<void> {
  const progress = createProgress();
  const onProgress: OnProgress = (step, done, total) => progress.tell(`${done} of ${total} ${words[step]}`);
  const { report, next } = await withApp(async (app) => {
    const place = placeOf(to, app);
    const target = await openStoreAt(place, app);
    try {
      return { report: await migrate(app.store, target, onProgress), next: nextStep(place, app) };
    } finally {
      await target.close();
    }
  }).finally(progress.done);
  const { events, sessions, pruned, position, from, mended } = report;
  if (json) return printJson({ events, sessions, pruned, position, from, mended });
  printLine(`Copied ${sessions} sessions from ${events} events (those after position ${from}), and compared all.`);
  if (mended > 0) printLine(`${mended} rows differed from their events; in the copy they do not.`);
  printLine(`To use it: ${escapeControls(next)}`);
  printLine("What came on record meanwhile is brought when this is run again before that, with the servers stopped.");
}

/** @returns an address, or an absolute path */
function placeOf(to: string, { config }: App): string {
  if (to === "file") return config.paths.database;
  if (/^postgres(?:ql)?:\/\//.test(to)) return to;
  if (!/^[\w+.-]+:/.test(to)) return resolve(workingDirectory(process.env), to);
  throw new SessionBuddyError(
    "usage",
    `--to '${to}': an address of PostgreSQL, the path of a file, or 'file' is needed`,
  );
}

function nextStep(place: string, { config }: App): string {
  if (!place.startsWith("/")) return `session-buddy config set store '${place}'`;
  return place === config.paths.database
    ? "session-buddy config unset store"
    : `session-buddy restore '${place}', without the setting store`;
}
