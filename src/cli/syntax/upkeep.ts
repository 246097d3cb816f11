/** Owns the rows of the command table that keep the record in order. */
import type { Command } from "@commander-js/extra-typings";
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

export function addRestore(program: Command): void {
  describeRestore(program).action(async (file, options) => (await import("../commands/restore.ts")).run(file, options));
}
