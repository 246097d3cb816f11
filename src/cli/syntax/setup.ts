/** Owns the rows of the command table that set up servers, settings, hooks and completions. */
import { Argument, type Command, Option } from "@commander-js/extra-typings";
import { shellNames } from "../../install/hook-line.ts";
import { clientNames, unitNames } from "../../install/server-names.ts";
import { example, type OptionsOf } from "./arguments.ts";

const helpOfInstall = `
Files: ~/.bashrc, and the file that login shells of bash read, unless that reads
~/.bashrc; $ZDOTDIR/.zshrc, else ~/.zshrc; fish/conf.d/session-buddy.fish in
$XDG_CONFIG_HOME, else ~/.config. A link, a read-only file, a file of another
user and a file that another program writes are left alone; then the line to add
by hand is printed.
Exit status: 0 every shell loads its hook; 1 there is a line for you to add;
2 no shell was found.
`;
const helpOfStatus = "\nExit status: 0 every hook is in order; 1 no shell has a hook, or one is not\nin order.\n";
const helpOfServe = `
--client and --unit start no server. They print what a client or systemd reads,
with the address and the path of this program in it, and say on standard error
where it goes. A client is told to send a token when a secret or keys are set
here; with --stdio it is told to start the server itself.
`;
const helpOfUninstall = "\nExit status: 0 no line of ours is left; 1 a file must be changed by hand.\n";

function describeServe(program: Command) {
  return program
    .command("serve")
    .description("Serve the tracker to MCP clients, over HTTP or standard input and output.")
    .addOption(new Option("--host <address>", "address to listen on (default: the setting, else 127.0.0.1)"))
    .addOption(new Option("--port <number>", "port to listen on, 0 for any (default: the setting, else 8678)"))
    .addOption(
      new Option(
        "--allow-other-users",
        "without a secret, serve every user of this machine, not your own programs alone",
      ),
    )
    .addOption(
      new Option("--spool <directory>", "keep the record of this machine, from the files that shells leave here"),
    )
    .addOption(new Option("--tls-certificate <file>", "PEM file with the certificate to show (default: the setting)"))
    .addOption(new Option("--tls-key <file>", "PEM file with its key (default: the setting; without, plain HTTP)"))
    .addOption(
      new Option("--stdio", "speak MCP on standard input and output").conflicts([
        "host",
        "port",
        "allowOtherUsers",
        "spool",
        "tlsCertificate",
        "tlsKey",
      ]),
    )
    .addOption(
      new Option("--client <name>", "print the settings of this client for such a server").choices(clientNames),
    )
    .addOption(
      new Option("--unit <manager>", "print a unit for systemd that runs such a server")
        .choices(unitNames)
        .conflicts(["client", "stdio"]),
    )
    .addHelpText(
      "after",
      helpOfServe +
        example(
          "session-buddy serve --port 8678",
          "session-buddy serve --host 0.0.0.0 --tls-certificate cert.pem --tls-key key.pem",
          "session-buddy serve --client codex",
          "session-buddy serve --client claude-desktop --stdio",
          "session-buddy serve --unit user > ~/.config/systemd/user/session-buddy.service",
        ),
    );
}
export type ServeOptions = OptionsOf<typeof describeServe>;

export function addServe(program: Command): void {
  describeServe(program).action(async (options) => {
    const isSetUp = options.client !== undefined || options.unit !== undefined;
    return isSetUp
      ? (await import("../commands/serve-setup.ts")).run(options)
      : (await import("../commands/serve.ts")).run(options);
  });
}

function describeConfigList(config: Command) {
  return config
    .command("list")
    .description("Print every setting, its value and where it comes from.")
    .option("--json", "print a JSON object")
    .addHelpText("after", example("session-buddy config list"));
}
export type ConfigListOptions = OptionsOf<typeof describeConfigList>;

