/** Owns the mark in the spool that tells hooks to write down where a shell was reached from. */
import { closeSync, lstatSync, openSync, rmdirSync, unlinkSync } from "node:fs";
import { join } from "node:path";

/** Hooks look whether it is there, and at nothing in it. */
const markName = ".remote";

/**
 * Makes the mark, or takes it away; one that a user has put there says nothing.
 *
 * @throws the file system's error
 */
export function keepRemoteMark(folder: string, isWanted: boolean): void {
  const path = join(folder, markName);
  const stats = lstatSync(path, { throwIfNoEntry: false });
  const isOurs = stats?.isFile() === true && stats.uid === process.geteuid?.();
  if (isWanted === isOurs && (isWanted || stats === undefined)) return;
  if (stats?.isDirectory()) rmdirSync(path);
  else if (stats !== undefined) unlinkSync(path);
  if (isWanted) closeSync(openSync(path, "wx", 0o644));
}
