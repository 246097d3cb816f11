/** Owns the steps that take the machine's record and its spool away, or leave them and say what is in them. */
import { lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { isMark } from "../../capture/spool-marks.ts";
import { removeTree } from "../../host/remove-tree.ts";
import { findTool } from "../../host/tools.ts";
import { examineBackup } from "../../store/sqlite/backup-content.ts";
import { removeAccountStep } from "./account.ts";
import { removeFolderStep, requireTrustedWay } from "./folders.ts";
import {
  accountName,
  database,
  madeFoldersFile,
  settingsFolder,
  spoolFolder,
  spoolParent,
  stateFolder,
} from "./places.ts";
import { type Plan, refused, type Step, unchanged } from "./step.ts";

/** @param isPurge - whether the record, what waits in the spool, and the user go too */
export function dataSteps(isPurge: boolean): readonly Step[] {
  return [
    dataStep("spool", spoolFolder, isPurge, spoolWords),
    afterData("spool", spoolParent),
    dataStep("record", stateFolder, isPurge, recordWords),
    isPurge ? removeAccountStep : keptAccountStep,
  ];
}

/** After everything else, because our notes are kept there. */
export function settingsStep(isPurge: boolean): Step {
  return dataStep("settings", settingsFolder, isPurge, async () => "there are settings in it");
}

const keptAccountStep: Step = {
  ...removeAccountStep,
  async plan() {
    const plan = await removeAccountStep.plan();
    if (plan.action !== "removed") return plan;
    return kept(
      "files of its may be left",
      `remove it with: ${findTool("userdel") === null ? "deluser" : "userdel"} ${accountName}`,
    );
  },
};

/** @param words - what is in it, as a sentence */
function dataStep(part: string, path: string, isPurge: boolean, words: () => Promise<string>): Step {
  return {
    part,
    subject: path,
    async plan() {
      const stats = lstatSync(path, { throwIfNoEntry: false });
      if (stats === undefined) return unchanged;
      if (!stats.isDirectory()) return refused("is not a folder", "look at it and remove it by hand");
      requireTrustedWay(path);
      if (readdirSync(path).every((name) => isOwnNote(path, name))) {
        return { action: "removed", act: () => removeTree(path) };
      }
      const what = await words();
      if (isPurge) return { action: "removed", reason: what, act: () => removeTree(path) };
      return kept(what, `remove it with: rm -r ${path}`);
    },
  };
}

/** What the installation and its service put there for themselves. */
function isOwnNote(folder: string, name: string): boolean {
  return join(folder, name) === madeFoldersFile || (folder === spoolFolder && isMark(name));
}

/** Where something was left in a folder, the one above it stays too, without a word. */
function afterData(part: string, path: string): Step {
  const step = removeFolderStep(part, path);
  const isLeft = () => lstatSync(spoolFolder, { throwIfNoEntry: false }) !== undefined;
  return { ...step, isQuiet: true, plan: () => (isLeft() ? unchanged : step.plan()) };
}

function kept(reason: string, remedy: string): Plan {
  return { action: "kept", reason, remedy };
}

async function spoolWords(): Promise<string> {
  const count = readdirSync(spoolFolder).filter((name) => !isMark(name)).length;
  return `${count} ${count === 1 ? "file" : "files"} of shells in it`;
}

/** @returns how many sessions would be lost; a record that cannot be read is said to be one */
async function recordWords(): Promise<string> {
  try {
    const { sessions, open } = await examineBackup(database, stateFolder);
    return `${sessions} ${sessions === 1 ? "session" : "sessions"} on record, ${open} of them open`;
  } catch {
    return "what is on record cannot be counted";
  }
}
