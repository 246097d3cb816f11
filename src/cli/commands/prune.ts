/** `session-buddy prune`: removes sessions that ended long ago; without --yes it only counts them. */
import type { App } from "../../app/app.ts";
import { formatInstant, type Instant, instantFromMs } from "../../tracker/instant.ts";
import { withCurrentRecord } from "../context.ts";
import { parseAgeMs } from "../input/moment.ts";
import { printJson, printLine } from "../terminal/print.ts";
import { createProgress } from "../terminal/progress.ts";

export interface PruneOptions {
  readonly olderThan: string;
  readonly yes?: boolean;
  readonly json?: boolean;
}

/** Sessions that are removed at once; between two batches others get their turn. */
const batch = 500;

export async function run(options: PruneOptions): Promise<void> {
  // An age that reaches back before the year 1 is as good as that year.
  const endedBefore = instantFromMs(Math.max(Date.parse("0001-01-01"), Date.now() - parseAgeMs(options.olderThan)));
  const isRemoving = options.yes ?? false;
  const sessions = await withCurrentRecord((app) =>
    isRemoving ? removeAll(app, endedBefore) : app.countPrunable(endedBefore),
  );
  const before = formatInstant(endedBefore);
  if (options.json) return printJson({ ended_before: before, sessions, removed: isRemoving });
  const what = `${sessions} sessions that ended before ${before}`;
  if (isRemoving) return printLine(`Removed ${what}.`);
  printLine(`Would remove ${what}.${sessions === 0 ? "" : " Add --yes to remove them."}`);
}

async function removeAll(app: App, endedBefore: Instant): Promise<number> {
  const progress = createProgress();
  const total = await app.countPrunable(endedBefore);
  try {
    for (let removed = 0; ; ) {
      const count = await app.prune(endedBefore, batch);
      if (count === 0) return removed;
      removed += count;
      progress.tell(`${removed} of ${total} sessions`);
    }
  } finally {
    progress.done();
  }
}
