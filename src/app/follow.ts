/** Owns following the store's log, whoever writes it: for `watch`, and for the metrics of a server. */
import { setImmediate as nextTurn, setTimeout as pause } from "node:timers/promises";
import { createReconcile, deadlinesMs } from "../capture/reconcile.ts";
import { type Instant, instantFromMs } from "../tracker/instant.ts";
import type { EventLog, LoggedChange, LoggedEvent } from "../tracker/store.ts";
import type { App } from "./app.ts";
import { batchSize } from "./pages.ts";

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
  const next = createBatches(app.store, position, (after) => app.store.events(after, batchSize));
  for (let looks = 0; !stop.aborted; looks += 1) {
    if (looks % looksPerReconcile === 0) await reconcile(deadlinesMs.question);
    yield [];
    for (let isMore = true; isMore; ) {
      const events = await next();
      if (events.length > 0) yield events;
      if (stop.aborted) return;
      isMore = events.length === batchSize;
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
  store: Pick<EventLog, "changes" | "events" | "lastSeq" | "replacements">,
  position: number,
  tell: (change: LoggedChange) => void,
): () => Promise<void> {
  const next = createBatches(store, position, (after) => store.changes(after, batchSize));
  return async () => {
    for (let isMore = true; isMore; ) {
      const changes = await next();
      for (const change of changes) tell(change);
      isMore = changes.length === batchSize;
      // The other work of a server gets its turn.
      if (isMore) await nextTurn();
    }
  };
}

/**
 * Makes what reads a log batch by batch. Where another log comes in its place, as an empty one or a restored backup does,
 * what came on record there since the last look is new.
 *
 * @param read - the batch after a position
 */
function createBatches<T extends { readonly seq: number }>(
  store: Pick<EventLog, "events" | "lastSeq" | "replacements">,
  position: number,
  read: (after: number) => Promise<readonly T[]>,
): () => Promise<readonly T[]> {
  let after = position;
  let replacements = store.replacements();
  let lookedAt = instantFromMs(Date.now());
  return async () => {
    for (;;) {
      const now = instantFromMs(Date.now());
      const batch = await read(after);
      if (store.replacements() === replacements) {
        after = batch.at(-1)?.seq ?? after;
        lookedAt = now;
        return batch;
      }
      replacements = store.replacements();
      after = await positionAt(store, lookedAt);
    }
  };
}

/** @returns the position after which the log has what came on record at an instant or later */
async function positionAt(store: Pick<EventLog, "events" | "lastSeq">, instant: Instant): Promise<number> {
  let [before, last] = [0, await store.lastSeq()];
  while (before < last) {
    const middle = Math.floor((before + last) / 2);
    const [next] = await store.events(middle, 1);
    if (next !== undefined && next.event.observed.recordedAt < instant) before = next.seq;
    else last = middle;
  }
  return before;
}
