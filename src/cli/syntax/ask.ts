/**
 * Owns the rows of the command table that answer questions.
 *
 * Longer than 250 lines because questions share their filters, and the words that explain them.
 */
import { type Command, Option } from "@commander-js/extra-typings";
import { sessionStates } from "../../tracker/fold.ts";
import { statsKeys } from "../../tracker/store.ts";
import { example, type NoneNeeded, type OptionsOf, parseCount, parseFrom } from "./arguments.ts";

const helpOfTimes = `
A time is 2026-02-06T12:34:56Z, 2026-02-06 12:34, 2026-02-06, an age (30m, 2h,
3d, 2w), now, today, yesterday, yesterday 14:00, or 14:00 (today). Without a
zone it is local time, or the time of the zone in TZ. Answers are in UTC.
`;
const helpOfWindow = `
--since and --until ask who was on: they match every session that was open at
any time between them, even if it began earlier or is still open. --at asks who
was on at one time.
`;
const helpOfList = `
Only open sessions are listed, unless --all, --state or a time asks for others.
On a terminal, columns that do not fit are shortened or left out; elsewhere
everything is printed. json, ndjson and csv have the same keys. csv is RFC 4180
with a header line; a cell that a spreadsheet would run as a formula begins
with '. With --limit, 'next: CURSOR' on standard error means that there is more:
pass the cursor to --after, with the same filters.
`;

function addPersonal(command: Command) {
  return command.option("--personal", "ask your own record, even where the machine has one");
}

function addRecord(command: Command) {
  return addPersonal(command).option("--from <url>", "ask the record of the server there (setting from)");
}

/** Which record every question is asked of. */
export type RecordChoice = NoneNeeded<OptionsOf<typeof addRecord>>;

function addPlaces(command: Command) {
  return addRecord(command)
    .option("--user <name>", "only sessions of this user")
    .option("--login-user <name>", "only sessions of this user's logins, also behind sudo or su")
    .option("--host <name>", "only sessions on this host")
    .option("--tty <name>", "only sessions on this terminal, for example pts/8")
    .option("--component <name>", "only sessions of this component");
}

function addFilters(command: Command) {
  return addPlaces(command)
    .addOption(new Option("--state <state...>", "only sessions in these states").choices(sessionStates))
    .option("--since <time>", "open at this time or later")
    .option("--until <time>", "open at this time or earlier")
    .option("--started-since <time>", "started at this time or later")
    .option("--cwd <directory>", "started in this directory or below it");
}

function addFiltersAndTime(command: Command) {
  return addFilters(command).addOption(new Option("--at <time>", "open at this time").conflicts(["since", "until"]));
}

/** The filters that questions take, as they were typed; not every question takes every one. */
export type FilterOptions = NoneNeeded<OptionsOf<typeof addFiltersAndTime>>;

function describeList(program: Command) {
  return addFiltersAndTime(
    program.command("list").description("List the open sessions, newest first; filters select others."),
  )
    .option("--all", "include sessions that have ended")
    .addOption(
      new Option("--tree", "show nested sessions below the one that they were opened in").conflicts(["format", "json"]),
    )
    .option("--limit <number>", "list at most this many", parseCount)
    .option("--after <cursor>", "the page after this cursor")
    .addOption(new Option("--format <format>", "output format").choices(["table", "json", "ndjson", "csv"]))
    .addOption(new Option("--json", "the same as --format json").conflicts("format"))
    .addHelpText(
      "after",
      helpOfWindow +
        helpOfTimes +
        helpOfList +
        example(
          "session-buddy list --all --limit 20",
          "session-buddy list --at 'yesterday 14:00'",
          "session-buddy list --tree --login-user deploy",
          "session-buddy list --user deploy --since 3d --format csv > deploy.csv",
        ),
    );
}
export type ListOptions = OptionsOf<typeof describeList>;

export function addList(program: Command): void {
  describeList(program).action(async (options) => (await import("../commands/list.ts")).run(options));
}

const helpOfPeople = `
LOGIN is who logged in, whoever they became since by sudo, su or doas, as the
kernel keeps it; USER is whom the shell acts as. FROM is recorded only where the
setting remote says so.
`;

function describeWho(program: Command) {
  return addPlaces(
    program.command("who").description("Show who is on now: who logged in, whom the shell acts as, where, since when."),
  )
    .option("--json", "print a JSON array of the same rows as list, the first first")
    .addHelpText(
      "after",
      `${helpOfPeople}IDLE is how long nothing was typed at the terminal, to the minute.\n${example(
        "session-buddy who",
        "session-buddy who --login-user deploy",
      )}`,
    );
}
export type WhoOptions = OptionsOf<typeof describeWho>;

export function addWho(program: Command): void {
  describeWho(program).action(async (options: WhoOptions) => (await import("../commands/list.ts")).run(options, "who"));
}

