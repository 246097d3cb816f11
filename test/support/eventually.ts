/** Waiting for what another process does: asked again and again, never for a fixed time. */
import { setTimeout } from "node:timers/promises";

const pauseMs = 10;
const usualMs = 20_000;

/**
 * Repeats a check until it passes.
 *
 * @param longestMs - 20 s by default
 * @throws what the check threw last, when it never passes
 */
export async function eventually<T>(check: () => T | Promise<T>, longestMs = usualMs): Promise<T> {
  const lastTry = Date.now() + longestMs;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (Date.now() > lastTry) throw error;
      await setTimeout(pauseMs);
    }
  }
}
