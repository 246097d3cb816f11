/** Owns removing sessions that ended long ago, in batches, so that others get their turn between two of them. */
import { createReconcile, deadlinesMs } from "../capture/reconcile.ts";
import type { Instant } from "../tracker/instant.ts";
import type { App } from "./app.ts";
import { batchSize } from "./pages.ts";

/** @returns how many sessions {@link prune} would remove */
export async function countPrunable(app: App, endedBefore: Instant): Promise<number> {
  await createReconcile(app).reconcile(deadlinesMs.question);
  return app.store.countPrunable(endedBefore);
}

/**
 * Removes what ended before an instant.
 *
 * @param onProgress - called with how many sessions of how many have been removed
 * @returns how many were removed
 */
export async function prune(
  app: App,
  endedBefore: Instant,
  onProgress: (removed: number, total: number) => void,
): Promise<number> {
  const total = await countPrunable(app, endedBefore);
  for (let removed = 0; ; ) {
    const count = await app.store.prune(endedBefore, batchSize);
    if (count === 0) return removed;
    removed += count;
    onProgress(removed, total);
  }
}
