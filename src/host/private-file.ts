/** Owns files that hold secrets and keys: who may look into them, and writing one whole or not at all. */
import { linkSync, lstatSync, renameSync, rmSync, type Stats } from "node:fs";
import { dirname } from "node:path";
import { SessionBuddyError } from "../tracker/errors.ts";
import { readRegular } from "./regular-file.ts";
import { follow, shellWord } from "./trusted-path.ts";
import { isAsItWas, syncFolder, writtenBeside } from "./whole-file.ts";

/** A file as it was read. */
export interface PrivateFile {
  readonly path: string;
  readonly bytes: Buffer;
  /** The bytes as UTF-8, which they may not be. */
  readonly text: string;
  readonly stats: Stats;
}

/** What is known of a file before it is read. */
export interface PrivateFileKind {
  /** As a person would say it: `secret file`. */
  readonly kind: string;
  /** The variable or flag that names it. */
  readonly name: string;
  /** Tells by the text whether nobody else may look into it; others may never write there. */
  readonly isSecret: (text: string) => boolean;
  /** Where systemd has put it; none by default. */
  readonly credentialsFolder?: string | undefined;
  /** Whether root may read it for another user, whose file it stays; not by default. */
  readonly isAdministered?: boolean;
}

const othersBits = 0o077;
/** systemd hands a credential over by an access list, which shows as the group's bit, in a folder for the service alone. */
const othersBitsOfCredential = 0o037;
const othersMayWrite = 0o022;

/**
 * Reads a file that may hold a secret.
 *
 * @throws SessionBuddyError `auth.secret` with what to do
 */
export function readPrivateFile(path: string, file: PrivateFileKind): PrivateFile {
  const { kind, name, isSecret, credentialsFolder } = file;
  const isCredential = credentialsFolder !== undefined && dirname(path) === credentialsFolder;
  try {
    if (path === "") throw new Error("it has no name");
    const { bytes, stats } = readRegular(path, file.isAdministered ? friendOf(path) : {});
    requireClosed(stats, othersMayWrite, kind, path);
    const text = bytes.toString("utf8");
    if (isSecret(text)) requireClosed(stats, isCredential ? othersBitsOfCredential : othersBits, kind, path);
    return { path, bytes, text, stats };
  } catch (error) {
    if (error instanceof SessionBuddyError) throw error;
    throw new SessionBuddyError("auth.secret", `${name} cannot be read: ${(error as Error).message}`);
  }
}

/** What root does for a user reaches only what is that user's or root's own. */
function friendOf(path: string): { readonly friend?: number } {
  if (process.geteuid?.() !== 0) return {};
  const friend = lstatSync(path, { throwIfNoEntry: false })?.uid;
  return friend === undefined ? {} : { friend };
}

function requireClosed(stats: Stats, bits: number, kind: string, path: string): void {
  if ((stats.mode & bits) === 0) return;
  throw new SessionBuddyError(
    "auth.secret",
    `the ${kind} ${path} is open to other users; close it with: chmod 600 ${shellWord(path)}`,
  );
}

/**
 * Makes a file for its owner alone, in one step.
 *
 * @throws SessionBuddyError `usage` when there is one already, `storage.unavailable` when it cannot be written
 */
export function createPrivateFile(path: string, text: string): void {
  writing(path, () => {
    requireTrusted(path);
    const temporary = writtenBeside(path, text, null);
    try {
      // Unlike a rename, a link never takes the place of a file that is there.
      linkSync(temporary, path);
    } finally {
      rmSync(temporary, { force: true });
    }
    syncFolder(dirname(path));
  });
}

function requireTrusted(path: string): void {
  const { issue } = follow(path);
  if (issue !== null) throw new Error(`it ${issue.words}; ${issue.remedy}`);
}

/**
 * Gives a file new content in one step; its owner, group and mode stay.
 *
 * @param file - as it was read; somebody else's change since is not overwritten
 * @throws SessionBuddyError `storage.unavailable`
 */
export function replacePrivateFile(file: PrivateFile, text: string): void {
  writing(file.path, () => {
    // A link stays one.
    const { path, issue } = follow(file.path, file.stats.uid);
    if (issue !== null) throw new Error(`it ${issue.words}; ${issue.remedy}`);
    const temporary = writtenBeside(path, text, file.stats);
    try {
      if (!isAsItWas(path, file.stats)) throw new Error("it was changed by another program meanwhile; try again");
      renameSync(temporary, path);
    } catch (error) {
      rmSync(temporary, { force: true });
      throw error;
    }
    syncFolder(dirname(path));
  });
}

function writing(path: string, write: () => void): void {
  try {
    write();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") throw new SessionBuddyError("usage", `${path} is there already; it is left as it was`);
    throw new SessionBuddyError("storage.unavailable", `${path} cannot be written: ${message}`, { cause: error });
  }
}
