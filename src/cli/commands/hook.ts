/** `session-buddy hook`: what makes a person's shells keep the record by themselves. */
import { type ShellName, shellNames } from "../../install/hook-line.ts";
import { bestProofs, findHookedShells, withProofs } from "../../install/hooked-shells.ts";
import {
  hookStates,
  installHooks,
  type PlaceChange,
  type PlaceState,
  uninstallHooks,
  usualShells,
} from "../../install/hooks.ts";
import { machinePlaces } from "../../install/system/hook-steps.ts";
import { installSystemHooks, uninstallSystemHooks } from "../../install/system/install.ts";
import { SessionBuddyError } from "../../tracker/errors.ts";
import { escapeControls } from "../../wire/escape.ts";
import { hookOptions } from "../hook-options.ts";
import type { HookInstallOptions, HookStatusOptions, HookUninstallOptions } from "../syntax/setup.ts";
import { reportChanges } from "../terminal/changes.ts";
import { printWrapped } from "../terminal/columns.ts";
import { printJson, printLine, printMessage } from "../terminal/print.ts";

/** Exit status when something is left for a person to do. */
const leftToDo = 1;

/** The states in which a shell loads its hook. */
const isLoaded: ReadonlySet<PlaceState["state"]> = new Set(["installed", "elsewhere"]);

export async function runInstall(names: readonly ShellName[], options: HookInstallOptions): Promise<void> {
  if (options.system) {
    const isDryRun = options.dryRun ?? false;
    const nothing = "nothing to do: the files that the shells of all users read have their line";
    const changes = await installSystemHooks(unique(names), isDryRun);
    reportChanges(changes, { isDryRun, isJson: options.json ?? false, nothing });
    return;
  }
  const hooks = hookOptions();
  const shells = names.length > 0 ? names : usualShells(hooks.folders);
  if (shells.length === 0) {
    throw new SessionBuddyError(
      "usage",
      `no supported shell was found; name the ones you use: ${shellNames.join(", ")}`,
    );
  }
  const changes = installHooks(unique(shells), options.dryRun ?? false, hooks);
  report(changes, options);
  if (options.json || !shells.includes("zsh")) return;
  printLine(
    "zsh completion: save the output of 'session-buddy completion zsh' as _session-buddy in a folder of your $fpath",
  );
}

export async function runUninstall(names: readonly ShellName[], options: HookUninstallOptions): Promise<void> {
  if (options.system) {
    const isDryRun = options.dryRun ?? false;
    const nothing = "nothing to remove: no file that the shells of all users read has our line";
    const changes = await uninstallSystemHooks(unique(names), isDryRun);
    reportChanges(changes, { isDryRun, isJson: options.json ?? false, nothing });
    return;
  }
  const shells: readonly ShellName[] = names.length > 0 ? names : shellNames;
  const changes = uninstallHooks(unique(shells), options.dryRun ?? false, hookOptions());
  report(changes, options);
  if (changes.length === 0 && !options.json)
    printLine("nothing to remove: no file of these shells mentions session-buddy");
}

export async function runStatus(options: HookStatusOptions): Promise<void> {
  const proofs = bestProofs(await findHookedShells(process.env, process.ppid));
  const machine = machinePlaces();
  const states = withProofs([...hookStates(hookOptions()), ...machine], proofs);
  const hooks = states.filter(({ kind }) => kind === "hook");
  const hasHook = (name: ShellName) => hooks.some(({ shell, state }) => shell === name && state !== "missing");
  const isOfMachine = (name: ShellName) => machine.some(({ shell }) => shell === name);
  // A shell without any hook is one that the user does not want recorded; one of the machine needs no file of the user's.
  const wanted = hooks.filter(({ shell, state }) => state !== "missing" || (hasHook(shell) && !isOfMachine(shell)));
  if (wanted.length === 0 || wanted.some(({ state }) => !isLoaded.has(state))) process.exitCode = leftToDo;
  if (options.json) {
    printJson(states.map(({ shell, kind, file, state, reason }) => ({ shell, kind, file, state, reason })));
    return;
  }
  const rows = states.map(({ shell, kind, file, state, reason }) => [shell, kind, state, file, reason ?? ""]);
  printWrapped([["SHELL", "PART", "STATE", "FILE", ""], ...rows]);
}

function report(changes: readonly PlaceChange[], options: HookInstallOptions | HookUninstallOptions): void {
  if (changes.some(({ action }) => action === "refused")) process.exitCode = leftToDo;
  if (options.json) printJson(changes.map(toJson));
  else for (const change of changes) printChange(change, options.dryRun ?? false);
}

function toJson({ shell, kind, file, action, reason, line }: PlaceChange) {
  return { shell, kind, file, action, reason, line };
}

function printChange({ shell, kind, file, action, reason, line, edit }: PlaceChange, isDryRun: boolean): void {
  if (action === "refused") {
    const todo = line === null ? "" : "; add this line by hand:";
    printMessage(`session-buddy: ${escapeControls(`${file} ${reason}`)}${todo}\n`);
    if (line !== null) printLine(escapeControls(line));
    return;
  }
  const verb =
    action === "unchanged" ? (reason ?? "is already up to date") : `${isDryRun ? "would be" : "was"} ${action}`;
  const at = edit === null ? "" : ` at line ${edit.line}`;
  printLine(escapeControls(`${shell} ${kind}: ${file}: ${verb}${at}`));
  for (const text of edit?.removed ?? []) printLine(escapeControls(`  - ${text}`));
  for (const text of edit?.added ?? []) printLine(escapeControls(`  + ${text}`));
}

function unique<T>(values: readonly T[]): T[] {
  return [...new Set(values)];
}
