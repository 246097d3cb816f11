/** Owns the note of the folders that an installation has made for its files, so that exactly these are taken away again. */
import { lstatSync, readFileSync, renameSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { syncFolder, writtenBeside } from "../../host/whole-file.ts";
import { madeFoldersFile } from "./places.ts";

const worldReadable = { uid: 0, gid: 0, mode: 0o644 };

/** @returns the folders that were made, the outer ones first */
export function madeFolders(): readonly string[] {
  const stats = lstatSync(madeFoldersFile, { throwIfNoEntry: false });
  // Root removes what it names, so it must be root's own.
  if (stats === undefined || !stats.isFile() || stats.uid !== 0) return [];
  try {
    const value: unknown = JSON.parse(readFileSync(madeFoldersFile, "utf8"));
    return Array.isArray(value) ? value.filter((one) => typeof one === "string") : [];
  } catch {
    return [];
  }
}

/** On the disk when this returns. */
export function noteFolder(folder: string): void {
  if (!madeFolders().includes(folder)) write([...madeFolders(), folder]);
}

export function forgetFolder(folder: string): void {
  write(madeFolders().filter((one) => one !== folder));
}

function write(folders: readonly string[]): void {
  if (folders.length === 0) {
    rmSync(madeFoldersFile, { force: true });
    return;
  }
  renameSync(writtenBeside(madeFoldersFile, `${JSON.stringify(folders, null, 2)}\n`, worldReadable), madeFoldersFile);
  syncFolder(dirname(madeFoldersFile));
}
