/**
 * Owns whether a process, the same by pid and start time, still runs the program that its session started with.
 *
 * A path is a name, and a name is no proof: an upgrade, a rename, a link that is pointed elsewhere, or a chroot changes
 * what a path means while the shell lives. What is compared is what the kernel keeps of the process: the file that runs
 * (device and inode of `/proc/PID/exe`, which an open file never loses) and the name that it was executed by (`comm`).
 * `exec` of another program changes both. Each alone may change in a shell that lives: the file's numbers on a file
 * system that makes them up anew (FUSE), the name by prctl(2); and after each alone the shell may have been replaced by
 * another copy of itself, or by another name of the same file. So one alone proves neither death nor life.
 *
 * The order of evidence, strongest first; the first row that applies decides:
 *
 * | # | evidence                                                                            | verdict            |
 * |---|-------------------------------------------------------------------------------------|--------------------|
 * | 1 | a newer state file of the same pid and start time (`close-dead.ts`)                 | replaced           |
 * | 2 | recorded: file or comm; both are known then and now, and both differ                | replaced           |
 * | 3 | ditto; one of them differs, the other is the same or may not be looked at           | uncertain          |
 * | 4 | ditto; none is known to differ                                                      | same               |
 * | 5 | recorded: a path alone; it names the file that runs, or the running file has it     | same               |
 * | 6 | ditto; the file may not be looked at                                                | same (pid, ticks)  |
 * | 7 | ditto; another file of a name like it (`bash`, `bash~`, `bash.old`; `zsh`, `zsh-5.9`) | uncertain        |
 * | 8 | ditto; another file, and no name of it is like the recorded one                     | replaced           |
 * | 9 | nothing is recorded of the program                                                  | same (pid, ticks)  |
 *
 * A path alone is what records of earlier versions have, and what a hook says of a shell that nobody could look at.
 */
import { basename } from "node:path";
import type { ProcessIdentity } from "../tracker/event.ts";

/** What a process runs. */
export type Program = Pick<ProcessIdentity, "executable" | "exeId" | "comm">;

/** `uncertain` proves neither that the session's program still runs nor that it does not. */
export type ProgramVerdict = "same" | "uncertain" | "replaced";

/** What can be asked of the files of this machine. */
export interface Files {
  /** @returns device and inode of a file, links followed; null when it may not be looked at, or is not there */
  idOf(path: string): string | null;
  /** @returns a path without links in it; the path itself where that cannot be told */
  resolved(path: string): string;
}

/** @param seen - what the process runs now; a null field could not be looked at */
export function compareProgram(recorded: Program, seen: Program, files: Files): ProgramVerdict {
  if (recorded.exeId === null && recorded.comm === null) {
    return recorded.executable === null ? "same" : compareByPath(recorded.executable, seen, files);
  }
  const differences = [differs(recorded.exeId, seen.exeId), differs(recorded.comm, seen.comm)].filter(Boolean).length;
  return (["same", "uncertain", "replaced"] as const)[differences] ?? "same";
}

/** @returns whether a recorded path is a name of the file that runs; null where that cannot be told */
export function isNameOf(recorded: Program, seen: Program, files: Files): boolean | null {
  if (recorded.exeId !== null && seen.exeId !== null) return recorded.exeId === seen.exeId;
  if (recorded.executable === null || seen.exeId === null) return null;
  return idOfPath(recorded.executable, files) === seen.exeId ? true : null;
}

function compareByPath(path: string, seen: Program, files: Files): ProgramVerdict {
  if (seen.exeId === null) return "same";
  if (idOfPath(path, files) === seen.exeId) return "same";
  const running = undeleted(seen.executable ?? "");
  if (running === undeleted(path) || running === files.resolved(path)) return "same";
  const names = [seen.comm, basename(running)].filter((name) => name !== null);
  return names.some((name) => areAlike(name, basename(path))) ? "uncertain" : "replaced";
}

/** A name that is no path would be looked for where this program happens to run. */
function idOfPath(path: string, files: Files): string | null {
  return path.startsWith("/") ? files.idOf(path) : null;
}

function differs(recorded: string | null, seen: string | null): boolean {
  return recorded !== null && seen !== null && recorded !== seen;
}

/** The kernel keeps 15 bytes of a name, and packagers put versions and marks behind it. */
function areAlike(a: string, b: string): boolean {
  return a.startsWith(b) || b.startsWith(a);
}

/** proc(5) marks the name of a file that was removed. */
function undeleted(path: string): string {
  return path.replace(/ \(deleted\)$/, "");
}
