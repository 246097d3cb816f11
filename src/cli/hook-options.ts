/** Owns what the hook and doctor commands look at: the folders of the caller's shells, and this installation. */
import { resolvePaths, resolveShellFolders } from "../config/paths.ts";
import type { HookOptions } from "../install/hooks.ts";
import { programFolder } from "../install/program.ts";

export function hookOptions(): HookOptions {
  return {
    folders: resolveShellFolders(process.env),
    stateFolder: resolvePaths(process.env).stateFolder,
    programFolder: programFolder(),
  };
}
