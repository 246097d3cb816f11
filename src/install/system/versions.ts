/** Owns the folders of the program's versions: their names, which one is installed, and which are used by a process. */
import { lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { programLink } from "./places.ts";

/** `session-buddy-VERSION-DIGEST`, with a number where a folder of that name is damaged. */
const nameForm = /^session-buddy-(\d+\.\d+\.\d+\S*?)-[0-9a-f]{12}(?:\.\d+)?$/;
/** One that is being made or removed, and by which process. */
const partialForm = /^session-buddy-\S+\.partial-(\d+)$/;
/** USER_HZ, in which proc(5) counts, is this on every Linux. */
const ticksPerSecond = 100;

export const versionsFolder = dirname(programLink);

export function partialOf(folder: string): string {
  return `${folder}.partial-${process.pid}`;
}

/** @returns the folder that the link leads to; null when there is none, or it is not one of ours */
export function currentFolder(): string | null {
  try {
    const target = readlinkSync(programLink);
    return nameForm.test(target) ? join(versionsFolder, target) : null;
  } catch {
    return null;
  }
}

/** @returns the version that is installed, such as `0.1.0`; null when none is */
export function installedVersion(): string | null {
  return nameForm.exec(basename(currentFolder() ?? ""))?.[1] ?? null;
}

/** @returns when the version that is installed was put in place; null when none is */
export function installedAtMs(): number | null {
  return lstatSync(programLink, { throwIfNoEntry: false })?.ctimeMs ?? null;
}

/** @returns the folders of other versions, and what a run that was killed has left */
export function otherFolders(): readonly string[] {
  const current = basename(currentFolder() ?? "");
  return namesIn(versionsFolder)
    .filter((name) => (nameForm.test(name) && name !== current) || isAbandoned(name))
    .map((name) => join(versionsFolder, name));
}

/** @returns links beside the program's that a run that was killed did not put in place */
export function isAbandoned(name: string): boolean {
  const pid = partialForm.exec(name)?.[1];
  return pid !== undefined && !isAlive(Number(pid));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}

/**
 * Finds a process that may still load a file of a version: it runs the Node.js in its folder, names a file in it, or was
 * started by the link before that led elsewhere.
 *
 * @returns its id; null when there is none. Without proc(5) nothing is known, and null too.
 */
export function userOf(folder: string): number | null {
  const swappedAtMs = installedAtMs() ?? 0;
  const pids = namesIn("/proc").filter((name) => /^\d+$/.test(name));
  return pids.map(Number).find((pid) => isUsedBy(pid, folder, swappedAtMs)) ?? null;
}

function isUsedBy(pid: number, folder: string, swappedAtMs: number): boolean {
  const inside = `${folder}/`;
  if (!seesFolder(pid, folder)) return false;
  if (linkOf(`/proc/${pid}/exe`)?.startsWith(inside)) return true;
  const words = textOf(`/proc/${pid}/cmdline`).split("\0");
  if (words.some((word) => word.startsWith(inside))) return true;
  const isByLink = words.some((word) => word.startsWith(`${programLink}/`));
  return isByLink && mayHaveBegunBefore(pid, swappedAtMs);
}

/** @returns whether a process has the same folder under that name; one in a container may have another. */
function seesFolder(pid: number, folder: string): boolean {
  try {
    const [theirs, ours] = [lstatSync(`/proc/${pid}/root${folder}`), lstatSync(folder)];
    return theirs.ino === ours.ino && theirs.dev === ours.dev;
  } catch {
    return false;
  }
}

/** As exactly as proc(5) tells when a process began, in hundredths of a second, and the clock of files goes. */
export const clockErrorMs = 50;

/** @returns whether a process began before a moment, or so near to it that nobody can tell; not when it is gone */
export function mayHaveBegunBefore(pid: number, instantMs: number): boolean {
  const startedAt = startedAtMs(pid);
  return startedAt !== null && startedAt - clockErrorMs < instantMs;
}

/** @returns when a process began, by the clock as it is now; null when it is gone */
function startedAtMs(pid: number): number | null {
  const text = textOf(`/proc/${pid}/stat`);
  const startTicks = text.slice(text.lastIndexOf(")") + 2).split(" ")[19];
  const uptime = Number.parseFloat(textOf("/proc/uptime"));
  if (startTicks === undefined || Number.isNaN(uptime)) return null;
  return Date.now() - (uptime - Number(startTicks) / ticksPerSecond) * 1000;
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function linkOf(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
