/** Owns the rows of the command table that install session-buddy for a whole machine, and show how it is installed. */
import type { Command } from "@commander-js/extra-typings";
import { example, type OptionsOf } from "./arguments.ts";

const helpOfInstall = `
As root. It makes the system user session-buddy, a spool that every shell can
drop its file into, a copy of this program in /usr/local/lib/session-buddy that
every user may run, the command /usr/local/bin/session-buddy, a service of
systemd, and a line in the startup files that the shells of all users read.
Where systemd does not run, it prints what to run instead. Each change is a
line, and a second run has nothing to do. To update, run it from a newer
program; shells may stay open.
Exit status: 0 everything is in place; 1 something is left for you to do.
`;
const helpOfUninstall = `
As root. Startup files are as they were, byte for byte. The record, a spool with
files in it, settings and the system user stay unless --purge is given.
Exit status: 0 nothing of ours is left but what is named; 1 something could not
be removed.
`;

function describeInstall(program: Command) {
  return program
    .command("install")
    .description("Install one record for all users of this machine; 'hook install' is for your own shells.")
    .option("--system", "for the whole machine")
    .option("--dry-run", "show what would change")
    .option("--json", "print a JSON array")
    .addHelpText(
      "after",
      helpOfInstall + example("sudo session-buddy install --system --dry-run", "sudo session-buddy install --system"),
    );
}
export type InstallOptions = OptionsOf<typeof describeInstall>;

export function addInstall(program: Command): void {
  describeInstall(program).action(async (options) => (await import("../commands/install.ts")).run(options));
}

function describeUninstall(program: Command) {
  return program
    .command("uninstall")
    .description("Take back what 'install --system' has made; 'hook uninstall' is for your own shells.")
    .option("--system", "for the whole machine")
    .option("--purge", "remove the record of the machine too, with every session in it")
    .option("--dry-run", "show what would change")
    .option("--json", "print a JSON array")
    .addHelpText("after", helpOfUninstall + example("sudo session-buddy uninstall --system"));
}
export type UninstallOptions = OptionsOf<typeof describeUninstall>;

export function addUninstall(program: Command): void {
  describeUninstall(program).action(async (options) => (await import("../commands/uninstall.ts")).run(options));
}

function describeStatus(program: Command) {
  return program
    .command("status")
    .description("Show which records there are, whether the service runs, and which shells have their hook.")
    .option("--json", "print a JSON object")
    .addHelpText("after", `\nIt only looks; 'doctor' says what is wrong.\n${example("session-buddy status")}`);
}
export type StatusOptions = OptionsOf<typeof describeStatus>;

export function addStatus(program: Command): void {
  describeStatus(program).action(async (options) => (await import("../commands/status.ts")).run(options));
}
