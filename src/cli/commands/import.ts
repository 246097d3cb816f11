/** `session-buddy import --personal`: a user's own record comes into the machine's. */
import { accountToImportFor, importFor } from "../../app/import-for.ts";
import { type ImportReport, importPersonal } from "../../app/import-personal.ts";
import { resolveConfig } from "../../config/config.ts";
import { type MachinePlace, machinePlace } from "../../config/machine-place.ts";
import { programPath } from "../../install/program.ts";
import { SessionBuddyError } from "../../tracker/errors.ts";
import { escapeControls } from "../../wire/escape.ts";
import type { ImportOptions } from "../syntax/upkeep.ts";
import { printJson, printLine, printMessage } from "../terminal/print.ts";
import { createProgress } from "../terminal/progress.ts";

/** Exit status when sessions were refused. */
const someRefused = 1;

export async function run(options: ImportOptions): Promise<void> {
  if (!options.personal) {
    throw new SessionBuddyError(
      "usage",
      "import needs --personal: your own record comes into the record of this machine",
    );
  }
  const account = options.user === undefined ? null : accountToImportFor(options.user);
  const config = await resolveConfig(process.env);
  const place = machinePlace(config);
  if (place === null) {
    throw new SessionBuddyError(
      "usage",
      "no record of this machine is installed, or it is yours; 'sudo session-buddy install --system' makes one",
    );
  }
  const report = account === null ? await importOwn(config, place, options) : await importOf(account, place, options);
  if (report === null) return;
  if (report.refused.length > 0) process.exitCode = someRefused;
  if (options.json) printJson(toRow(report, options));
  else printReport(report, options);
}

async function importOwn(
  config: Parameters<typeof importPersonal>[0],
  place: MachinePlace,
  { dryRun, tellProgress }: ImportOptions,
): Promise<ImportReport> {
  const progress = createProgress();
  const onProgress = (done: number, total: number) => {
    const words = `${done} of ${total} sessions`;
    if (tellProgress) printMessage(`${words}\n`);
    else progress.tell(words);
  };
  return importPersonal(config, place, { isDryRun: dryRun ?? false, onProgress }).finally(progress.done);
}

/** @returns null when it could not be done, which has been said */
async function importOf(
  account: NonNullable<ReturnType<typeof accountToImportFor>>,
  place: MachinePlace,
  { user = "", dryRun }: ImportOptions,
): Promise<ImportReport | null> {
  const progress = createProgress();
  const { report, ...failed } = await importFor(account, user, {
    program: programPath(),
    args: ["--tell-progress", ...(dryRun ? ["--dry-run"] : [])],
    place,
    env: process.env,
    onProgress: (words) => progress.tell(words),
  }).finally(progress.done);
  if (report !== null) return report;
  if (failed.message === null) return null;
  printMessage(`session-buddy: as ${escapeControls(`${user}: ${failed.message}`)}\n`);
  process.exitCode = failed.exitStatus;
  return null;
}

function toRow(report: ImportReport, { dryRun }: ImportOptions) {
  const { sessions, imported, known, open, newEvents, refused } = report;
  return { dry_run: dryRun ?? false, sessions, imported, known, open, new_events: newEvents, refused };
}

function printReport({ sessions, imported, known, open, newEvents, refused }: ImportReport, options: ImportOptions) {
  const did = options.dryRun ? "Would import" : "Imported";
  const whose = options.user === undefined ? "Your own record" : `The record of ${escapeControls(options.user)}`;
  printLine(`${did} ${imported} of ${sessions} sessions, ${newEvents} events; ${known} were there already.`);
  if (open > 0) {
    printLine(
      `${open} are open and stay behind: 'session-buddy reconcile' closes those whose shell is gone; import again then.`,
    );
  }
  for (const { reason, sessions: count, example } of refused) {
    printLine(escapeControls(`${count} refused: ${reason}, such as ${example}.`));
  }
  printLine(`${whose} was only read.`);
}
