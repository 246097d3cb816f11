/** Owns the pauses of long work, in which a server answers and notices what comes. */

/** How long others wait at the most, in milliseconds. */
const longestMs = 5;

/** @returns what is called between two steps of the work, and pauses where it has gone on for long */
export function createBreath(): () => Promise<void> {
  let sinceMs = performance.now();
  return async () => {
    if (performance.now() - sinceMs < longestMs) return;
    await new Promise((resolve) => setImmediate(resolve));
    sinceMs = performance.now();
  };
}
