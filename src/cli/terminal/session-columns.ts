/** Owns how a session looks as a line of a table. */
import { formatInstant, type Instant, instantFromMs, instantToMs } from "../../tracker/instant.ts";
import { asOf, type ListedSession } from "../../wire/view.ts";
import { styleState } from "./style.ts";
import type { Column } from "./table.ts";

/**
 * @param nowMs - where room is scarce, days of this year are shown without the year
 * @param branchOf - what stands before a session's id; nothing by default
 */
export function sessionColumns(
  nowMs: number,
  branchOf: (session: ListedSession) => string = () => "",
): readonly Column<ListedSession>[] {
  const brief = (instant: Instant) => briefly(instant, instantFromMs(nowMs));
  return [
    { title: "SESSION", text: (s) => branchOf(s) + s.sessionId, importance: 13 },
    { title: "STATE", text: (s) => s.state, importance: 12, style: (cell, s) => styleState(cell, s.state) },
    asOfColumn(nowMs),
    { title: "USER", text: (s) => s.username, least: 6, importance: 9 },
    { title: "LOGIN", text: loginOf, isExtra: true, least: 6, importance: 8 },
    { title: "TTY", text: (s) => s.circumstances.tty ?? "-", isExtra: true, importance: 4 },
    { title: "FROM", text: addressOf, isExtra: true, least: 15, importance: 6 },
    { title: "HOST", text: hostOf, least: 6, importance: 5 },
    { title: "SHELL", text: (s) => s.shellType, least: 4, importance: 1 },
    { title: "PID", text: (s) => String(s.pid), importance: 2 },
    { title: "STARTED", text: (s) => toSeconds(s.startedAt), brief: (s) => brief(s.startedAt), importance: 11 },
    { title: "ENDED", text: (s) => endOf(s, toSeconds), brief: (s) => endOf(s, brief), importance: 10 },
    { title: "EXIT", text: exitOf, importance: 3 },
    { title: "DIRECTORY", text: (s) => s.cwd, least: 10, keep: "end", importance: 7 },
  ];
}

/** A record that delivers says at least so often that it is there, while one of its sessions is open. */
const silentMs = 180_000;

/** Of open sessions that another record delivered, which has been silent: they may have ended since. */
export function asOfColumn(nowMs: number): Column<ListedSession> {
  const shown = (session: ListedSession, format: (instant: Instant) => string) => {
    const instant = asOf(session);
    return instant === null || nowMs - instantToMs(instant) <= silentMs ? "-" : format(instant);
  };
  const brief = (instant: Instant) => briefly(instant, instantFromMs(nowMs));
  return {
    title: "AS OF",
    text: (s) => shown(s, toSeconds),
    brief: (s) => shown(s, brief),
    isExtra: true,
    importance: 11.5,
  };
}

/** What a host calls itself, beside the name that it was enrolled by where that is another. */
export function hostOf({ hostname, heard }: ListedSession): string {
  const name = heard?.name ?? hostname;
  return name === hostname ? hostname : `${hostname} (${name})`;
}

/** Who logged in, where the shell acts as somebody else. */
function loginOf({ username, circumstances }: ListedSession): string {
  const { loginUser, loginUid, uid } = circumstances;
  if (loginUid === null || loginUid === uid || loginUser === username) return "-";
  return loginUser ?? String(loginUid);
}

/** The address without the port. */
export function addressOf({ circumstances }: ListedSession): string {
  return circumstances.remote?.split(" ", 1)[0] ?? "-";
}

/** The code, the signal where there is none, or the word for a terminal that was closed. */
export function exitOf({ exitCode, signal, endReason }: ListedSession): string {
  if (exitCode !== null) return String(exitCode);
  return signal ?? (endReason === "hangup" ? "hangup" : "-");
}

/** An end that is known only as an interval is shown as the moment it is known by. */
export function endOf(session: ListedSession, format: (instant: Instant) => string): string {
  if (session.endedAt !== null) return format(session.endedAt);
  return session.endedBefore === null ? "-" : `by ${format(session.endedBefore)}`;
}

export function toSeconds(instant: Instant): string {
  return formatInstant(instant).replace(/\.\d+Z$/, "Z");
}

/** `11-22 16:15Z` in this year, `2025-11-22` in another. */
export function briefly(instant: Instant, now: Instant): string {
  if (instant.slice(0, 4) !== now.slice(0, 4)) return instant.slice(0, 10);
  return `${instant.slice(5, 10)} ${instant.slice(11, 16)}Z`;
}
