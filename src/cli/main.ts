/** Runs the command that was called, and says on standard error what went wrong. */
import { CommanderError } from "@commander-js/extra-typings";
import { exitStatusOf, SessionBuddyError } from "../tracker/errors.ts";
import { escapeControls } from "../wire/escape.ts";
import { createProgram } from "./syntax/program.ts";
import { printMessage } from "./terminal/print.ts";

const usageExitStatus = 2;

// Everything this program makes is for its user alone.
process.umask(0o077);

void main().then(leaveAtOnce);

async function main(): Promise<void> {
  try {
    await createProgram(process.argv[2]).parseAsync();
  } catch (error) {
    process.exitCode = report(error);
  }
}

/**
 * What a start and an end have to say is written, and the store is closed. Node would take its heap apart before it ends,
 * which is for programs that embed it, and takes as long as reading a bundle does.
 */
function leaveAtOnce(): void {
  if (process.argv[2] === "start" || process.argv[2] === "end") process.exit();
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
