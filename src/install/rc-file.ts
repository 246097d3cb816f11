/** Owns reading and writing startup files, a person's or the machine's: which may be changed, and changing one whole. */
import {
  accessSync,
  constants,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  unlinkSync,
} from "node:fs";
import { dirname } from "node:path";
import { runTool } from "../host/tools.ts";
import { isTrustedOwner } from "../host/trusted-path.ts";
import { isAsItWas, type Ownership, syncFolder, writtenBeside } from "../host/whole-file.ts";
import { SessionBuddyError } from "../tracker/errors.ts";

/** A startup file as it was read. */
export interface RcFile {
  readonly path: string;
  /** What it holds, through a symbolic link too; null when there is none, or it cannot be read. */
  readonly bytes: Buffer | null;
  /** Why it must not be changed, as the rest of a sentence; null when it may be. */
  readonly issue: string | null;
  readonly stats: Stats | null;
  /** Whose and how open a new one is; null for its maker alone. */
  readonly fresh: Ownership | null;
}

/** Whose startup files they are: the user's who asks, or the machine's, which only root changes. */
type RcScope = "own" | "machine";

const worldReadable: Ownership = { uid: 0, gid: 0, mode: 0o644 };

const ownerMayWrite = 0o200;
const nixStore = /^\/nix\/store\//;
/** What programs that write startup files put at their top. */
const managedHead =
  /^\s*#.*(?:do not edit|home-manager|ansible managed|(?:generated|managed) by (?:nix|home.?manager|chezmoi|ansible|puppet|chef|salt))/im;
const headLines = 5;

/** Reads one of the caller's own files. */
export function readRcFile(path: string): RcFile {
  return { path, ...lookedAt(path, "own"), fresh: null };
}

/** Reads one of the files that the shells of all users read; whether root may write to it is not asked. */
export function readMachineRcFile(path: string): RcFile {
  return { path, ...lookedAt(path, "machine"), fresh: worldReadable };
}

function lookedAt(path: string, scope: RcScope): Pick<RcFile, "bytes" | "issue" | "stats"> {
  let stats: Stats | null = null;
  try {
    stats = lstatSync(path, { throwIfNoEntry: false }) ?? null;
    if (stats === null) return { bytes: null, issue: issueOfFolder(path), stats };
    // What another user wrote there, or where its link leads, is not read.
    const bytes = isTrustedOwner(stats.uid) && statSync(path).isFile() ? readFileSync(path) : null;
    return { bytes, issue: issueOf(path, stats, bytes, scope), stats };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOTDIR") return { bytes: null, issue: issueOfFolder(path), stats };
    const issue = stats?.isSymbolicLink() ? "is a symbolic link" : `cannot be read: ${(error as Error).message}`;
    return { bytes: null, issue, stats };
  }
}

function issueOf(path: string, stats: Stats, bytes: Buffer | null, scope: RcScope): string | null {
  if (nixStore.test(realpathSync(path))) return "is managed by Nix";
  if (stats.isSymbolicLink()) return "is a symbolic link";
  const uid = process.geteuid?.();
  if (uid !== undefined && stats.uid !== uid) return `belongs to user id ${stats.uid}, not to ${uid}`;
  if (bytes === null) return "is not a regular file";
  if (stats.nlink > 1) return "is a hard link, and would lose its other names";
  // A system may ship its files read-only, as macOS does, and root may write to them.
  if (scope === "own" && (stats.mode & ownerMayWrite) === 0) return "is read-only";
  if (scope === "own" && !isWritable(path)) return "is read-only";
  if (scope === "own" && !isWritable(dirname(path))) return "is in a folder that cannot be written";
  const head = bytes.toString("latin1").split("\n", headLines).join("\n");
  return managedHead.test(head) ? "is written by another program, as its first lines say" : null;
}

/** A file is made only where its folder, or the nearest one there is, is the user's own. */
function issueOfFolder(path: string): string | null {
  let folder = dirname(path);
  while (!existsSync(folder) && folder !== dirname(folder)) folder = dirname(folder);
  const stats = statSync(folder);
  if (!stats.isDirectory()) return `cannot be made: ${folder} is not a folder`;
  const uid = process.geteuid?.();
  if (uid !== undefined && stats.uid !== uid) return `cannot be made: ${folder} belongs to user id ${stats.uid}`;
  return isWritable(folder) ? null : `cannot be made: ${folder} cannot be written`;
}

/**
 * Gives a file new content in one step, or removes it; mode, owner, group and attributes stay.
 *
 * @param file - as it was read; somebody else's change since is not overwritten
 * @throws SessionBuddyError `storage.unavailable`, its sentence the rest of one that begins with the file
 */
export function writeRcFile(file: RcFile, bytes: Buffer | null): void {
  try {
    if (bytes === null) remove(file);
    else replace(file, bytes);
  } catch (error) {
    if (error instanceof SessionBuddyError) throw error;
    throw new SessionBuddyError("storage.unavailable", `cannot be written: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

function replace(file: RcFile, bytes: Buffer): void {
  const folder = dirname(file.path);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const temporary = writtenBeside(file.path, bytes, file.stats ?? file.fresh);
  try {
    if (file.stats !== null) keepAttributes(file.path, temporary);
    requireUnchanged(file);
    renameSync(temporary, file.path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  syncFolder(folder);
}

/**
 * An administrator may have given a file more than owner and mode: an access control list, extended attributes, a label of
 * SELinux. The cp of GNU alone knows them; where there is another one, or the file system has none, they are not kept.
 */
function keepAttributes(from: string, to: string): void {
  const kept = existsSync("/sys/fs/selinux/enforce") ? "mode,ownership,xattr,context" : "mode,ownership,xattr";
  runTool("cp", ["--attributes-only", `--preserve=${kept}`, "--", from, to]);
}

function remove(file: RcFile): void {
  requireUnchanged(file);
  unlinkSync(file.path);
}

function requireUnchanged({ path, stats }: RcFile): void {
  if (isAsItWas(path, stats)) return;
  throw new SessionBuddyError("storage.unavailable", "was changed by another program meanwhile; try again");
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
