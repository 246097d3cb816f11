/** The command table. Each command is loaded when it is called. Longer than 250 lines because it is one table. */
import { Argument, Command, CommanderError, InvalidArgumentError, Option } from "commander";
import packageJson from "../package.json" with { type: "json" };
import { printMessage, printText } from "./commands/print.ts";
import { escapeControls } from "./log.ts";
import { exitStatusOf, SessionBuddyError } from "./tracker/errors.ts";

const usageExitStatus = 2;

const commands: readonly (readonly [name: string, add: (program: Command) => void])[] = [
  ["start", addStart],
  ["end", addEnd],
  ["list", addList],
  ["show", addShow],
  ["serve", addServe],
  ["token", addToken],
  ["config", addConfig],
  ["hook", addHook],
  ["doctor", addDoctor],
  ["completion", addCompletion],
];

const shells = ["bash", "zsh", "fish"] as const;
const helpOfInstall = `
Files: ~/.bashrc, and the file that login shells of bash read unless it reads ~/.bashrc; $ZDOTDIR/.zshrc, else ~/.zshrc;
fish/conf.d/session-buddy.fish in $XDG_CONFIG_HOME, else ~/.config. A link, a read-only file, another user's file and
one that another program writes are left alone, and the line to add by hand is printed.
Exit status: 0 every shell loads its hook; 1 a line is left for you to add; 2 no shell was found.
`;
const helpOfStatus = "\nExit status: 0 all is well; 1 no shell has a hook, or one is not as it should be.\n";
const helpOfUninstall = "\nExit status: 0 nothing of ours is left; 1 a file must be changed by hand.\n";

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
  for (const [, add] of described) add(program);
  return program;
}

function addStart(program: Command): void {
  program
    .command("start")
    .description("Record that a shell opened, and print its session id.")
    .option("--component <name>", "letters, digits, _ and -, at most 100 (default: the setting, else shell)")
    .option("--shell-type <type>", "for example bash (default: the command name of the process)")
    .option("--pid <number>", "process id of the shell (default: the caller)", parseInteger)
    .option("--state-file <file>", "bring this state file on record, or make it")
    .addOption(new Option("--written", "the shell made the state file: a missing one is finished").hideHelp())
    .option("--metadata <key=value...>", "data to keep with the session, at most 16 KiB", collectPair)
    .option("--json", "print a JSON object")
    .addHelpText("after", example("session-buddy start --component deploy --metadata ticket=4711"))
    .action(async (options) => (await import("./commands/start.ts")).run(options));
}

function addEnd(program: Command): void {
  program
    .command("end")
    .description("Record that a shell closed.")
    .argument("[session-id]", "the id that start printed")
    .addOption(new Option("--state-file <file>", "end the session of this state file and remove the file"))
    .option("--exit-code <number>", "exit status of the shell", parseInteger)
    .option("--reason <reason>", "exit, logout, hangup, signal, or a word of your own")
    .option("--json", "print a JSON object")
    .addHelpText("after", example("session-buddy end shell-20260206-123456 --exit-code 0 --reason exit"))
    .action(async (id, options) => (await import("./commands/end.ts")).run(id, options));
}

function addList(program: Command): void {
  program
    .command("list")
    .description("List the open sessions, newest first.")
    .option("--all", "ended ones too")
    .option("--json", "print a JSON array")
    .addHelpText("after", example("session-buddy list --all"))
    .action(async (options) => (await import("./commands/list.ts")).run(options));
}

function addShow(program: Command): void {
  program
    .command("show")
    .description("Show everything on record about one session.")
    .argument("<session-id>", "the id that start printed")
    .option("--json", "print a JSON object")
    .addHelpText("after", example("session-buddy show shell-20260206-123456"))
    .action(async (id, options) => (await import("./commands/show.ts")).run(id, options));
}

function addServe(program: Command): void {
  program
    .command("serve")
    .description("Serve the tracker to MCP clients, over HTTP or standard input and output.")
    .addOption(new Option("--host <address>", "address to listen on (default: the setting, else 127.0.0.1)"))
    .addOption(new Option("--port <number>", "port to listen on, 0 for any (default: the setting, else 8678)"))
    .addOption(new Option("--stdio", "speak MCP on standard input and output").conflicts(["host", "port"]))
    .addHelpText("after", example("session-buddy serve --port 8678"))
    .action(async (options) => (await import("./commands/serve.ts")).run(options));
}

function addToken(program: Command): void {
  const token = program
    .command("token")
    .description("Make tokens for clients of a server that has a secret.")
    .addHelpText("after", example("SESSION_BUDDY_SECRET_FILE=~/.session-buddy-secret session-buddy token --ttl 24h"));
  token
    .command("create", { isDefault: true })
    .description("Print a token, signed with SESSION_BUDDY_SECRET or the secret in SESSION_BUDDY_SECRET_FILE.")
    .option("--user-id <name>", "whom the token is for", "admin-shell")
    .option("--ttl <time>", "how long it is valid: 15m, 24h, 7d", "24h")
    .option("--issuer <name>", "who issues it (default: the first accepted issuer)")
    .addHelpText("after", example("session-buddy token create --user-id ci --ttl 15m"))
    .action(async (options) => (await import("./commands/token.ts")).runCreate(options));
  token
    .command("secret")
    .description("Print a good new secret.")
    .addHelpText("after", example("(umask 077; session-buddy token secret > ~/.session-buddy-secret)"))
    .action(async () => (await import("./commands/token.ts")).runSecret());
}

