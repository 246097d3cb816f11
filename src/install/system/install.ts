/** Composes the installation for the whole machine from its steps, in the order in which they may be interrupted. */
import { SessionBuddyError } from "../../tracker/errors.ts";
import { type ShellName, shellNames } from "../hook-line.ts";
import { programPath } from "../program.ts";
import { accountStep } from "./account.ts";
import { completionSteps, removeCompletionSteps } from "./completion-steps.ts";
import { dataSteps, settingsStep } from "./data-steps.ts";
import { folderStep, removeMadeFoldersStep } from "./folders.ts";
import { hookSteps, removeHookSteps } from "./hook-steps.ts";
import { leftoverStep } from "./leftovers.ts";
import { programLink, settingsFolder, spoolFolder, spoolMode, spoolParent, stateFolder } from "./places.ts";
import { commandStep, oldVersionSteps, programStep, removeCommandStep, removeProgramStep } from "./program-steps.ts";
import { removeServiceSteps, serviceSteps } from "./service-steps.ts";
import { type Change, takeSteps } from "./step.ts";
import { currentFolder } from "./versions.ts";

/**
 * Puts in place what is missing. The hook lines come last: a shell that reads one finds a spool and a program.
 *
 * @throws SessionBuddyError `usage` when the caller is not root
 */
export async function installSystem(isDryRun: boolean): Promise<readonly Change[]> {
  requireRoot("install --system");
  const folders = [
    folderStep({ part: "settings", path: settingsFolder, mode: 0o755, owner: "root" }),
    folderStep({ part: "record", path: stateFolder, mode: 0o700, owner: "service" }),
    folderStep({ part: "spool", path: spoolParent, mode: 0o755, owner: "root" }),
    folderStep({ part: "spool", path: spoolFolder, mode: spoolMode, owner: "service" }),
  ];
  const program = [programStep, commandStep, ...completionSteps()];
  const steps = [leftoverStep, accountStep, ...folders, ...program, ...serviceSteps(), ...hookSteps()];
  const changes = await takeSteps(steps, isDryRun);
  if (changes.some(({ action, part }) => action === "refused" && part === programStep.part)) return changes;
  // Which versions are old is known when the new one is in place and the service runs it.
  return [...changes, ...(await takeSteps(oldVersionSteps(), isDryRun))];
}

/**
 * Takes back what an installation has made, in the opposite order.
 *
 * @param isPurge - whether the record goes too
 * @throws SessionBuddyError `usage` when the caller is not root
 */
export async function uninstallSystem(isPurge: boolean, isDryRun: boolean): Promise<readonly Change[]> {
  requireRoot("uninstall --system");
  const steps = [
    leftoverStep,
    ...removeHookSteps(shellNames),
    ...removeServiceSteps(),
    ...removeCompletionSteps(),
    removeCommandStep,
    ...dataSteps(isPurge),
    removeProgramStep,
    removeMadeFoldersStep,
    settingsStep(isPurge),
  ];
  return takeSteps(steps, isDryRun);
}

/**
 * The hook lines alone.
 *
 * @param shells - those that are on this machine when none is named
 * @throws SessionBuddyError `usage` when the caller is not root, `invalid` when there is no program that all users may run
 */
export async function installSystemHooks(shells: readonly ShellName[], isDryRun: boolean): Promise<readonly Change[]> {
  requireRoot("hook install --system");
  if (currentFolder() === null) {
    throw new SessionBuddyError("invalid", `there is no program in ${programLink}; run 'install --system' first`);
  }
  return takeSteps([leftoverStep, ...(shells.length > 0 ? hookSteps(shells) : hookSteps())], isDryRun);
}

/** @throws SessionBuddyError `usage` when the caller is not root */
export async function uninstallSystemHooks(
  shells: readonly ShellName[],
  isDryRun: boolean,
): Promise<readonly Change[]> {
  requireRoot("hook uninstall --system");
  const steps = removeHookSteps(shells.length > 0 ? shells : shellNames);
  return takeSteps([leftoverStep, ...steps, removeMadeFoldersStep], isDryRun);
}

function requireRoot(command: string): void {
  if (process.geteuid?.() === 0) return;
  throw new SessionBuddyError(
    "usage",
    `'${command}' is for the whole machine, which only root may change; run: sudo ${programPath()} ${command}`,
  );
}
