/** Composes what is done to a person's startup files: which ones the shells read, and their state. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { ShellFolders } from "../config/paths.ts";
import { ensurePrivateFolder } from "../host/private-folder.ts";
import { SessionBuddyError } from "../tracker/errors.ts";
import { readCompletion, requireCompletion } from "./completion.ts";
import { hasLineByHand, hookLine, hookPathOf, readsBashrc, type ShellName, shellNames } from "./hook-line.ts";
import { addBlock, type Edit, readBlocks, removeBlocks } from "./rc-block.ts";
import { type RcFile, readRcFile, writeRcFile } from "./rc-file.ts";
import { isUntouched } from "./stamp.ts";

/** One file of one shell: the startup file that loads the hook, or the completions of the command line. */
export interface HookPlace {
  readonly shell: ShellName;
  readonly kind: "hook" | "completion";
  readonly file: string;
}

export interface PlaceState extends HookPlace {
  /**
   * `stale`: the file loads a hook that is gone, or of another installation or version. `elsewhere`: no file of the shell
   * loads it, and a shell on record proves that it is loaded.
   */
  readonly state: "missing" | "installed" | "differs" | "stale" | "elsewhere";
  /** What a person should know about it, as a sentence about the file; null: nothing. */
  readonly reason: string | null;
}

export interface PlaceChange extends HookPlace {
  readonly action: "added" | "updated" | "removed" | "unchanged" | "refused";
  readonly reason: string | null;
  /** What is left for a person to add, when the file must not be changed. */
  readonly line: string | null;
  /** The lines that change; null for a file that is ours from end to end. */
  readonly edit: Omit<Edit, "bytes"> | null;
}

export interface HookOptions {
  readonly folders: ShellFolders;
  readonly stateFolder: string;
  /** Folder of `bin`, `dist` and `shell-hooks`. */
  readonly programFolder: string;
}

/** @returns the login shell, and each other one that has a startup file. */
export function usualShells(folders: ShellFolders): ShellName[] {
  const isUsed = (shell: ShellName) =>
    shell === "fish" ? existsSync(join(folders.config, "fish")) : filesOf(shell, folders).some(existsSync);
  const login = shellNames.filter((shell) => shell === folders.loginShell);
  return [...login, ...shellNames.filter((shell) => shell !== folders.loginShell && isUsed(shell))];
}

export function hookStates(options: HookOptions): PlaceState[] {
  return shellNames.flatMap((shell) => [
    ...placesToReport(shell, options.folders).map((file) => hookState(shell, file, options)),
    ...completionFiles(shell, options.folders).map((file) => completionState(shell, file, options)),
  ]);
}

/**
 * Makes these shells load their hook. What cannot be done to one file is told in its row, and the others are done.
 *
 * @throws SessionBuddyError `invalid`, `storage.unavailable` before anything is changed
 */
export function installHooks(shells: readonly ShellName[], isDryRun: boolean, options: HookOptions): PlaceChange[] {
  for (const shell of shells) requireHook(shell, options);
  if (!isDryRun) prepareStateFolder(shells, options);
  return shells.flatMap((shell) => [
    ...wantedFiles(shell, options.folders).map((file) => installHook(shell, file, isDryRun, options)),
    ...completionFiles(shell, options.folders).map((file) => installCompletion(shell, file, isDryRun, options)),
  ]);
}

/** Puts the files of these shells back as they were; one row for each file that had something of ours. */
export function uninstallHooks(shells: readonly ShellName[], isDryRun: boolean, options: HookOptions): PlaceChange[] {
  return shells.flatMap((shell) => [
    ...filesOf(shell, options.folders).flatMap((file) => uninstallHook(shell, readRcFile(file), isDryRun, options)),
    ...completionFiles(shell, options.folders).flatMap((file) => uninstallCompletion(shell, file, isDryRun, options)),
  ]);
}

