/** Owns following the store's log, whoever writes it: for `watch`, and for the metrics of a server. */
import { setImmediate as nextTurn, setTimeout as pause } from "node:timers/promises";
import { createReconcile, deadlinesMs } from "../capture/reconcile.ts";
import type { EventLog, LoggedChange, LoggedEvent } from "../tracker/store.ts";
import type { App } from "./app.ts";
import { batchSize, eventsAfter } from "./pages.ts";

const pollMs = 500;
/** What shells left behind is finished every this many looks. */
const looksPerReconcile = 4;

/**
 * Follows the log as it grows.
 *
 * @param position - in the log; what comes after it is new
 * @returns what is new as it comes, and nothing, every now and then, while nothing comes; it ends when it is stopped
 */
export async function* follow(
  app: App,
  position: number,
  stop: AbortSignal,
): AsyncGenerator<readonly LoggedEvent[], void> {
  const { reconcile } = createReconcile(app);
  let after = position;
  for (let looks = 0; !stop.aborted; looks += 1) {
    if (looks % looksPerReconcile === 0) await reconcile(deadlinesMs.question);
    yield [];
    for await (const events of eventsAfter(app.store, after)) {
      after = events.at(-1)?.seq ?? after;
      yield events;
      if (stop.aborted) return;
    }
    await pause(pollMs, undefined, { signal: stop }).catch(() => {});
  }
}

/**
 * Makes a reader of what is new, each change told once; a read that fails continues from there the next time. Must not
 * run twice at a time.
 *
 * @param position - in the log; what comes after it is new
 */
export function createChangeReader(
  store: Pick<EventLog, "changes">,
  position: number,
  tell: (change: LoggedChange) => void,
): () => Promise<void> {
  let after = position;
  return async () => {
    for (let isMore = true; isMore; ) {
      const changes = await store.changes(after, batchSize);
      for (const change of changes) tell(change);
      after = changes.at(-1)?.seq ?? after;
      isMore = changes.length === batchSize;
      // The other work of a server gets its turn.
      if (isMore) await nextTurn();
    }
  };
}
