/** `session-buddy why`: how the state of a session is known, and how to check it again. */
import { strongestRank } from "../../tracker/fold.ts";
import type { ExplanationRow } from "../../wire/view.ts";
import { noSession } from "../context.ts";
import { withQuestions } from "../input/asked-record.ts";
import type { WhyOptions } from "../syntax/ask.ts";
import { printWrapped, toCell } from "../terminal/columns.ts";
import { printJson, printLine, terminalWidth } from "../terminal/print.ts";
import { withNames } from "../terminal/style.ts";
import { type Column, drawTable } from "../terminal/table.ts";

type Probe = ExplanationRow["probes"][number];
type Circumstance = ExplanationRow["circumstances"][number];

/** What a state means, and who could say better; of an ended session by who told its end. */
function meaningOf({ state, ended_by, rank }: ExplanationRow): string {
  if (rank === strongestRank) return "the shell itself reported its end; no proof is stronger";
  if (state === "ended")
    return `${wordsForTeller(ended_by)} told the end, not the shell; the shell's own word would still win`;
  return meanings[state];
}

const meanings: Readonly<Record<Exclude<ExplanationRow["state"], "ended">, string>> = {
  replaced:
    "the process runs another program now, which is how the shell ended (exec); a report by the shell would still take precedence",
  orphaned:
    "the shell never reported its end, but its process is proven dead; a report by the shell would still take precedence",
  active: "no end is on record, and nothing proves that the process is gone",
};

const tellers: ReadonlyMap<string | null, string> = new Map([
  ["client", "a client"],
  ["command", "a command"],
  ["import", "another record"],
]);

function wordsForTeller(teller: ExplanationRow["ended_by"]): string {
  return tellers.get(teller) ?? "someone, by whom was not recorded then,";
}

/** What a look at the process says, in words. */
const reasons: ReadonlyMap<string, string> = new Map([
  ["pid_gone", "no process has this pid any more"],
  ["pid_reused", "another process has this pid now: its start time differs"],
  ["executable_replaced", "the process runs another program now (exec)"],
  ["executable_uncertain", "the process is there, but its name or the file that it runs has changed"],
  ["rebooted", "the machine has been restarted since"],
  ["other_host", "it ran on another host; only that host can tell"],
  ["other_namespace", "it ran in another pid namespace, where this pid means another process"],
  ["not_identified", "its process was never identified"],
  ["not_permitted", "this user may not look at it"],
  ["other_record", "another record delivered it; only that one can look at it"],
]);

export async function run(sessionId: string, options: WhyOptions): Promise<void> {
  const row = await withQuestions(options, (questions) => questions.explain(sessionId));
  if (row === null) throw noSession(sessionId);
  if (options.json) return printJson(row);
  printWrapped(toLines(row), withNames);
  printCircumstances(row.circumstances);
  if (row.probes.length === 0) return;
  printLine("");
  for (const line of drawTable(columns, row.probes, terminalWidth())) printLine(line);
  printChecks(row.probes);
}

function toLines(row: ExplanationRow): string[][] {
  const deciding = row.events.find((event) => event.event_id === row.deciding_event_id);
  return [
    ["session", row.session_id],
    ["state", `${row.state}, rank ${row.rank} of ${strongestRank}: ${meaningOf(row)}`],
    ...(row.origin === null ? [] : [["origin", wordsForOrigin(row.origin)]]),
    ...(row.as_of === null ? [] : [["open as of", `${row.as_of}, when that record was last heard`]]),
    ["decided by", `event ${row.deciding_event_id} (${deciding?.kind ?? "unknown"})`],
    ...(row.end_reason === null ? [] : [["end reason", wordsFor(row.end_reason)]]),
    ...(row.ended_before === null ? [] : [["end", `after ${row.ended_after}, by ${row.ended_before}`]]),
    ...(row.duration_basis === null ? [] : [["duration by", row.duration_basis]]),
    ...(row.owner_uid === null ? [] : [["owner", wordsForOwner(row)]]),
    ["process now", wordsForNow(row.process_now)],
    ...row.events.map((event) => [
      "event",
      `${event.event_id}  ${event.kind}, told by ${wordsForSource(event)}, recorded ${event.recorded_at}`,
    ]),
  ];
}

/** All that is said of the session is the word of that record. */
function wordsForOrigin({ id, name, session_id }: NonNullable<ExplanationRow["origin"]>): string {
  return `delivered by ${name ?? "a record"} (${id}), where it is ${session_id}; what follows is that record's word`;
}

