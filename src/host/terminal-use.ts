/** Owns when a terminal was last typed at. */
import { statSync } from "node:fs";

/** As tty(1) names them below /dev: `pts/8`, `tty1`, `ttyS0`. */
const terminalName = /^(?:pts\/\d{1,9}|tty[A-Za-z]{0,8}\d{0,5})$/;

/**
 * The time of the last access is that of the last read, as w(1) has it; the kernel writes it to within eight seconds.
 *
 * @param name - without `/dev/`
 * @returns milliseconds since the epoch; null where there is no such terminal
 */
export function lastTypedMs(name: string): number | null {
  if (!terminalName.test(name)) return null;
  try {
    const stats = statSync(`/dev/${name}`, { throwIfNoEntry: false });
    return stats?.isCharacterDevice() ? stats.atimeMs : null;
  } catch {
    return null;
  }
}
