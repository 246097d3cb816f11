/** `session-buddy reconcile`: finishes what shells left behind. */
import { setTimeout as pause } from "node:timers/promises";
import type { App } from "../../app/app.ts";
import { createReconcile, deadlinesMs, type ReconcileReport } from "../../capture/reconcile.ts";
import { SessionBuddyError } from "../../tracker/errors.ts";
import { escapeControls } from "../../wire/escape.ts";
import { withApp } from "../context.ts";
import type { ReconcileOptions } from "../syntax/upkeep.ts";
import { printJson, printLine, printMessage } from "../terminal/print.ts";

/** How long it waits for another process that does the same, in milliseconds. */
const waitMs = 5_000;
const pauseMs = 100;

export async function run(options: ReconcileOptions): Promise<void> {
  const { finished, rejected, orphaned, isComplete, left, stuck } = await withApp(inTurn);
  if (options.json) return printJson({ finished, rejected, orphaned, is_complete: isComplete, left, stuck });
  const again = isComplete ? "" : " It ran out of time; run it again to finish.";
  printLine(
    `${finished} state files finished, ${rejected} set aside; ${orphaned} sessions closed as orphaned.${again}`,
  );
  for (const { path, reason } of stuck) printMessage(`session-buddy: ${escapeControls(`${path} ${reason}`)}\n`);
}

async function inTurn(app: App) {
  const { reconcile } = createReconcile(app);
  for (let waitedMs = 0; waitedMs <= waitMs; waitedMs += pauseMs) {
    const report = await reconcile(deadlinesMs.command);
    if (report !== null) return done(report);
    await pause(pauseMs);
  }
  throw new SessionBuddyError(
    "storage.busy",
    "another process is reconciling, or it cannot be done; run 'session-buddy doctor' to see what is wrong",
  );
}

function done(report: ReconcileReport): ReconcileReport {
  if (report.problem !== null) throw new SessionBuddyError("storage.unavailable", report.problem);
  return report;
}
