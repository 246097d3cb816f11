/** Owns what a server removes in passing: sessions that ended longer ago than they are to be kept. */
import { logFailure } from "../log.ts";
import { instantFromMs } from "../tracker/instant.ts";
import type { App } from "./app.ts";
import { holdWhatMayBeSent } from "./hold.ts";
import { batchSize } from "./pages.ts";

const dayMs = 24 * 3_600_000;
const startOfTimeMs = Date.parse("0001-01-01T00:00:00Z");
/** At each tick; what is left is for the next one. */
const mostBatches = 10;

/**
 * @param nowMs - the time now
 * @returns what removes some of them, oldest first, and never throws; where they are kept for ever it does nothing
 */
export function createRetention(
  app: Pick<App, "store" | "config" | "log">,
  nowMs: () => number = Date.now,
): () => Promise<void> {
  const { store, config, log } = app;
  const keepDays = config.settings.keep_days;
  if (keepDays === 0) return async () => {};
  return async () => {
    const endedBefore = instantFromMs(Math.max(startOfTimeMs, nowMs() - keepDays * dayMs));
    let removed = 0;
    try {
      await holdWhatMayBeSent(app, nowMs());
      for (let batch = 0; batch < mostBatches; batch += 1) {
        const count = await store.prune(endedBefore, batchSize);
        removed += count;
        if (count < batchSize) break;
      }
    } catch (error) {
      logFailure(log, "Old sessions not removed", error);
    }
    if (removed > 0) log.info("Old sessions removed", { sessions: removed, older_than_days: keepDays });
  };
}