export function addConfig(program: Command): void {
  const config = program
    .command("config")
    .description("Read and change the settings.")
    .addHelpText("after", example("session-buddy config set port 8700"));
  config
    .command("get")
    .description("Print one setting: its saved value, or else its default.")
    .argument("<name>")
    .addHelpText("after", example("session-buddy config get port"))
    .action(async (name) => (await import("../commands/config.ts")).runGet(name));
  config
    .command("set")
    .description("Save a setting.")
    .argument("<name>")
    .argument("<value>")
    .addHelpText("after", example("session-buddy config set component web-admin"))
    .action(async (name, value) => (await import("../commands/config.ts")).runSet(name, value));
  config
    .command("unset")
    .description("Reset a setting to its default.")
    .argument("<name>")
    .addHelpText("after", example("session-buddy config unset port"))
    .action(async (name) => (await import("../commands/config.ts")).runUnset(name));
  describeConfigList(config).action(async (options) => (await import("../commands/config.ts")).runList(options));
  config
    .command("path")
    .description("Print where the settings file is.")
    .addHelpText("after", example("session-buddy config path"))
    .action(async () => (await import("../commands/config.ts")).runPath());
}

function describeHookInstall(hook: Command) {
  return hook
    .command("install")
    .description(
      "Add a line to the startup files of your login shell and of every shell that has one, or of the shells named.",
    )
    .addArgument(new Argument("[shell...]").choices(shellNames))
    .option("--system", "the startup files of all users; as root, after 'install --system'")
    .option("--dry-run", "show what would change")
    .option("--json", "print a JSON array")
    .addHelpText("after", helpOfInstall + example("session-buddy hook install bash zsh --dry-run"));
}
export type HookInstallOptions = OptionsOf<typeof describeHookInstall>;

function describeHookStatus(hook: Command) {
  return hook
    .command("status")
    .description(
      "Show which startup files load the hook: installed, missing, differs (changed), stale (another hook); elsewhere: a shell on record has it from another file.",
    )
    .option("--json", "print a JSON array")
    .addHelpText("after", helpOfStatus + example("session-buddy hook status"));
}
export type HookStatusOptions = OptionsOf<typeof describeHookStatus>;

function describeHookUninstall(hook: Command) {
  return hook
    .command("uninstall")
    .description(
      "Remove our lines from the startup files of all shells, or of the shells named; open shells stay silent.",
    )
    .addArgument(new Argument("[shell...]").choices(shellNames))
    .option("--system", "the startup files of all users; as root, after 'install --system'")
    .option("--dry-run", "show what would change")
    .option("--json", "print a JSON array")
    .addHelpText("after", helpOfUninstall + example("session-buddy hook uninstall"));
}
export type HookUninstallOptions = OptionsOf<typeof describeHookUninstall>;

export function addHook(program: Command): void {
  const hook = program
    .command("hook")
    .description("Make your shells record their own sessions, or stop doing so.")
    .addHelpText("after", example("session-buddy hook install"));
  describeHookInstall(hook).action(async (names, options) =>
    (await import("../commands/hook.ts")).runInstall(names, options),
  );
  describeHookStatus(hook).action(async (options) => (await import("../commands/hook.ts")).runStatus(options));
  describeHookUninstall(hook).action(async (names, options) =>
    (await import("../commands/hook.ts")).runUninstall(names, options),
  );
}

function describeDoctor(program: Command) {
  return program
    .command("doctor")
    .description("Check this installation: what is wrong, and what to do about it.")
    .option("--json", "print a JSON array")
    .addHelpText("after", `\nExit status: 1 when something is wrong.\n${example("session-buddy doctor")}`);
}
export type DoctorOptions = OptionsOf<typeof describeDoctor>;

export function addDoctor(program: Command): void {
  describeDoctor(program).action(async (options) => (await import("../commands/doctor.ts")).run(options));
}

export function addCompletion(program: Command): void {
  program
    .command("completion")
    .description("Print a completion script for this command; hook install puts it in place for bash and fish.")
    .addArgument(new Argument("<shell>").choices(shellNames))
    .addHelpText("after", example("session-buddy completion zsh > ~/.zfunc/_session-buddy   # a folder of your $fpath"))
    .action(async (shell) => (await import("../commands/completion.ts")).run(shell));
}
