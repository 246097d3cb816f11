/** `session-buddy prune`: removes sessions that ended long ago; without --yes it only counts them. */
import { countPrunable, prune } from "../../app/prune.ts";
import { formatInstant, instantFromMs } from "../../tracker/instant.ts";
import { withApp } from "../context.ts";
import { parseAgeMs } from "../input/moment.ts";
import type { PruneOptions } from "../syntax/upkeep.ts";
import { printJson, printLine } from "../terminal/print.ts";
import { createProgress } from "../terminal/progress.ts";

export async function run(options: PruneOptions): Promise<void> {
  // An age that reaches back before the year 1 is as good as that year.
  const endedBefore = instantFromMs(Math.max(Date.parse("0001-01-01"), Date.now() - parseAgeMs(options.olderThan)));
  const isRemoving = options.yes ?? false;
  const progress = createProgress();
  const { sessions, kept } = await withApp((app) =>
    isRemoving
      ? prune(app, endedBefore, (removed, total) => progress.tell(`${removed} of ${total} sessions`))
      : countPrunable(app, endedBefore),
  ).finally(progress.done);
  const before = formatInstant(endedBefore);
  if (options.json) return printJson({ ended_before: before, sessions, kept, removed: isRemoving });
  const what = `${sessions} sessions that ended before ${before}`;
  if (isRemoving) printLine(`Removed ${what}.`);
  else printLine(`Would remove ${what}.${sessions === 0 ? "" : " Add --yes to remove them."}`);
  if (kept > 0) printLine(`${kept} more stay until they are delivered, and for 30 days after that (deliver status).`);
}