/** Every startup file of a shell that may hold our line. */
function filesOf(shell: ShellName, { home, zsh, config }: ShellFolders): string[] {
  if (shell === "zsh") return [join(zsh, ".zshrc")];
  if (shell === "fish") return [join(config, "fish/conf.d/session-buddy.fish")];
  return [".bashrc", ".bash_profile", ".bash_login", ".profile"].map((name) => join(home, name));
}

/**
 * The files that should hold it. A login shell of bash reads the first of three files instead of `~/.bashrc`, so that one
 * gets the line too unless it reads `~/.bashrc`; where there is none, the last, which hides no other when it is made.
 */
function wantedFiles(shell: ShellName, folders: ShellFolders): RcFile[] {
  const [first, ...ofLogin] = filesOf(shell, folders).map(readRcFile);
  const login = ofLogin.find(({ stats }) => stats !== null) ?? ofLogin.at(-1);
  return [first, login === undefined || readsBashrc(textWithoutBlocks(login)) ? undefined : login].filter(
    (file) => file !== undefined,
  );
}

function placesToReport(shell: ShellName, folders: ShellFolders): RcFile[] {
  const wanted = wantedFiles(shell, folders);
  const others = filesOf(shell, folders).filter((path) => wanted.every((file) => file.path !== path));
  return [...wanted, ...others.map(readRcFile).filter((file) => textWithoutBlocks(file) !== textOf(file))];
}

function completionFiles(shell: ShellName, { config, data }: ShellFolders): RcFile[] {
  if (shell === "bash") return [readRcFile(join(data, "bash-completion/completions/session-buddy"))];
  // zsh has no folder of the user's own that it looks into.
  return shell === "fish" ? [readRcFile(join(config, "fish/completions/session-buddy.fish"))] : [];
}

function hookPath(shell: ShellName, { programFolder }: HookOptions): string {
  return join(programFolder, "shell-hooks", `session-buddy.${shell}`);
}

/** The first shell can then write its state file. Where no file may be changed, the home is somebody else's, as under sudo. */
function prepareStateFolder(shells: readonly ShellName[], options: HookOptions): void {
  const planned = installHooks(shells, true, options);
  const isOurs = planned.some(({ kind, action }) => kind === "hook" && action !== "refused");
  if (isOurs) ensurePrivateFolder(options.stateFolder, "state folder");
}

function requireHook(shell: ShellName, options: HookOptions): void {
  const path = hookPath(shell, options);
  hookLine(shell, path);
  if (existsSync(path)) return;
  throw new SessionBuddyError("storage.unavailable", `there is no hook ${path}; install session-buddy again`);
}

function hookState(shell: ShellName, file: RcFile, options: HookOptions): PlaceState {
  const place = { shell, kind: "hook", file: file.path } as const;
  const path = hookPath(shell, options);
  const gone = existsSync(path) ? null : `loads ${path}, which is gone`;
  try {
    const lines = readBlocks(file.bytes).flat();
    const [line = ""] = lines;
    if (lines.length === 0) {
      if (!hasLineByHand(textOf(file), path)) return { ...place, state: "missing", reason: file.issue };
      return { ...place, state: gone === null ? "installed" : "stale", reason: gone ?? "has the line, added by hand" };
    }
    const loaded = lines.length === 1 ? hookPathOf(shell, line) : null;
    if (loaded === path) return { ...place, state: gone === null ? "installed" : "stale", reason: gone };
    if (loaded === null)
      return { ...place, state: "differs", reason: "has other text between the session-buddy markers" };
    const which = existsSync(loaded) ? "of another installation" : "which is gone";
    return { ...place, state: "stale", reason: `loads ${loaded}, ${which}` };
  } catch (error) {
    return { ...place, state: "differs", reason: reasonOf(error) };
  }
}

function completionState(shell: ShellName, file: RcFile, { programFolder }: HookOptions): PlaceState {
  const place = { shell, kind: "completion", file: file.path } as const;
  if (file.bytes === null) return { ...place, state: "missing", reason: file.issue };
  if (textOf(file) === readCompletion(shell, programFolder)) return { ...place, state: "installed", reason: null };
  if (isUntouched(file.bytes)) return { ...place, state: "stale", reason: "is from another version" };
  return { ...place, state: "differs", reason: "was changed by hand or written by another program" };
}

