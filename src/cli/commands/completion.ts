/** `session-buddy completion`: prints the script that completes this command line in one shell. */
import { requireCompletion } from "../../install/completion.ts";
import type { ShellName } from "../../install/hook-line.ts";
import { programFolder } from "../../install/program.ts";
import { printText } from "../terminal/print.ts";

export function run(shell: ShellName): void {
  printText(requireCompletion(shell, programFolder()));
}
