/** Owns the rows of the command table that record shells. */
import { type Command, Option } from "@commander-js/extra-typings";
import { collectPair, example, type OptionsOf, parseExitCode, parseInteger } from "./arguments.ts";

function describeStart(program: Command) {
  return program
    .command("start")
    .description("Record that a shell opened, and print its session id.")
    .option("--component <name>", "letters, digits, _ and -, at most 100 (default: the setting, else shell)")
    .option("--shell-type <type>", "for example bash (default: the command name of the process)")
    .option("--pid <number>", "process id of the shell (default: the caller)", parseInteger)
    .option("--cwd <folder>", "working directory of the shell (default: the caller's)")
    .option("--state-file <file>", "record the shell of this state file, or create the file")
    .addOption(
      new Option("--written", "the shell made the state file: a missing file means that the shell is done").hideHelp(),
    )
    .option("--metadata <key=value...>", "data to store with the session, at most 16 KiB", collectPair)
    .option("--json", "print a JSON object")
    .addHelpText("after", example("session-buddy start --component deploy --metadata ticket=4711"));
}
export type StartOptions = OptionsOf<typeof describeStart>;

export function addStart(program: Command): void {
  describeStart(program).action(async (options) => (await import("../commands/start.ts")).run(options));
}

function describeEnd(program: Command) {
  return program
    .command("end")
    .description("Record that a shell closed.")
    .argument("[session-id]", "the id that start prints")
    .addOption(new Option("--state-file <file>", "end the session of this state file and remove the file"))
    .option("--exit-code <number>", "exit status of the shell, 0 to 255", parseExitCode)
    .option("--reason <reason>", "exit, logout, hangup, signal, or a word of your own")
    .option("--force", "record it although the shell is alive; its own word will still win")
    .option("--json", "print a JSON object")
    .addHelpText("after", example("session-buddy end shell-20260206-123456 --exit-code 0 --reason exit"));
}
export type EndOptions = OptionsOf<typeof describeEnd>;

export function addEnd(program: Command): void {
  describeEnd(program).action(async (id, options) => (await import("../commands/end.ts")).run(id, options));
}
