/** Owns the marks in the spool that hooks look for: what they find by a name costs them no process. */
import { randomUUID } from "node:crypto";
import { closeSync, lstatSync, openSync, renameSync, statfsSync, unlinkSync } from "node:fs";
import { join } from "node:path";

/** Hooks look whether they are there, and at nothing in them. */
const markNames = {
  /** Where a shell was reached from is to be written down. */
  remote: ".remote",
  /** The disk has no room: fish prints why a write fails, wherever its output goes. */
  full: ".full",
} as const;

/** @returns whether something of this name in the spool is a mark */
export function isMark(name: string): boolean {
  return name === markNames.remote || name === markNames.full;
}

/**
 * Makes the marks that are wanted and takes the others away; one that a user has put there says nothing.
 *
 * @param keepsRemote - whether hooks write down where a shell was reached from
 * @throws the file system's error
 */
export function keepMarks(folder: string, keepsRemote: boolean): void {
  keepMark(join(folder, markNames.full), statfsSync(folder).bavail === 0);
  keepMark(join(folder, markNames.remote), keepsRemote);
}

function keepMark(path: string, isWanted: boolean): void {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  const isOurs = stats?.isFile() === true && stats.uid === process.geteuid?.();
  if (isWanted ? isOurs : stats === undefined) return;
  if (stats?.isDirectory()) renameSync(path, `${path}.${randomUUID()}.rejected`);
  else if (stats !== undefined) unlinkSync(path);
  if (isWanted) closeSync(openSync(path, "wx", 0o644));
}
