/** Owns the look at a symbolic link of the installation. */
import { lstatSync, readlinkSync } from "node:fs";

/** @returns what a link leads to, or a text that no link of ours does; null when there is nothing */
export function targetOf(path: string): string | null {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return null;
  return stats.isSymbolicLink() ? readlinkSync(path) : "not a link";
}
