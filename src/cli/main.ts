/** The command table: which commands there are. Each is described in `table/` and loaded when it is called. */
import { Command, CommanderError } from "commander";
import packageJson from "../../package.json" with { type: "json" };
import { exitStatusOf, SessionBuddyError } from "../tracker/errors.ts";
import { escapeControls } from "../wire/escape.ts";
import { example } from "./syntax/arguments.ts";
import { addCurrent, addList, addShow, addStats, addTimeline, addWatch, addWhy } from "./syntax/ask.ts";
import { addEnd, addStart } from "./syntax/record.ts";
import { addCompletion, addConfig, addDoctor, addHook, addServe } from "./syntax/setup.ts";
import { addToken } from "./syntax/token.ts";
import { addBackup, addPrune, addRebuild, addReconcile } from "./syntax/upkeep.ts";
import { printMessage, printText } from "./terminal/print.ts";

const usageExitStatus = 2;

const commands: readonly (readonly [name: string, add: (program: Command, table: () => Command) => void])[] = [
  ["start", addStart],
  ["end", addEnd],
  ["list", addList],
  ["show", addShow],
  ["why", addWhy],
  ["current", addCurrent],
  ["stats", addStats],
  ["timeline", addTimeline],
  ["watch", addWatch],
  ["reconcile", addReconcile],
  ["rebuild", addRebuild],
  ["prune", addPrune],
  ["backup", addBackup],
  ["doctor", addDoctor],
  ["serve", addServe],
  ["token", addToken],
  ["config", addConfig],
  ["hook", addHook],
  ["completion", addCompletion],
];

// Everything this program makes is for its user alone.
process.umask(0o077);

void main();

async function main(): Promise<void> {
  try {
    // A shell waits for nothing, but its machine pays: of a known command the others are not even described.
    const called = commands.filter(([name]) => name === process.argv[2]);
    await createProgram(called.length > 0 ? called : commands).parseAsync();
  } catch (error) {
    process.exitCode = report(error);
  }
}

/** Says what went wrong on standard error, on one line. @returns the exit status */
function report(error: unknown): number {
  // commander has printed its own message; help and version are no failures.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : usageExitStatus;
  const message = error instanceof Error ? error.message : String(error);
  const words = error instanceof SessionBuddyError ? message : `internal error, please report it: ${message}`;
  printMessage(`session-buddy: ${escapeControls(words)}\n`);
  return exitStatusOf(error);
}

function createProgram(described: typeof commands): Command {
  const program = new Command("session-buddy")
    .description("Keeps a record of who has or had a shell open, where, since when, and how it ended.")
    .version(packageJson.version)
    .exitOverride()
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError("(add --help for what is possible)")
    .addHelpText("after", example("session-buddy list --all"))
    .configureOutput({
      writeOut: printText,
      writeErr: printMessage,
      outputError: (text, write) => write(escapeMessage(text)),
    });
  for (const [, add] of described) add(program, table);
  return program;
}

/** The whole command table, whichever command is called. */
function table(): Command {
  return createProgram(commands);
}

/** commander repeats what was typed; of the line ends only its own stay: the last, and the one before a suggestion. */
function escapeMessage(text: string): string {
  const [message = "", ...suggestion] = text.trimEnd().split(/\n(?=\(Did you mean [^\n]*\?\)$)/);
  return [message, ...suggestion].map((line) => `${escapeControls(line)}\n`).join("");
}
