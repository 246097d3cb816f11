/** Owns removing sessions that ended long ago, in batches, so that others get their turn between two of them. */
import { createReconcile, deadlinesMs } from "../capture/reconcile.ts";
import type { Instant } from "../tracker/instant.ts";
import type { App } from "./app.ts";
import { holdWhatMayBeSent } from "./hold.ts";
import { batchSize } from "./pages.ts";

/** What ended before an instant. */
export interface Prunable {
  /** How many sessions {@link prune} would remove. */
  readonly sessions: number;
  /** How many stay, because another record that they are delivered to may have to be sent them. */
  readonly kept: number;
}

export async function countPrunable(app: App, endedBefore: Instant): Promise<Prunable> {
  await createReconcile(app).reconcile(deadlinesMs.question);
  await holdWhatMayBeSent(app, Date.now());
  const [sessions, kept] = [await app.store.countPrunable(endedBefore), await app.store.countHeld(endedBefore)];
  return { sessions, kept };
}

/**
 * Removes what ended before an instant.
 *
 * @param onProgress - called with how many sessions of how many have been removed
 * @returns how many were removed, and how many stay
 */
export async function prune(
  app: App,
  endedBefore: Instant,
  onProgress: (removed: number, total: number) => void,
): Promise<Prunable> {
  const { sessions: total, kept } = await countPrunable(app, endedBefore);
  for (let removed = 0; ; ) {
    const count = await app.store.prune(endedBefore, batchSize);
    if (count === 0) return { sessions: removed, kept };
    removed += count;
    onProgress(removed, total);
  }
}