function installHook(shell: ShellName, file: RcFile, isDryRun: boolean, options: HookOptions): PlaceChange {
  const place = { shell, kind: "hook", file: file.path } as const;
  const line = hookLine(shell, hookPath(shell, options));
  try {
    if (readBlocks(file.bytes).length === 0 && hasLineByHand(textOf(file), hookPath(shell, options))) {
      return { ...place, ...nothing, action: "unchanged", reason: "has the line, added by hand" };
    }
    const edit = addBlock(file.bytes, line);
    if (edit === null) return { ...place, ...nothing, action: "unchanged" };
    changeFile(file, edit.bytes, isDryRun);
    return { ...place, action: edit.removed.length > 0 ? "updated" : "added", reason: null, line: null, edit };
  } catch (error) {
    return { ...place, action: "refused", reason: reasonOf(error), line, edit: null };
  }
}

function uninstallHook(shell: ShellName, file: RcFile, isDryRun: boolean, options: HookOptions): PlaceChange[] {
  const place = { shell, kind: "hook", file: file.path } as const;
  try {
    const edit = removeBlocks(file.bytes);
    if (edit !== null) {
      changeFile(file, edit.bytes, isDryRun);
      return [{ ...place, action: "removed", reason: null, line: null, edit }];
    }
    if (!hasLineByHand(textOf(file), hookPath(shell, options))) return [];
    return [{ ...place, ...nothing, action: "refused", reason: "has the line, added by hand; remove it by hand" }];
  } catch (error) {
    return [{ ...place, ...nothing, action: "refused", reason: reasonOf(error) }];
  }
}

function installCompletion(shell: ShellName, file: RcFile, isDryRun: boolean, options: HookOptions): PlaceChange {
  const { state, reason, ...place } = completionState(shell, file, options);
  if (state === "installed") return { ...place, ...nothing, action: "unchanged" };
  if (state === "differs") return { ...place, ...nothing, action: "refused", reason: `${reason}; remove it first` };
  const script = requireCompletion(shell, options.programFolder);
  return { ...place, ...nothing, ...attempt(file, Buffer.from(script), isDryRun) };
}

function uninstallCompletion(shell: ShellName, file: RcFile, isDryRun: boolean, options: HookOptions): PlaceChange[] {
  const { state, reason, ...place } = completionState(shell, file, options);
  if (state === "missing") return [];
  if (state === "differs") return [{ ...place, ...nothing, action: "refused", reason: `${reason}; it stays` }];
  return [{ ...place, ...nothing, ...attempt(file, null, isDryRun) }];
}

const nothing = { reason: null, line: null, edit: null } as const;

function attempt(file: RcFile, bytes: Buffer | null, isDryRun: boolean): Pick<PlaceChange, "action" | "reason"> {
  try {
    changeFile(file, bytes, isDryRun);
    return { action: bytes === null ? "removed" : file.bytes === null ? "added" : "updated", reason: null };
  } catch (error) {
    return { action: "refused", reason: reasonOf(error) };
  }
}

function changeFile(file: RcFile, bytes: Buffer | null, isDryRun: boolean): void {
  if (file.issue !== null) throw new SessionBuddyError("invalid", file.issue);
  if (!isDryRun) writeRcFile(file, bytes);
}

function reasonOf(error: unknown): string {
  if (error instanceof SessionBuddyError) return error.message;
  throw error;
}

function textOf({ bytes }: RcFile): string {
  return bytes?.toString("utf8") ?? "";
}

/** A file with half a block counts as it is; changing it fails with the reason. */
function textWithoutBlocks(file: RcFile): string {
  try {
    const edit = removeBlocks(file.bytes);
    return edit === null ? textOf(file) : (edit.bytes?.toString("utf8") ?? "");
  } catch {
    return textOf(file);
  }
}
