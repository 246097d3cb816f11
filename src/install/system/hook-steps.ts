/** Owns the steps that put our line into the global startup files of the shells, and take it out byte for byte. */
import { accessSync, constants, existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { SessionBuddyError } from "../../tracker/errors.ts";
import { machineHookLine, type ShellName } from "../hook-line.ts";
import type { PlaceState } from "../hooks.ts";
import { addBlock, readBlocks, removeBlocks } from "../rc-block.ts";
import { type RcFile, readMachineRcFile, writeRcFile } from "../rc-file.ts";
import { makeFoldersAbove } from "./folders.ts";
import { programLink } from "./places.ts";
import { everyStartupFile, type MachineLook, type StartupFile, shellsOf, startupFilesOf } from "./startup-files.ts";
import { refused, type Step, unchanged } from "./step.ts";

/** This machine's own files. */
export const thisMachine: MachineLook = {
  isMac: process.platform === "darwin",
  exists: existsSync,
  list: namesIn,
  read(path) {
    try {
      return readFileSync(path, "utf8");
    } catch {
      return null;
    }
  },
};

export interface HookFileState extends StartupFile {
  /** `differs`: it has another line of ours than this program would write, or half of one. */
  readonly state: "installed" | "missing" | "differs";
  readonly reason: string | null;
}

/** @param shells - those that are here by default */
export function hookSteps(shells: readonly ShellName[] = shellsOf(thisMachine)): readonly Step[] {
  return startupFilesOf(shells, thisMachine).map(hookStep);
}

/** For every file that has our line, wherever a program of an older version has put it. */
export function removeHookSteps(shells: readonly ShellName[]): readonly Step[] {
  const files = everyStartupFile().filter(({ shell, path }) => shells.includes(shell) && hasOurs(path));
  return files.map(removeHookStep);
}

/** @returns the files that should have our line, and others that have it */
export function hookFileStates(): readonly HookFileState[] {
  const wanted = startupFilesOf(shellsOf(thisMachine), thisMachine);
  const others = everyStartupFile().filter(({ path }) => wanted.every((one) => one.path !== path) && hasOurs(path));
  return [...wanted, ...others].map(stateOf);
}

/** @returns the same for those that have our line, in the form of a person's own files */
export function machinePlaces(): readonly PlaceState[] {
  return hookFileStates()
    .filter(({ state }) => state !== "missing")
    .map(({ shell, path, state, reason }) => ({ shell, kind: "hook", file: path, state, reason }));
}

/** The hook as files name it: by the link, so that a file stays as it is when the program is updated. */
export function machineHook(shell: ShellName): string {
  return join(programLink, "shell-hooks", `session-buddy.${shell}`);
}

function hookStep({ shell, path }: StartupFile): Step {
  return {
    part: `${shell} hook`,
    subject: path,
    plan() {
      const line = machineHookLine(shell, machineHook(shell));
      const file = readMachineRcFile(path);
      const edit = attempt(() => addBlock(file.bytes, line));
      if (edit === null) return unchanged;
      if (edit instanceof SessionBuddyError) return refused(edit.message, byHand(line));
      if (file.issue !== null) return refused(file.issue, byHand(line));
      requireWritable(file);
      return {
        action: edit.removed.length > 0 ? "updated" : "added",
        reason: `at line ${edit.line}`,
        removed: edit.removed,
        added: edit.added,
        act() {
          makeFoldersAbove(path);
          writeRcFile(file, edit.bytes);
        },
      };
    },
  };
}

function removeHookStep({ shell, path }: StartupFile): Step {
  return {
    part: `${shell} hook`,
    subject: path,
    plan() {
      const file = readMachineRcFile(path);
      const edit = attempt(() => removeBlocks(file.bytes));
      if (edit === null) return unchanged;
      if (edit instanceof SessionBuddyError) return refused(edit.message);
      if (file.issue !== null) return refused(file.issue, "take our lines out by hand");
      requireWritable(file);
      const reason = edit.bytes === null ? "the file was made for it" : `at line ${edit.line}`;
      return { action: "removed", reason, removed: edit.removed, act: () => writeRcFile(file, edit.bytes) };
    },
  };
}

/** What even root may not write to is found out by a look, so that a dry run tells of it too. @throws the file system's error */
function requireWritable({ path, stats }: RcFile): void {
  if (stats === null) return;
  accessSync(path, constants.W_OK);
  accessSync(dirname(path), constants.W_OK);
}

function byHand(line: string): string {
  return `add this line by hand: ${line}`;
}

function hasOurs(path: string): boolean {
  const { bytes } = readMachineRcFile(path);
  const lines = attempt(() => readBlocks(bytes));
  return lines instanceof SessionBuddyError || lines.length > 0;
}

function stateOf({ shell, path }: StartupFile): HookFileState {
  const file = readMachineRcFile(path);
  const lines = attempt(() => readBlocks(file.bytes).flat());
  if (lines instanceof SessionBuddyError) return { shell, path, state: "differs", reason: lines.message };
  if (lines.length === 0) return { shell, path, state: "missing", reason: file.issue };
  if (lines.length === 1 && lines[0] === machineHookLine(shell, machineHook(shell)))
    return { shell, path, state: "installed", reason: null };
  return { shell, path, state: "differs", reason: "has another line between the session-buddy markers" };
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function attempt<T>(work: () => T): T | SessionBuddyError {
  try {
    return work();
  } catch (error) {
    if (error instanceof SessionBuddyError) return error;
    throw error;
  }
}
