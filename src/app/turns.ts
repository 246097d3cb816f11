/** Owns that work which takes long is done by a few at a time, and that only so much of it waits. */
import { SessionBuddyError } from "../tracker/errors.ts";

export interface TurnLimits {
  /** How many works run at once. */
  readonly running: number;
  /** How much may wait: the sum of the sizes. */
  readonly waitingSize: number;
}

export interface Turns {
  /**
   * Runs a work when its turn comes, in the order in which they came.
   *
   * @throws SessionBuddyError `storage.busy` when too much is waiting; what the work throws
   */
  run<T>(size: number, work: () => Promise<T>): Promise<T>;
}

export function createTurns({ running, waitingSize }: TurnLimits): Turns {
  const waiting: (() => void)[] = [];
  let under = 0;
  let size = 0;
  const turn = async (own: number) => {
    if (under < running) {
      under += 1;
      return;
    }
    if (size + own > waitingSize) throw new SessionBuddyError("storage.busy", "too much waits to be recorded");
    size += own;
    await new Promise<void>((resolve) => waiting.push(resolve));
    size -= own;
  };
  return {
    async run(own, work) {
      await turn(own);
      try {
        return await work();
      } finally {
        // The place goes over to the next one.
        const next = waiting.shift();
        if (next === undefined) under -= 1;
        else next();
      }
    },
  };
}