function describeLast(program: Command) {
  return addFiltersAndTime(
    program.command("last").description("Show who was on: the history, newest first, in the columns of who."),
  )
    .option("--limit <number>", "show at most this many", parseCount)
    .option("--after <cursor>", "the page after this cursor")
    .option("--json", "print a JSON array of the same rows as list")
    .addHelpText(
      "after",
      helpOfPeople +
        helpOfWindow +
        helpOfTimes +
        example("session-buddy last --limit 20", "session-buddy last --since yesterday --user root"),
    );
}
export type LastOptions = OptionsOf<typeof describeLast>;

export function addLast(program: Command): void {
  describeLast(program).action(async (options: LastOptions) =>
    (await import("../commands/list.ts")).run(options, "last"),
  );
}

function describeShow(program: Command) {
  return addRecord(
    program
      .command("show")
      .description("Show everything on record about one session: the record, its process, its events."),
  )
    .argument("<session-id>", "the id that start prints")
    .option("--json", "print a JSON object")
    .addHelpText("after", example("session-buddy show shell-20260206-123456"));
}
export type ShowOptions = OptionsOf<typeof describeShow>;

export function addShow(program: Command): void {
  describeShow(program).action(async (id, options) => (await import("../commands/show.ts")).run(id, options));
}

function describeWhy(program: Command) {
  return addRecord(
    program
      .command("why")
      .description("Explain how the state of a session is known: the proof, its process now, how to check it."),
  )
    .argument("<session-id>", "the id that start prints")
    .option("--json", "print a JSON object")
    .addHelpText("after", example("session-buddy why shell-20260206-123456"));
}
export type WhyOptions = OptionsOf<typeof describeWhy>;

export function addWhy(program: Command): void {
  describeWhy(program).action(async (id, options) => (await import("../commands/why.ts")).run(id, options));
}

function describeCurrent(program: Command) {
  return addPersonal(
    program
      .command("current")
      .description("Print the id of the session of this shell, or of the nearest shell around it."),
  )
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
  return addFiltersAndTime(
    program.command("stats").description("Count sessions: how many, open, orphaned, and how long."),
  )
    .addOption(
      new Option("--by <key>", "what to count by; a day is that of the start, in UTC")
        .choices(statsKeys)
        .default("user"),
    )
    .option("--ascii", "draw the bars with # (default where the locale is not UTF-8)")
    .option("--json", "print a JSON array")
    .addHelpText(
      "after",
      helpOfWindow +
        helpOfTimes +
        "\nMEDIAN and P95 cover the sessions whose length is known; ORPHANED is the share\nof sessions whose end nobody saw.\n" +
        example("session-buddy stats --by day --started-since 14d"),
    );
}
export type StatsOptions = OptionsOf<typeof describeStats>;

export function addStats(program: Command): void {
  describeStats(program).action(async (options) => (await import("../commands/stats.ts")).run(options));
}

function describeTimeline(program: Command) {
  return addFilters(
    program
      .command("timeline")
      .description("Draw who was on when, one line per session or user; by default for the last 24 hours."),
  )
    .addOption(
      new Option("--by <key>", "one line per session or per user").choices(["session", "user"]).default("session"),
    )
    .option(
      "--limit <number>",
      "draw at most this many lines (default: as many as fit the terminal, else all)",
      parseCount,
    )
    .option("--ascii", "draw with = ? > (default where the locale is not UTF-8)")
    .option("--json", "print a JSON object")
    .addHelpText(
      "after",
      helpOfTimes +
        "\nWhen there are more lines, the most recent ones are drawn, and standard error\nsays how many are left out.\n" +
        example("session-buddy timeline --since today --by user"),
    );
}
export type TimelineOptions = OptionsOf<typeof describeTimeline>;

export function addTimeline(program: Command): void {
  describeTimeline(program).action(async (options) => (await import("../commands/timeline.ts")).run(options));
}

function describeWatch(program: Command) {
  return addPersonal(
    program.command("watch").description("Show the open sessions live until Ctrl-C, or print every event as it comes."),
  )
    .option("--user <name>", "only sessions of this user (table)")
    .option("--login-user <name>", "only sessions of this user's logins (table)")
    .option("--host <name>", "only sessions on this host (table)")
    .option("--tty <name>", "only sessions on this terminal (table)")
    .option("--component <name>", "only sessions of this component (table)")
    .addOption(new Option("--format <format>", "output format").choices(["table", "ndjson"]).default("table"))
    .addOption(
      new Option(
        "--from <where>",
        "ndjson: only events after this position, 0 for all (default: new events); a URL: the record of the server there (setting from); may be given twice",
      ).argParser(parseFrom),
    )
    .addHelpText(
      "after",
      "\nEach event has its position as 'seq'; to resume, pass the last one to --from.\n" +
        example("session-buddy watch", "session-buddy watch --format ndjson --from 0"),
    );
}
export type WatchOptions = OptionsOf<typeof describeWatch>;

export function addWatch(program: Command): void {
  describeWatch(program).action(async (options) => (await import("../commands/watch.ts")).run(options));
}
