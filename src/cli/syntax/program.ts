/** The command table: which commands there are. Each is described in a file beside this one, and loaded when it is called. */
import { Command } from "@commander-js/extra-typings";
import packageJson from "../../../package.json" with { type: "json" };
import { escapeControls } from "../../wire/escape.ts";
import { printMessage, printText } from "../terminal/print.ts";
import { example } from "./arguments.ts";
import { addCurrent, addLast, addList, addShow, addStats, addTimeline, addWatch, addWho, addWhy } from "./ask.ts";
import { addDeliver } from "./deliver.ts";
import { addEnroll, addHost, addUnenroll } from "./hosts.ts";
import { addInstall, addStatus, addUninstall } from "./machine.ts";
import { addEnd, addStart } from "./record.ts";
import { addCompletion, addConfig, addDoctor, addHook, addServe } from "./setup.ts";
import { addToken } from "./token.ts";
import { addBackup, addImport, addMigrate, addPrune, addRebuild, addReconcile, addRestore } from "./upkeep.ts";

const commands: readonly (readonly [name: string, add: (program: Command) => void])[] = [
  ["start", addStart],
  ["end", addEnd],
  ["list", addList],
  ["who", addWho],
  ["last", addLast],
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
  ["restore", addRestore],
  ["import", addImport],
  ["migrate", addMigrate],
  ["deliver", addDeliver],
  ["doctor", addDoctor],
  ["serve", addServe],
  ["token", addToken],
  ["host", addHost],
  ["enroll", addEnroll],
  ["unenroll", addUnenroll],
  ["config", addConfig],
  ["hook", addHook],
  ["install", addInstall],
  ["uninstall", addUninstall],
  ["status", addStatus],
  ["completion", addCompletion],
];

/**
 * A shell waits for nothing, but its machine pays: of a known command the others are not even described.
 *
 * @param name - the command that is called; none, or one that is not known: all commands are described
 */
export function createProgram(name?: string): Command {
  const called = commands.filter(([known]) => known === name);
  const program = new Command("session-buddy")
    .description("Keeps a record of who has or had a shell open, where, since when, and how it ended.")
    .version(packageJson.version)
    .exitOverride()
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError("(use --help to see what is possible)")
    .addHelpText("after", example("session-buddy list --all"))
    .configureOutput({
      writeOut: printText,
      writeErr: printMessage,
      outputError: (text, write) => write(escapeMessage(text)),
    });
  for (const [, add] of called.length > 0 ? called : commands) add(program);
  return program;
}

/** commander repeats what was typed; of the line ends only its own stay: the last, and the one before a suggestion. */
function escapeMessage(text: string): string {
  const [message = "", ...suggestion] = text.trimEnd().split(/\n(?=\(Did you mean [^\n]*\?\)$)/);
  return [message, ...suggestion].map((line) => `${escapeControls(line)}\n`).join("");
}
