/** `session-buddy timeline`: who was on when, drawn a line a session or user. */
import { usesUnicode } from "../../config/environment.ts";
import { formatInstant, type Instant, instantFromMs, instantToMs } from "../../tracker/instant.ts";
import { type Line, linesOf, mostRecent } from "../../tracker/timeline.ts";
import { escapeControls } from "../../wire/escape.ts";
import { asOf, type ListedSession, toJsonRow } from "../../wire/view.ts";
import { withQuestions } from "../input/asked-record.ts";
import { toQuery } from "../input/filter.ts";
import type { TimelineOptions } from "../syntax/ask.ts";
import { printJson, printLine, printMessage, terminalHeight, terminalWidth } from "../terminal/print.ts";
import { drawSpans, type Look, looks, type Span } from "../terminal/span.ts";
import { styleHeading } from "../terminal/style.ts";
import { padTo, shorten, widthOf } from "../terminal/width.ts";

const usualWindow = "24h";
/** Columns where no terminal says how many there are. */
const usualWidth = 100;
/** The axis, the legend, the words for what is left out, and the next prompt. */
const linesBeside = 4;
const widestKey = 30;
const widestName = 12;
const gap = "  ";

export async function run(options: TimelineOptions): Promise<void> {
  const now = instantFromMs(Date.now());
  const query = toQuery({ since: usualWindow, until: "now", ...options }, instantToMs(now));
  const { openSince: since = now, openUntil: until = now } = query;
  const { sessions } = await withQuestions(options, (questions) => questions.page(query, null, null));
  const all = linesOf(sessions, options.by);
  const lines = mostRecent(all, options.limit ?? (options.json ? all.length : roomForLines()));
  if (options.json) {
    printJson({
      since: formatInstant(since),
      until: formatInstant(until),
      lines: lines.map(({ key, sessions }) => ({ key, sessions: sessions.map(toJsonRow) })),
    });
  } else if (lines.length === 0) {
    printMessage("No sessions match.\n");
  } else {
    const look = looks[options.ascii || !usesUnicode(process.env) ? "ascii" : "unicode"];
    for (const line of drawing(lines, { since, until, now }, look)) printLine(line);
  }
  if (lines.length < all.length) printMessage(wordsForMore(all.length - lines.length, all.length));
}

/** Where everything is drawn that a terminal has no room for, its axis is out of sight. */
function roomForLines(): number {
  const height = terminalHeight();
  return height === null ? Number.POSITIVE_INFINITY : Math.max(1, height - linesBeside);
}

function wordsForMore(more: number, all: number): string {
  return `${more} more lines are not shown; --limit ${all} shows all of them.\n`;
}

interface Window {
  readonly since: Instant;
  readonly until: Instant;
  readonly now: Instant;
}

function drawing(lines: readonly Line<ListedSession>[], { since, until, now }: Window, look: Look): string[] {
  const keys = labelsOf(lines);
  const keyWidth = keys.reduce((widest, key) => Math.max(widest, widthOf(key)), 0);
  const room = Math.max(1, (terminalWidth() ?? usualWidth) - keyWidth - gap.length);
  const window = { fromMs: instantToMs(since), toMs: instantToMs(until) };
  const rows = lines.map(({ sessions }, at) => {
    const spans = sessions.map((session) => spanOf(session, instantToMs(now)));
    return `${padTo(keys[at] ?? "", keyWidth)}${gap}${drawSpans(spans, window, room, look)}`.trimEnd();
  });
  const axis = `${" ".repeat(keyWidth)}${gap}${axisOf(since, until, room)}`;
  return [
    styleHeading(axis.trimEnd()),
    ...rows,
    `${look.open} open  ${look.unsure} end not known  ${look.goesOn} still open`,
  ];
}

/** A session's id says nothing of whose it is: where there are several users, each line names its own. */
function labelsOf(lines: readonly Line<ListedSession>[]): string[] {
  const keys = lines.map(({ key }) => shorten(escapeControls(key), widestKey));
  const users = lines.map(({ key, sessions: [first] }) => (first?.sessionId === key ? first.username : null));
  if (users.includes(null) || new Set(users).size < 2) return keys;
  const names = users.map((user) => shorten(escapeControls(user ?? ""), widestName));
  const width = Math.max(...names.map(widthOf));
  return keys.map((key, at) => `${padTo(names[at] ?? "", width)}${gap}${key}`);
}

/** Where a shell reported no end, the end lies between the last proof of life and the first proof of death. */
function spanOf(session: ListedSession, nowMs: number): Span {
  const isOpen = session.state === "active";
  // An open one of a record that is silent may have ended since that was heard.
  const sureEnd = session.endedAt ?? session.endedAfter ?? asOf(session);
  const end = session.endedAt ?? session.endedBefore;
  return {
    fromMs: instantToMs(session.startedAt),
    sureUntilMs: sureEnd === null ? nowMs : instantToMs(sureEnd),
    untilMs: end === null ? nowMs : instantToMs(end),
    isOpen,
  };
}

/** Both ends of the window in words, as far as there is room. */
function axisOf(since: Instant, until: Instant, room: number): string {
  const [from, to] = [since, until].map((instant) => `${instant.slice(0, 10)} ${instant.slice(11, 16)}Z`);
  if (from === undefined || to === undefined || room < from.length + to.length + 1) return shorten(from ?? "", room);
  return from + to.padStart(room - from.length);
}
