/** Runs the command that was called, and says on standard error what went wrong. */
import { CommanderError } from "@commander-js/extra-typings";
import { exitStatusOf, SessionBuddyError } from "../tracker/errors.ts";
import { escapeControls } from "../wire/escape.ts";
import { createProgram } from "./syntax/program.ts";
import { printMessage } from "./terminal/print.ts";

const usageExitStatus = 2;

// Everything this program makes is for its user alone.
process.umask(0o077);

void main();

async function main(): Promise<void> {
  try {
    await createProgram(process.argv[2]).parseAsync();
  } catch (error) {
    process.exitCode = report(error);
  }
}

/** Says what went wrong on standard error, on one line. @returns the exit status */
function report(error: unknown): number {
  // commander has printed its own message; help and version are not failures.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : usageExitStatus;
  const message = error instanceof Error ? error.message : String(error);
  const words = error instanceof SessionBuddyError ? message : `internal error, please report it: ${message}`;
  printMessage(`session-buddy: ${escapeControls(words)}\n`);
  return exitStatusOf(error);
}
