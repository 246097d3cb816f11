/**
 * Owns the steps that copy the program to a place of root's, put a new version in the place of the old one in one step, and
 * remove it. Shells that are open read their hook, and servers their modules, from one whole version at every moment.
 */
import {
  chmodSync,
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  fsyncSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import packageJson from "../../../package.json" with { type: "json" };
import { runTool } from "../../host/tools.ts";
import { syncFolder } from "../../host/whole-file.ts";
import { makeFoldersAbove, requireTrustedWay } from "./folders.ts";
import { targetOf } from "./link.ts";
import { commandLink, programLink } from "./places.ts";
import { digestOf, filesOfVersion, type ProgramFile, programFiles, runtimeName } from "./program-files.ts";
import { type Plan, refused, type Step, unchanged } from "./step.ts";
import { currentFolder, otherFolders, partialOf, userOf, versionsFolder } from "./versions.ts";

export const programStep: Step = {
  part: "program",
  subject: programLink,
  isNeeded: true,
  plan() {
    if (existsSync(versionsFolder)) requireTrustedWay(programLink);
    const files = programFiles();
    const current = currentFolder();
    if (current === null && lstatSync(programLink, { throwIfNoEntry: false }) !== undefined) {
      return refused("is not a link to a version of this program", "move it away");
    }
    const folder = folderFor(digestOf(files), current);
    if (folder === current) return unchanged;
    return {
      action: current === null ? "added" : "updated",
      reason: `version ${basename(folder).replace("session-buddy-", "")}${bringsRuntime(files) ? ", with its Node.js" : ""}`,
      act() {
        makeFoldersAbove(programLink);
        copyTo(folder, files);
        pointLink(programLink, basename(folder));
      },
    };
  },
};

export const commandStep: Step = {
  part: "command",
  subject: commandLink,
  plan() {
    if (existsSync(dirname(commandLink))) requireTrustedWay(commandLink);
    const target = join(programLink, "bin/session-buddy");
    const now = targetOf(commandLink);
    if (now === target) return unchanged;
    if (now !== null) return refused("is not ours", `move it away, or use ${target}`);
    return {
      action: "added",
      reason: `-> ${target}`,
      act() {
        makeFoldersAbove(commandLink);
        symlinkSync(target, commandLink);
        syncFolder(dirname(commandLink));
      },
    };
  },
};

/** Versions that no process uses any more, and what a run that was killed has left. */
export function oldVersionSteps(): readonly Step[] {
  return otherFolders().map((folder) => ({
    part: "old version",
    subject: folder,
    plan() {
      const pid = userOf(folder);
      if (pid !== null) {
        return {
          action: "kept",
          reason: `process ${pid} still uses it`,
          remedy: "the next run removes it",
        } satisfies Plan;
      }
      return { action: "removed", act: () => removeVersion(folder) } satisfies Plan;
    },
  }));
}

export const removeCommandStep: Step = {
  part: "command",
  subject: commandLink,
  plan() {
    const now = targetOf(commandLink);
    if (now === null) return unchanged;
    if (now !== join(programLink, "bin/session-buddy")) return { action: "kept", reason: "is not ours" };
    return {
      action: "removed",
      act: () => rmSync(commandLink),
    };
  },
};

/** Last of all, since it is the program that runs; what is under way then needs no further file of it. */
export const removeProgramStep: Step = {
  part: "program",
  subject: programLink,
  plan() {
    const current = currentFolder();
    const folders = [...otherFolders(), ...(current === null ? [] : [current])];
    if (folders.length === 0) return unchanged;
    return {
      action: "removed",
      reason: folders.map((folder) => basename(folder)).join(", "),
      act() {
        if (current !== null) rmSync(programLink);
        for (const folder of folders) removeVersion(folder);
      },
    };
  },
};

/**
 * A folder of that name that is not what its name says has been damaged, and gives way to another name.
 *
 * @param current - what is installed, which stays where it is what is wanted, whatever its number
 */
function folderFor(digest: string, current: string | null): string {
  const name = join(versionsFolder, `session-buddy-${packageJson.version}-${digest}`);
  const isWhole = (folder: string) => digestOf(filesOfVersion(folder)) === digest;
  if (current?.startsWith(name) && isWhole(current)) return current;
  for (let count = 1; ; count += 1) {
    const folder = count === 1 ? name : `${name}.${count}`;
    if (!existsSync(folder) || isWhole(folder)) return folder;
  }
}

function bringsRuntime(files: readonly ProgramFile[]): boolean {
  return files.some(({ name, source }) => name === runtimeName && source !== null);
}

/** The folder has its name only when all of it is on the disk. */
function copyTo(folder: string, files: readonly ProgramFile[]): void {
  if (existsSync(folder)) return;
  const partial = partialOf(folder);
  rmSync(partial, { recursive: true, force: true });
  const folders = new Set([""]);
  for (const { name } of files) for (let at = dirname(name); at !== "."; at = dirname(at)) folders.add(at);
  for (const name of [...folders].sort()) {
    mkdirSync(join(partial, name));
    chmodSync(join(partial, name), 0o755);
  }
  for (const file of files) copyFile(file, join(partial, file.name));
  for (const name of folders) syncFolder(join(partial, name));
  label(partial, folder);
  renameSync(partial, folder);
  syncFolder(versionsFolder);
}

function copyFile({ name, source, target, isExecutable }: ProgramFile, to: string): void {
  if (source === null) {
    symlinkSync(target ?? "", to);
    return;
  }
  if (name === runtimeName && linkedRuntime(source, to)) return;
  copyFileSync(source, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
  chmodSync(to, isExecutable ? 0o755 : 0o644);
  const descriptor = openSync(to, constants.O_RDONLY);
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Two versions share one Node.js where it is the same: it is by far the largest file. */
function linkedRuntime(source: string, to: string): boolean {
  const current = currentFolder();
  const old = filesOfVersion(current ?? "").find((file) => file.name === runtimeName && file.source !== null);
  if (old?.source == null || current === null) return false;
  const wanted = { name: runtimeName, target: null, isExecutable: true };
  if (digestOf([{ ...wanted, source }]) !== digestOf([{ ...wanted, source: old.source }])) return false;
  linkSync(old.source, to);
  return true;
}

/** Files get the labels of SELinux that their place asks for (restorecon(8)), where there is SELinux. */
function label(partial: string, folder: string): void {
  if (!existsSync("/sys/fs/selinux/enforce")) return;
  // The labels go by the name that the folder will have, which differs in its end alone.
  runTool("restorecon", ["-R", partial]);
  runTool("restorecon", ["-R", folder]);
}

function pointLink(link: string, target: string): void {
  const partial = partialOf(join(dirname(link), target));
  rmSync(partial, { recursive: true, force: true });
  symlinkSync(target, partial);
  renameSync(partial, link);
  syncFolder(dirname(link));
}

/** It loses its name first, so that what a killed run leaves is never taken for a whole version. */
function removeVersion(folder: string): void {
  const partial = partialOf(folder.replace(/\.partial-\d+$/, ""));
  if (folder !== partial) renameSync(folder, partial);
  rmSync(partial, { recursive: true, force: true });
  syncFolder(versionsFolder);
}
