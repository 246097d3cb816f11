/** Owns the steps that make folders of the machine with their owners and modes, and take them away again. */
import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  rmdirSync,
  type Stats,
} from "node:fs";
import { dirname } from "node:path";
import { follow, mayOthersWrite, shellWord } from "../../host/trusted-path.ts";
import { syncFolder } from "../../host/whole-file.ts";
import { SessionBuddyError } from "../../tracker/errors.ts";
import { type Account, findAccount } from "./account.ts";
import { forgetFolder, madeFolders, noteFolder } from "./made-folders.ts";
import { refused, type Step, unchanged } from "./step.ts";

export interface FolderOptions {
  readonly part: string;
  readonly path: string;
  readonly mode: number;
  readonly owner: "root" | "service";
}

const modeBits = 0o7777;
const rootAccount: Account = { uid: 0, gid: 0 };

/** A folder that is ours: made where it is missing, and set right where its owner or mode is another. */
export function folderStep({ part, path, mode, owner }: FolderOptions): Step {
  return {
    part,
    subject: path,
    isNeeded: true,
    plan() {
      requireTrustedWay(path);
      const stats = lstatSync(path, { throwIfNoEntry: false });
      const digits = mode.toString(8).padStart(4, "0");
      const make = () => makeFolder(path, mode, owner === "root" ? rootAccount : requireAccount());
      if (stats === undefined) return { action: "added", reason: `mode ${digits}`, act: make };
      if (!stats.isDirectory()) return refused("is not a folder", "move it away");
      const account = owner === "root" ? rootAccount : findAccount();
      if (isSo(stats, mode, account)) return unchanged;
      return { action: "updated", reason: `owner and mode ${digits} were different`, act: make };
    },
  };
}

/** The way to it is root's, so that nobody changes what lies at its end meanwhile. */
function makeFolder(path: string, mode: number, { uid, gid }: Account): void {
  if (lstatSync(path, { throwIfNoEntry: false }) === undefined) mkdirSync(path, { mode: 0o700 });
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    const stats = fstatSync(descriptor);
    if (stats.uid !== uid || stats.gid !== gid) fchownSync(descriptor, uid, gid);
    fchmodSync(descriptor, mode);
  } finally {
    closeSync(descriptor);
  }
  syncFolder(dirname(path));
}

function isSo(stats: Stats, mode: number, account: Account | null): boolean {
  return (stats.mode & modeBits) === mode && stats.uid === account?.uid && stats.gid === account.gid;
}

function requireAccount(): Account {
  const account = findAccount();
  if (account !== null) return account;
  throw new SessionBuddyError("storage.unavailable", "cannot be made before the system user of the service");
}

/** @throws SessionBuddyError `storage.unavailable` when somebody else could put something else there */
export function requireTrustedWay(path: string): void {
  const folder = dirname(path);
  const { stats, issue } = follow(folder);
  if (issue !== null) throw new SessionBuddyError("storage.unavailable", `${issue.words}; ${issue.remedy}`);
  if (stats === null) return;
  if (stats.uid !== 0) {
    const words = `lies in ${folder}, which belongs to user id ${stats.uid}`;
    throw new SessionBuddyError(
      "storage.unavailable",
      `${words}; make it root's with: chown root ${shellWord(folder)}`,
    );
  }
  if (mayOthersWrite(stats)) {
    const words = `lies in ${folder}, where other users may write`;
    throw new SessionBuddyError("storage.unavailable", `${words}; close it with: chmod go-w ${shellWord(folder)}`);
  }
}

/** Takes a folder of ours away where nothing is left in it. */
export function removeFolderStep(part: string, path: string): Step {
  return {
    part,
    subject: path,
    plan() {
      const stats = lstatSync(path, { throwIfNoEntry: false });
      if (stats === undefined) return unchanged;
      if (!stats.isDirectory()) return refused("is not a folder", "move it away");
      return { action: "removed", act: () => rmdirSync(path) };
    },
  };
}

/**
 * Makes the folders above a file of ours that a machine may not have, as everybody may read them, and notes which.
 *
 * @param path - of the file
 */
export function makeFoldersAbove(path: string): void {
  const folder = dirname(path);
  if (lstatSync(folder, { throwIfNoEntry: false }) !== undefined) return;
  makeFoldersAbove(folder);
  // Noted before it is there: what is noted and is not there is passed over later.
  noteFolder(folder);
  // Open at once: an interrupted run must not leave one that is closed to the others.
  const mask = process.umask(0o022);
  try {
    mkdirSync(folder);
  } finally {
    process.umask(mask);
  }
  syncFolder(dirname(folder));
}

/** Takes away the folders that {@link makeFoldersAbove} made and in which nothing is left. */
export const removeMadeFoldersStep: Step = {
  part: "folders",
  subject: "that were made for files of ours",
  isQuiet: true,
  plan() {
    const folders = madeFolders().toReversed();
    if (folders.length === 0) return unchanged;
    return { action: "removed", reason: folders.join(", "), act: () => folders.forEach(removeMade) };
  },
};

function removeMade(folder: string): void {
  try {
    rmdirSync(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOTEMPTY" || code === "EEXIST") return;
    if (code !== "ENOENT") throw error;
  }
  forgetFolder(folder);
}
