/** Owns how long delivery waits after it has failed, and when it may be tried again. */
import type { Delivery } from "../tracker/outbox.ts";

const shortestMs = 1_000;
const longestMs = 300_000;
/** After what does not change by itself. */
export const refusedWaitMs = 15 * 60_000;
/** Whatever the other record asks for. */
export const longestWaitMs = 3_600_000;

/**
 * Full jitter: anything up to a bound that doubles, so that many who failed together do not come back together.
 *
 * @param tries - how often it has failed, this time included; 1 or more
 * @param chance - 0 to 1
 * @returns milliseconds
 */
export function backoffMs(tries: number, chance: number): number {
  const most = Math.min(longestMs, shortestMs * 2 ** Math.min(tries, 30));
  return Math.floor(most * chance);
}

/** @returns how long to wait from now on, in milliseconds; 0 for not at all. A clock that was set back ends every wait. */
export function leftToWaitMs({ triedAtMs, nextAtMs }: Pick<Delivery, "triedAtMs" | "nextAtMs">, nowMs: number): number {
  if (nextAtMs === null || (triedAtMs !== null && nowMs < triedAtMs)) return 0;
  return Math.max(0, Math.min(nextAtMs - nowMs, longestWaitMs));
}
