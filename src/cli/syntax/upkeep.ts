/** Owns the rows of the command table that keep the record in order. */
import { type Command, Option } from "@commander-js/extra-typings";
import { example, type OptionsOf } from "./arguments.ts";

function describeReconcile(program: Command) {
  return program
    .command("reconcile")
    .description("Finish what shells left behind; starts, questions and the server also do this.")
    .option("--json", "print a JSON object")
    .addHelpText("after", example("session-buddy reconcile"));
}
export type ReconcileOptions = OptionsOf<typeof describeReconcile>;

export function addReconcile(program: Command): void {
  describeReconcile(program).action(async (options) => (await import("../commands/reconcile.ts")).run(options));
}

function describeRebuild(program: Command) {
  return program
    .command("rebuild")
    .description("Rebuild the record from its events, and repair what differs.")
    .option("--check", "only report what differs")
    .option("--json", "print a JSON object")
    .addHelpText(
      "after",
      `\nExit status: 1 when something differs and was not repaired.\n${example("session-buddy rebuild --check")}`,
    );
}
export type RebuildOptions = OptionsOf<typeof describeRebuild>;

export function addRebuild(program: Command): void {
  describeRebuild(program).action(async (options) => (await import("../commands/rebuild.ts")).run(options));
}

function describePrune(program: Command) {
  return program
    .command("prune")
    .description("Count the sessions that ended long ago, or remove them with --yes; open sessions stay.")
    .requiredOption("--older-than <age>", "ended longer ago than this: 400d, 12w, 36h")
    .option("--yes", "remove them")
    .option("--json", "print a JSON object")
    .addHelpText("after", example("session-buddy prune --older-than 400d"));
}
export type PruneOptions = OptionsOf<typeof describePrune>;

export function addPrune(program: Command): void {
  describePrune(program).action(async (options) => (await import("../commands/prune.ts")).run(options));
}

function describeBackup(program: Command) {
  return program
    .command("backup")
    .description("Copy the record into a new file; shells can keep running.")
    .argument("<file>", "a file that does not exist yet")
    .option("--json", "print a JSON object")
    .addHelpText("after", example("session-buddy backup sessions-copy.db"));
}
export type BackupOptions = OptionsOf<typeof describeBackup>;

export function addBackup(program: Command): void {
  describeBackup(program).action(async (file, options) => (await import("../commands/backup.ts")).run(file, options));
}

function describeRestore(program: Command) {
  return program
    .command("restore")
    .description(
      "Check a backup, or put it in the place of the record with --yes; shells and servers can keep running.",
    )
    .argument("<file>", "a file that 'session-buddy backup' made, or one that a restore kept")
    .option("--yes", "put it in place; what was there is kept beside it")
    .option("--json", "print a JSON object")
    .addHelpText("after", example("session-buddy restore sessions-copy.db"));
}
export type RestoreOptions = OptionsOf<typeof describeRestore>;

const helpOfImport = `
It sends the sessions of your own record that have ended to the record of this
machine, over its socket, and only reads your own. What is there already stays
as it is, so that it can be stopped and run again; sessions that are open stay
behind until they have ended. Each is kept as what you brought: who said it
first is shown, and none of it counts for more than the word of another. What
your record says of other users and other hosts is refused.
Exit status: 0 done; 1 there is no record, or sessions were refused.
`;

function describeImport(program: Command) {
  return program
    .command("import")
    .description("Bring your own record into the record of this machine.")
    .option("--personal", "your own record, as it was kept before the machine had one")
    .option("--user <name>", "as root: the record of this user, read with the rights of that user")
    .option("--dry-run", "show what would be imported")
    .option("--json", "print a JSON object")
    .addOption(new Option("--tell-progress", "a line on standard error for each part that is done").hideHelp())
    .addHelpText(
      "after",
      helpOfImport +
        example("session-buddy import --personal --dry-run", "sudo session-buddy import --personal --user deploy"),
    );
}
export type ImportOptions = OptionsOf<typeof describeImport>;

export function addImport(program: Command): void {
  describeImport(program).action(async (options) => (await import("../commands/import.ts")).run(options));
}

const helpOfMigrate = `
The record that the settings name is copied, position by position, into an empty
PostgreSQL database or a file; 'file' is the one that is used where the setting
store names no database. Both are compared at the end. It can be stopped at any
time and run again; run again later, it brings what came on record since. It
refuses a target that has another record, and changes no setting.
`;

function describeMigrate(program: Command) {
  return program
    .command("migrate")
    .description("Copy the record from its file into a PostgreSQL database, or back; shells can keep running.")
    .requiredOption("--to <place>", "postgres://user@host/name, the path of a file, or file")
    .option("--json", "print a JSON object")
    .addHelpText(
      "after",
      helpOfMigrate +
        example("session-buddy migrate --to postgres://sb@db.example.org/sessions", "session-buddy migrate --to file"),
    );
}
export type MigrateOptions = OptionsOf<typeof describeMigrate>;

export function addMigrate(program: Command): void {
  describeMigrate(program).action(async (options) => (await import("../commands/migrate.ts")).run(options));
}

export function addRestore(program: Command): void {
  describeRestore(program).action(async (file, options) => (await import("../commands/restore.ts")).run(file, options));
}
