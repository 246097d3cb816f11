/** Owns how a session looks as a line of `who` and `last`: the person who logged in first, then whom it acts as. */
import { type Instant, instantFromMs } from "../../tracker/instant.ts";
import type { ListedSession } from "../../wire/view.ts";
import { formatLength } from "../input/moment.ts";
import { addressOf, asOfColumn, briefly, endOf, exitOf, hostOf, toSeconds } from "./session-columns.ts";
import type { Column } from "./table.ts";

const minuteMs = 60_000;

/** @param nowMs - where room is scarce, days of this year are shown without the year */
export function whoColumns(nowMs: number): readonly Column<ListedSession>[] {
  return [
    ...personColumns(nowMs),
    asOfColumn(nowMs),
    { title: "IDLE", text: idleOf, align: "right", importance: 7 },
    ...placeColumns,
  ];
}

/** The same of those who were on, with their end in place of what is seen of them now. */
export function lastColumns(nowMs: number): readonly Column<ListedSession>[] {
  const brief = (instant: Instant) => briefly(instant, instantFromMs(nowMs));
  return [
    ...personColumns(nowMs),
    asOfColumn(nowMs),
    { title: "UNTIL", text: (s) => untilOf(s, toSeconds), brief: (s) => untilOf(s, brief), importance: 7.5 },
    { title: "LENGTH", text: lengthOf, align: "right", importance: 4 },
    { title: "EXIT", text: exitOf, importance: 3 },
    ...placeColumns,
  ];
}

function personColumns(nowMs: number): readonly Column<ListedSession>[] {
  const brief = (instant: Instant) => briefly(instant, instantFromMs(nowMs));
  return [
    { title: "LOGIN", text: personOf, least: 6, importance: 10 },
    { title: "USER", text: (s) => s.username, least: 6, importance: 9 },
    { title: "TTY", text: (s) => s.circumstances.tty ?? "-", importance: 6 },
    { title: "FROM", text: fromOf, least: 15, importance: 5 },
    { title: "SINCE", text: (s) => toSeconds(s.startedAt), brief: (s) => brief(s.startedAt), importance: 8 },
  ];
}

const placeColumns: readonly Column<ListedSession>[] = [
  { title: "DIRECTORY", text: (s) => s.cwd, least: 10, keep: "end", importance: 4.5 },
  { title: "HOST", text: hostOf, least: 6, importance: 2 },
  { title: "SESSION", text: (s) => s.sessionId, importance: 1 },
];

/** Who logged in, as the kernel keeps it through sudo, su and doas. */
function personOf({ circumstances: { loginUser, loginUid } }: ListedSession): string {
  return loginUser ?? (loginUid === null ? "-" : String(loginUid));
}

/** In a pane, whoever is at the other end changes; only the multiplexer is known. */
function fromOf(session: ListedSession): string {
  const { remote, multiplexer } = session.circumstances;
  if (remote !== null) return addressOf(session);
  return multiplexer?.split(":", 1)[0] ?? "-";
}

/** Minutes are as much as a terminal tells well. */
function idleOf({ idleMs }: ListedSession): string {
  if (idleMs === undefined) return "-";
  return idleMs < minuteMs ? "<1m" : formatLength(Math.floor(idleMs / minuteMs) * minuteMs);
}

function untilOf(session: ListedSession, format: (instant: Instant) => string): string {
  return session.state === "active" ? "still on" : endOf(session, format);
}

function lengthOf({ durationMs }: ListedSession): string {
  return durationMs === null ? "-" : formatLength(durationMs);
}
