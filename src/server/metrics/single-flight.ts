/** Owns work that many ask for at once: done one at a time, and waited for only so long. */

/**
 * Whoever asks while the work runs gets the next run's result, together with all who asked meanwhile: no answer is older
 * than its question, and a flood of questions is two runs.
 */
export function oneAtATime<T>(work: () => Promise<T>): () => Promise<T> {
  let running: Promise<unknown> = Promise.resolve();
  let next: Promise<T> | null = null;
  return () => {
    next ??= running.then(() => {
      next = null;
      const result = work();
      running = result.catch(() => {});
      return result;
    });
    return next;
  };
}

/** @returns null when the work fails, or takes longer; it continues then */
export async function inTime<T>(work: Promise<T>, deadlineMs: number): Promise<T | null> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(resolve, deadlineMs, null);
  });
  try {
    return await Promise.race([work.catch(() => null), late]);
  } finally {
    clearTimeout(timer);
  }
}
