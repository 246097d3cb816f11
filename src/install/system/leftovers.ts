/** Owns what a run that was killed has left beside the files that it was about to change; nobody reads that. */
import { lstatSync, readdirSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { madeFoldersFile, unitFile } from "./places.ts";
import { everyStartupFile } from "./startup-files.ts";
import { type Step, unchanged } from "./step.ts";

/** Before anything else is looked at, for every file that is changed whole. */
export const leftoverStep: Step = {
  part: "leftovers",
  subject: "of a run that was killed",
  isQuiet: true,
  plan() {
    const files = [...everyStartupFile().map(({ path }) => path), unitFile, madeFoldersFile];
    const left = [...new Set(files.flatMap(leftoversOf))];
    if (left.length === 0) return unchanged;
    return { action: "removed", reason: left.join(", "), act: () => removeAll(left) };
  },
};

function removeAll(paths: readonly string[]): void {
  for (const path of paths) rmSync(path);
}

/** Their names are those of `host/whole-file.ts`. */
function leftoversOf(path: string): string[] {
  const folder = dirname(path);
  const start = `${basename(path)}.session-buddy-`;
  return namesIn(folder)
    .filter((name) => name.startsWith(start) && isOver(name.slice(start.length)))
    .map((name) => join(folder, name))
    .filter(isRootsFile);
}

function isRootsFile(path: string): boolean {
  const stats = lstatSync(path);
  return stats.isFile() && stats.uid === 0;
}

/** @param end - of such a name: the process that made it, and when */
function isOver(end: string): boolean {
  const pid = Number(/^(\d+)-\d+$/.exec(end)?.[1]);
  if (Number.isNaN(pid)) return false;
  try {
    process.kill(pid, 0);
    return pid === process.pid;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
