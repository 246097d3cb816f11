/** Owns waiting for a file that another process holds, and for turns of the event loop. */
import { isBusy } from "./errors.ts";

const longestPauseMs = 50;

/** Tries again while another process holds the file, without blocking this one's event loop. */
export async function retryWhileBusy<T>(action: () => T | Promise<T>, timeoutMs: number): Promise<T> {
  const deadlineMs = monotonicMs() + timeoutMs;
  for (;;) {
    try {
      return await action();
    } catch (error) {
      if (!isBusy(error) || monotonicMs() >= deadlineMs) throw error;
      await sleep(1 + Math.random() * longestPauseMs);
    }
  }
}

// The promise forms of the timers and `performance` each load modules that a start has no other need of.
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
export const nextTurn = () => new Promise((resolve) => setImmediate(resolve));
const monotonicMs = () => process.uptime() * 1000;
