/**
 * A boot clock that a test moves on, as it does while a machine is suspended: a file over `/proc/uptime`, which shells and
 * the program read, in a mount namespace of its own. (A time namespace cannot do it: its offsets are fixed.)
 */
import { closeSync, openSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";

export interface BootClockFile {
  /** A command line that runs the one after it where the clock is seen. */
  readonly under: readonly string[];
  /** @param seconds - since boot, below 100000 */
  set(seconds: number): void;
}

export function bootClockFile({ folder }: { readonly folder: string }, seconds: number): BootClockFile {
  const path = join(folder, "uptime");
  const lineOf = (value: number) => `${value.toFixed(2).padStart(8, "0")} 0.00\n`;
  writeFileSync(path, lineOf(seconds));
  return {
    under: ["unshare", "--mount", "sh", "-euc", 'mount --bind "$0" /proc/uptime; exec "$@"', path],
    set(value) {
      // In place, and in one write of the same length: a reader sees the one or the other.
      const descriptor = openSync(path, "r+");
      writeSync(descriptor, lineOf(value), 0);
      closeSync(descriptor);
    },
  };
}
