/** Owns the rows of the command table about delivery to other records. */
import type { Command } from "@commander-js/extra-typings";
import { example, type OptionsOf } from "./arguments.ts";

const helpOfDeliver = `
A record that was enrolled is delivered by itself: a little after shells start
and end, by a server that runs, and by the timer that enroll made. This command
does it now. After a failure it waits, longer each time; --wait does not, and
tries again until everything that was on record is delivered.
Exit status: 0 done, or waiting for its time; 1 this record is not enrolled;
5 something was not delivered.
`;

function describeNow(deliver: Command) {
  return deliver
    .command("now", { isDefault: true })
    .description("Deliver what came on record since the last time.")
    .option("--wait", "try at once, and until everything is delivered")
    .option("--json", "print a JSON object")
    .addHelpText("after", helpOfDeliver + example("session-buddy deliver --wait"));
}
export type DeliverOptions = OptionsOf<typeof describeNow>;

function describeStatus(deliver: Command) {
  return deliver
    .command("status")
    .description("Show how far delivery has got, what waits, and what was refused or lost; nothing is sent.")
    .option("--json", "print a JSON object")
    .addHelpText("after", example("session-buddy deliver status"));
}
export type DeliverStatusOptions = OptionsOf<typeof describeStatus>;

export function addDeliver(program: Command): void {
  const deliver = program
    .command("deliver")
    .description("Deliver this record to those that it was enrolled at, and show how far that has got.")
    .addHelpText("after", helpOfDeliver + example("session-buddy deliver --wait", "session-buddy deliver status"));
  describeNow(deliver).action(async (options) => (await import("../commands/deliver.ts")).runNow(options));
  describeStatus(deliver).action(async (options) => (await import("../commands/deliver.ts")).runStatus(options));
}
