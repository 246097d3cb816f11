/** Owns the completion scripts that the build put beside the program: where they are and what they say. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { SessionBuddyError } from "../tracker/errors.ts";
import type { ShellName } from "./hook-line.ts";

/**
 * @param programFolder - folder of `bin`, `dist` and `shell-hooks`
 * @returns the script of one shell with its stamp; null when this installation has none
 */
export function readCompletion(shell: ShellName, programFolder: string): string | null {
  try {
    return readFileSync(pathOf(shell, programFolder), "utf8");
  } catch {
    return null;
  }
}

/** @throws SessionBuddyError `storage.unavailable` when this installation has no script for the shell */
export function requireCompletion(shell: ShellName, programFolder: string): string {
  const script = readCompletion(shell, programFolder);
  if (script !== null) return script;
  const words = `cannot read ${pathOf(shell, programFolder)}; install session-buddy again`;
  throw new SessionBuddyError("storage.unavailable", words);
}

function pathOf(shell: ShellName, programFolder: string): string {
  return join(programFolder, "dist/completions", `session-buddy.${shell}`);
}