/** Of a shell in the machine's record: nothing that it said itself. */
function wordsForOwner({ owner_uid, verified, probes, events }: ExplanationRow): string {
  if (events.some(({ kind, source }) => kind === "start" && source?.kind === "import"))
    return `user id ${owner_uid}, who brought it from another record; not verified: nothing of it was seen here`;
  const isSeen = probes.some(({ name, recorded }) => name === "exe_id" && recorded !== null);
  const compared = isSeen
    ? ""
    : "; its program is told by its name (comm) alone, because its file may not be looked at";
  return verified
    ? `user id ${owner_uid}, by its state file; verified: its process acted as that user${compared}`
    : `user id ${owner_uid}, by its state file; not verified: its process had gone, or could not be looked at`;
}

function wordsForSource({ source, caller }: Pick<ExplanationRow["events"][number], "source" | "caller">): string {
  if (source === null) return "whom was not recorded then";
  if (source.kind === "hook") return "the shell";
  if (source.kind === "kernel") return "a look at the process";
  if (source.kind === "client") return caller === null ? "a client" : `the client ${caller}`;
  if (source.kind === "import")
    return `another record, brought by uid ${source.uid}; there by ${wordsForOriginal(source)}`;
  return `a command of ${source.uid === null ? "an unknown user" : `uid ${source.uid}`}, run by process ${source.pid}`;
}

function wordsForOriginal({ original }: NonNullable<ExplanationRow["events"][number]["source"]>): string {
  if (original === null || original.kind === null) return "whom it does not say";
  const { kind, uid, pid, caller, recorded_at } = original;
  return `${wordsForSource({ source: { kind, uid, pid, original: null }, caller })}, at ${recorded_at}`;
}

function wordsForNow({ state, reason }: ExplanationRow["process_now"]): string {
  return reason === null ? state : `${state}: ${wordsFor(reason)}`;
}

function wordsFor(reason: string): string {
  const words = reasons.get(reason);
  return words === undefined ? reason : `${reason}, ${words}`;
}

const columns: readonly Column<Probe>[] = [
  { title: "PROBE", text: (probe) => probe.name, importance: 4 },
  { title: "RECORDED", text: (probe) => toCell(probe.recorded), least: 12, importance: 1 },
  { title: "NOW", text: toNow, least: 12, importance: 2 },
  { title: "OUTCOME", text: (probe) => probe.outcome, importance: 3 },
];

/** What is known of where the shell was opened, who says so, and what that is worth. */
function printCircumstances(circumstances: readonly Circumstance[]): void {
  if (circumstances.length === 0) return;
  printLine("");
  for (const line of drawTable(circumstanceColumns, circumstances, terminalWidth())) printLine(line);
  const worths = new Set(circumstances.map(({ worth }) => worth));
  printWrapped(Object.entries(meaningOfWorth).filter(([worth]) => worths.has(worth as Circumstance["worth"])));
}

const circumstanceColumns: readonly Column<Circumstance>[] = [
  { title: "CIRCUMSTANCE", text: ({ name }) => name, importance: 4 },
  { title: "VALUE", text: ({ value }) => String(value), least: 12, importance: 3 },
  { title: "TOLD BY", text: ({ source }) => tellersOfCircumstances[source], importance: 1 },
  { title: "WORTH", text: ({ worth }) => worth, importance: 2 },
];

const tellersOfCircumstances: Readonly<Record<Circumstance["source"], string>> = {
  kernel: "the kernel",
  hook: "the shell",
  command: "the command",
  import: "another record",
};

const meaningOfWorth: Readonly<Record<Circumstance["worth"], string>> = {
  reliable: "asked of the kernel by this program; no user can change it",
  good: "found by the marks that containers leave",
  claim: "taken from the environment, where whoever opened the shell may write what they like",
};

/** Below the table and never shortened: they are made to be copied. */
function printChecks(probes: readonly Probe[]): void {
  const checks = probes.flatMap(({ command }) => (command === null ? [] : [command]));
  if (checks.length === 0) return;
  printLine("\nTo check it again:");
  for (const command of checks) printLine(`  ${command}`);
}

/** What was seen, never what is on record. */
function toNow({ name, seen, outcome }: Probe): string {
  if (name !== "pid" || outcome !== "gone") return toCell(seen);
  return seen === null ? "no such process" : `${seen}, has ended`;
}
