/** Owns the marks in the spool that hooks look for: what they find by a name costs them no process. */
import { randomUUID } from "node:crypto";
import { closeSync, lstatSync, openSync, renameSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { isDiskFull } from "../host/disk.ts";

/** Hooks look whether they are there, and at nothing in them. */
const markNames = {
  /** Where a shell was reached from is to be written down. */
  remote: ".remote",
  /** The disk has no room: fish prints why a write fails, wherever its output goes. */
  full: ".full",
  /** The same file while there is room: where the disk is full, none can be made. */
  room: ".room",
} as const;

/** @returns whether something of this name in the spool is a mark */
export function isMark(name: string): boolean {
  return Object.values<string>(markNames).includes(name);
}

/**
 * Makes the marks that are wanted and takes the others away; one that a user has put there says nothing.
 *
 * @param keepsRemote - whether hooks write down where a shell was reached from
 * @throws the file system's error
 */
export function keepMarks(folder: string, keepsRemote: boolean): void {
  const [full, room] = [join(folder, markNames.full), join(folder, markNames.room)];
  const [wanted, other] = isDiskFull(folder) ? [full, room] : [room, full];
  if (!isOurs(wanted)) {
    keepMark(wanted, false);
    if (isOurs(other)) renameSync(other, wanted);
    else keepMark(wanted, true);
  }
  keepMark(other, false);
  keepMark(join(folder, markNames.remote), keepsRemote);
}

function isOurs(path: string): boolean {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  return stats?.isFile() === true && stats.uid === process.geteuid?.();
}

function keepMark(path: string, isWanted: boolean): void {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (isWanted ? isOurs(path) : stats === undefined) return;
  if (stats?.isDirectory()) renameSync(path, `${path}.${randomUUID()}.rejected`);
  else if (stats !== undefined) unlinkSync(path);
  if (isWanted) closeSync(openSync(path, "wx", 0o644));
}