function addConfig(program: Command): void {
  const config = program
    .command("config")
    .description("Read and change the settings.")
    .addHelpText("after", example("session-buddy config set port 8700"));
  config
    .command("get")
    .description("Print one setting, as kept or by default.")
    .argument("<name>")
    .addHelpText("after", example("session-buddy config get port"))
    .action(async (name) => (await import("./commands/config.ts")).runGet(name));
  config
    .command("set")
    .description("Keep a setting.")
    .argument("<name>")
    .argument("<value>")
    .addHelpText("after", example("session-buddy config set component web-admin"))
    .action(async (name, value) => (await import("./commands/config.ts")).runSet(name, value));
  config
    .command("unset")
    .description("Go back to the default of a setting.")
    .argument("<name>")
    .addHelpText("after", example("session-buddy config unset port"))
    .action(async (name) => (await import("./commands/config.ts")).runUnset(name));
  config
    .command("list")
    .description("Print every setting, its value and where it comes from.")
    .option("--json", "print a JSON object")
    .addHelpText("after", example("session-buddy config list"))
    .action(async (options) => (await import("./commands/config.ts")).runList(options));
  config
    .command("path")
    .description("Print where the settings file is.")
    .addHelpText("after", example("session-buddy config path"))
    .action(async () => (await import("./commands/config.ts")).runPath());
}

function addHook(program: Command): void {
  const hook = program
    .command("hook")
    .description("Make your shells keep the record by themselves, or no longer.")
    .addHelpText("after", example("session-buddy hook install"));
  hook
    .command("install")
    .description(
      "Add a line to the startup files of your login shell and of each other shell that has one, or of these.",
    )
    .addArgument(new Argument("[shell...]").choices(shells))
    .option("--dry-run", "show what would change")
    .option("--json", "print a JSON array")
    .addHelpText("after", helpOfInstall + example("session-buddy hook install bash zsh --dry-run"))
    .action(async (names, options) => (await import("./commands/hook.ts")).runInstall(names, options, table()));
  hook
    .command("status")
    .description("Show which startup files load the hook: installed, missing, differs (changed), stale (another hook).")
    .option("--json", "print a JSON array")
    .addHelpText("after", helpOfStatus + example("session-buddy hook status"))
    .action(async (options) => (await import("./commands/hook.ts")).runStatus(options, table()));
  hook
    .command("uninstall")
    .description("Put the startup files of all shells, or of these, back as they were; open shells stay silent.")
    .addArgument(new Argument("[shell...]").choices(shells))
    .option("--dry-run", "show what would change")
    .option("--json", "print a JSON array")
    .addHelpText("after", helpOfUninstall + example("session-buddy hook uninstall"))
    .action(async (names, options) => (await import("./commands/hook.ts")).runUninstall(names, options, table()));
}

function addDoctor(program: Command): void {
  program
    .command("doctor")
    .description("Examine this installation: what is wrong, and what to do about it.")
    .option("--json", "print a JSON array")
    .addHelpText("after", `\nExit status: 1 when something is wrong.\n${example("session-buddy doctor")}`)
    .action(async (options) => (await import("./commands/doctor.ts")).run(options, table()));
}

function addCompletion(program: Command): void {
  program
    .command("completion")
    .description("Print a script that completes this command line; hook install puts it in place for bash and fish.")
    .addArgument(new Argument("<shell>").choices(shells))
    .addHelpText("after", example("session-buddy completion zsh > ~/.zfunc/_session-buddy   # a folder of your $fpath"))
    .action(async (shell) => (await import("./commands/completion.ts")).run(shell, table()));
}

/** The whole command table, whichever command is called. */
function table(): Command {
  return createProgram(commands);
}

function example(line: string): string {
  return `\nExample:\n  $ ${line}`;
}

function parseInteger(text: string): number {
  if (!/^-?\d{1,15}$/.test(text)) throw new InvalidArgumentError("A whole number is needed.");
  return Number(text);
}

function collectPair(pair: string, pairs: Record<string, string> = {}): Record<string, string> {
  const at = pair.indexOf("=");
  if (at < 1) throw new InvalidArgumentError("The form is key=value.");
  return { ...pairs, [pair.slice(0, at)]: pair.slice(at + 1) };
}

/** commander repeats what was typed; of the line ends only its own stay: the last, and the one before a suggestion. */
function escapeMessage(text: string): string {
  const [message = "", ...suggestion] = text.trimEnd().split(/\n(?=\(Did you mean [^\n]*\?\)$)/);
  return [message, ...suggestion].map((line) => `${escapeControls(line)}\n`).join("");
}
