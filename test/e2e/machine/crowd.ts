/** People who open shells all at once, as many at a time as the machine can bear, and a service that dies meanwhile. */
import type { Machine, Service } from "../../support/machine.ts";
import type { Crowd } from "../hooks-storm.ts";

/**
 * No shell ends before all are open.
 *
 * @param total - of the shells
 * @param hands - how many are being opened, or ended, at the same moment
 * @param onStep - called whenever one more is open, and when one more is over
 */
export function createCrowd(total: number, hands: number, onStep: (step: number) => void): Crowd {
  const waiting: (() => void)[] = [];
  const allOpen = Promise.withResolvers<void>();
  let [free, opened, step] = [hands, 0, 0];
  const take = async () => {
    if (free === 0) return new Promise<void>((resolve) => waiting.push(resolve));
    free -= 1;
  };
  const give = () => {
    const next = waiting.shift();
    if (next === undefined) free += 1;
    else next();
  };
  const count = () => {
    step += 1;
    onStep(step);
  };
  return {
    begin: take,
    async open() {
      opened += 1;
      count();
      give();
      if (opened === total) allOpen.resolve();
      await allOpen.promise;
      await take();
    },
    end() {
      count();
      give();
    },
  };
}

export interface MortalService {
  /** Kills it with -9 and starts it again, after what it was told before. */
  kill(): void;
  /** @returns how often it was killed, once it runs again */
  settled(): Promise<number>;
}

export async function createMortalService(machine: Machine): Promise<MortalService> {
  let service: Service = await machine.serve();
  let [killed, done] = [0, Promise.resolve()];
  const killNow = async () => {
    await service.stop("SIGKILL");
    killed += 1;
    service = await machine.serve();
  };
  return {
    kill() {
      done = done.then(killNow);
    },
    async settled() {
      await done;
      return killed;
    },
  };
}
