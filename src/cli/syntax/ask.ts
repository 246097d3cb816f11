/** Owns the rows of the command table that answer questions. */
import { type Command, Option } from "@commander-js/extra-typings";
import { sessionStates } from "../../tracker/fold.ts";
import { statsKeys } from "../../tracker/store.ts";
import { example, type NoneNeeded, type OptionsOf, parseCount, parsePosition } from "./arguments.ts";

const helpOfMoments = `
A moment is 2026-02-06T12:34:56Z, 2026-02-06 12:34, 2026-02-06, an age (30m, 2h,
3d, 2w), now, today, yesterday, yesterday 14:00, or 14:00 (today). Without a
zone it is of the local zone, or of the one in TZ. Answers are in UTC.
`;
const helpOfWindow = `
--since and --until ask who was on: a session that was open at any time of that
window is in it, also one that began before or goes on. --at asks for one
moment.
`;
const helpOfList = `
The open sessions are listed, unless --all, --state or a moment asks for others.
Columns that do not fit a terminal are shortened or left out; elsewhere
everything is printed. json, ndjson and csv have the same keys. csv is RFC 4180
with a line of titles; a cell that a spreadsheet would run begins with '.
With --limit, 'next: CURSOR' on standard error says that there is more: give
that to --after, with the same filters.
`;

function addFilters(command: Command) {
  return command
    .option("--user <name>", "of this user")
    .option("--host <name>", "of this host")
    .option("--component <name>", "of this component")
    .addOption(new Option("--state <state...>", "of these states").choices(sessionStates))
    .option("--since <moment>", "open at this moment or later")
    .option("--until <moment>", "open at this moment or earlier")
    .option("--started-since <moment>", "started at this moment or later")
    .option("--cwd <directory>", "started in this directory or below it");
}

function addFiltersAndMoment(command: Command) {
  return addFilters(command).addOption(
    new Option("--at <moment>", "open at this moment").conflicts(["since", "until"]),
  );
}

/** The filters that questions take, as they were typed; not every question takes every one. */
export type FilterOptions = NoneNeeded<OptionsOf<typeof addFiltersAndMoment>>;

function describeList(program: Command) {
  return addFiltersAndMoment(
    program.command("list").description("List the open sessions, newest first; filters ask about others."),
  )
    .option("--all", "ended ones too")
    .option("--limit <number>", "at most this many", parseCount)
    .option("--after <cursor>", "the page after the one that told this cursor")
    .addOption(new Option("--format <format>", "how to print").choices(["table", "json", "ndjson", "csv"]))
    .addOption(new Option("--json", "the same as --format json").conflicts("format"))
    .addHelpText(
      "after",
      helpOfWindow +
        helpOfMoments +
        helpOfList +
        example(
          "session-buddy list --all --limit 20",
          "session-buddy list --at 'yesterday 14:00'",
          "session-buddy list --user deploy --since 3d --format csv > deploy.csv",
        ),
    );
}
export type ListOptions = OptionsOf<typeof describeList>;

export function addList(program: Command): void {
  describeList(program).action(async (options) => (await import("../commands/list.ts")).run(options));
}

function describeShow(program: Command) {
  return program
    .command("show")
    .description("Show everything on record about one session: the record, its process, its events.")
    .argument("<session-id>", "the id that start printed")
    .option("--json", "print a JSON object")
    .addHelpText("after", example("session-buddy show shell-20260206-123456"));
}
export type ShowOptions = OptionsOf<typeof describeShow>;

export function addShow(program: Command): void {
  describeShow(program).action(async (id, options) => (await import("../commands/show.ts")).run(id, options));
}

function describeWhy(program: Command) {
  return program
    .command("why")
    .description("Say how the state of a session is known: the proof, a look at its process now, how to check it.")
    .argument("<session-id>", "the id that start printed")
    .option("--json", "print a JSON object")
    .addHelpText("after", example("session-buddy why shell-20260206-123456"));
}
export type WhyOptions = OptionsOf<typeof describeWhy>;

export function addWhy(program: Command): void {
  describeWhy(program).action(async (id, options) => (await import("../commands/why.ts")).run(id, options));
}

function describeCurrent(program: Command) {
  return program
    .command("current")
    .description("Print the id of the session of this shell, or of the nearest shell around it.")
    .option("--json", "print a JSON object")
    .addHelpText(
      "after",
      `\nExit status: 1 when there is none.\n${example('session-buddy show "$(session-buddy current)"')}`,
    );
}
export type CurrentOptions = OptionsOf<typeof describeCurrent>;

export function addCurrent(program: Command): void {
  describeCurrent(program).action(async (options) => (await import("../commands/current.ts")).run(options));
}

function describeStats(program: Command) {
  return addFiltersAndMoment(
    program.command("stats").description("Count sessions: how many, open, orphaned, and how long."),
  )
    .addOption(
      new Option("--by <key>", "what to count by; days are those of the start, in UTC")
        .choices(statsKeys)
        .default("user"),
    )
    .option("--ascii", "draw the bars with # (as where the locale is not UTF-8)")
    .option("--json", "print a JSON array")
    .addHelpText(
      "after",
      helpOfWindow +
        helpOfMoments +
        "\nMEDIAN and P95 are of the sessions whose length is known; ORPHANED is the share of those nobody saw end.\n" +
        example("session-buddy stats --by day --started-since 14d"),
    );
}
export type StatsOptions = OptionsOf<typeof describeStats>;

export function addStats(program: Command): void {
  describeStats(program).action(async (options) => (await import("../commands/stats.ts")).run(options));
}

function describeTimeline(program: Command) {
  return addFilters(
    program.command("timeline").description("Draw who was on when, a line a session or user; the last day."),
  )
    .addOption(new Option("--by <key>", "what has a line of its own").choices(["session", "user"]).default("session"))
    .option("--limit <number>", "at most this many lines (default: what fits the terminal, elsewhere all)", parseCount)
    .option("--ascii", "draw with = ? > (as where the locale is not UTF-8)")
    .option("--json", "print a JSON object")
    .addHelpText(
      "after",
      helpOfMoments +
        "\nOf more lines than that, those of whoever was on last are drawn; standard error says how many are left out.\n" +
        example("session-buddy timeline --since today --by user"),
    );
}
export type TimelineOptions = OptionsOf<typeof describeTimeline>;

export function addTimeline(program: Command): void {
  describeTimeline(program).action(async (options) => (await import("../commands/timeline.ts")).run(options));
}

function describeWatch(program: Command) {
  return program
    .command("watch")
    .description("Show the open sessions and what changes, until Ctrl-C; or print every event as it comes.")
    .option("--user <name>", "of this user (table)")
    .option("--host <name>", "of this host (table)")
    .option("--component <name>", "of this component (table)")
    .addOption(new Option("--format <format>", "how to show").choices(["table", "ndjson"]).default("table"))
    .option("--from <seq>", "ndjson: the events after this position, 0 for all (default: new ones)", parsePosition)
    .addHelpText(
      "after",
      "\nEach event has its position as 'seq'; whoever was interrupted goes on after the last one with --from.\n" +
        example("session-buddy watch", "session-buddy watch --format ndjson --from 0"),
    );
}
export type WatchOptions = OptionsOf<typeof describeWatch>;

export function addWatch(program: Command): void {
  describeWatch(program).action(async (options) => (await import("../commands/watch.ts")).run(options));
}
