/** Owns a history of forty sessions with every awkward overlap, and the answers to questions about it, written by hand. */
import type { SessionEvent, StartContent } from "../../../src/tracker/event.ts";
import type { Instant } from "../../../src/tracker/instant.ts";
import type { SessionQuery } from "../../../src/tracker/store.ts";
import { at, deathEvent, endEvent, observedNothing, startEvent } from "../../support/store/session-events.ts";

type Names = Partial<Pick<StartContent, "username" | "hostname" | "componentName" | "cwd">> & { hostId?: string };

/** A time of day on 2 March 2026, or a whole time stamp. */
function time(text: string): Instant {
  return at(text.includes("T") ? `${text}Z` : `2026-03-02T${text.padEnd(8, ":00")}Z`);
}

const startOfTime = "0001-01-01T00:00:00";
const endOfTime = "9999-12-31T23:59:59.999999999";

function started(number: number, from: string, names: Names): SessionEvent {
  const { hostId, ...said } = names;
  const process =
    hostId === undefined
      ? null
      : {
          hostId,
          bootId: null,
          pidNamespace: null,
          pid: 1,
          startTicks: null,
          executable: null,
          exeId: null,
          comm: null,
        };
  const content = { username: "les", hostname: "one", componentName: "shell", cwd: "/home/les", ...said };
  const recorded = { sessionId: idOf(number), observed: { ...observedNothing, process } };
  return startEvent({ ...content, timestamp: time(from) }, recorded);
}

type Life = readonly SessionEvent[];

const open = (number: number, from: string, names: Names = {}): Life => [started(number, from, names)];
const ended = (number: number, from: string, to: string, names: Names = {}): Life => [
  started(number, from, names),
  endEvent({ timestamp: time(to) }, { sessionId: idOf(number) }),
];
const orphaned = (number: number, from: string, alive: string, dead: string, names: Names = {}): Life => [
  started(number, from, names),
  deathEvent({ lastAliveAt: time(alive), detectedAt: time(dead) }, { sessionId: idOf(number) }),
];

/** The session id of a number of the history. */
export function idOf(number: number): string {
  return `s${String(number).padStart(2, "0")}`;
}

/** The events of each session. The window that most of it is about is 12:00 to 13:00. */
export const overlapHistory: readonly Life[] = [
  ended(1, "10:00", "11:00"),
  ended(2, "10:00", "11:59:59.999999999"),
  ended(3, "10:00", "12:00"),
  ended(4, "10:00", "12:00:00.000000001"),
  ended(5, "10:00", "12:30", { username: "ann", cwd: "/srv/app" }),
  ended(6, "10:00", "13:00"),
  ended(7, "10:00", "14:00", { cwd: "/srv" }),
  ended(8, "12:00", "12:00"),
  ended(9, "12:00", "12:30", { username: "ann", hostname: "two", cwd: "/srv/app/" }),
  ended(10, "12:00", "13:00"),
  ended(11, "12:00", "14:00"),
  ended(12, "12:15", "12:45", {
    username: "ann",
    hostname: "two",
    componentName: "admin",
    cwd: "/srv/app/sub/deep",
    hostId: "h1",
  }),
  ended(13, "12:30", "12:30"),
  ended(14, "12:30", "13:00"),
  ended(15, "12:30", "14:00", { username: "ann", componentName: "admin", cwd: "/srv/application" }),
  ended(16, "13:00", "13:00"),
  ended(17, "13:00", "14:00"),
  ended(18, "13:00:00.000000001", "14:00"),
  ended(19, "14:00", "15:00", { cwd: "/" }),
  ended(20, "11:59:59.999999999", "12:00"),
  open(21, "10:00", { username: "ann", cwd: "/srv/app%", hostId: "h1" }),
  open(22, "12:00"),
  open(23, "12:30", { username: "ann ", cwd: "/srv/app_" }),
  open(24, "13:00"),
  open(25, "13:00:00.000000001"),
  open(26, "2025-03-02T09:00:00"),
  orphaned(27, "10:00", "10:30", "11:30"),
  orphaned(28, "10:00", "11:00", "12:00", { username: "Ann", cwd: "/srv/appx" }),
  orphaned(29, "10:00", "11:00", "12:30"),
  orphaned(30, "10:00", "11:00", "15:00", { username: "ann", cwd: "/srv/app/%" }),
  orphaned(31, "12:15", "12:20", "12:40", { hostname: "two", componentName: "admin", cwd: "/SRV/APP" }),
  orphaned(32, "12:30", "12:30", "14:00"),
  orphaned(33, "13:30", "13:30", "14:00", { cwd: "" }),
  ended(34, "2026-01-01T00:00:00", "12:00"),
  ended(35, "2026-01-01T00:00:00", "11:59"),
  // The clock was set back meanwhile: the end counts as of the start.
  ended(36, "10:00", "09:00"),
  // Taken for dead, but its own end arrived late.
  [...orphaned(37, "12:30", "12:31", "14:00"), endEvent({ timestamp: time("12:45") }, { sessionId: idOf(37) })],
  ended(38, startOfTime, endOfTime),
  // Proven dead by a clock that was set back: dead as of the start.
  orphaned(39, "12:30", "10:00", "11:00"),
  ended(40, "12:00", "12:00:00.999"),
];

const newestFirst =
  "19 33 25 18 24 17 16 39 37 32 23 15 14 13 31 12 40 22 11 10 9 8 20 36 30 29 28 27 21 7 6 5 4 3 2 1 35 34 26 38";
const around = (since: string, until: string): SessionQuery => ({ openSince: time(since), openUntil: time(until) });

/** Questions, and the numbers of the sessions that answer them, newest start first. */
export const overlapAnswers: readonly (readonly [question: SessionQuery, numbers: string])[] = [
  [{}, newestFirst],
  [around("12:00", "13:00"), "24 17 16 39 37 32 23 15 14 13 31 12 40 22 11 10 9 8 20 30 29 28 21 7 6 5 4 3 34 26 38"],
  [around("12:00", "12:00"), "40 22 11 10 9 8 20 30 29 28 21 7 6 5 4 3 34 26 38"],
  [around("12:30", "12:30"), "39 37 32 23 15 14 13 31 12 22 11 10 9 30 29 21 7 6 5 26 38"],
  [around("13:00", "12:00"), "22 11 10 30 21 7 6 26 38"],
  [{ openSince: time("13:00:00.000000001") }, "19 33 25 18 24 17 32 23 15 22 11 30 21 7 26 38"],
  [{ openSince: time(endOfTime) }, "25 24 23 22 21 26 38"],
  [{ openSince: time(startOfTime) }, newestFirst],
  [{ openUntil: time("11:59:59.999999999") }, "20 36 30 29 28 27 21 7 6 5 4 3 2 1 35 34 26 38"],
  [{ openUntil: time(startOfTime) }, "38"],
  [{ startedSince: time("13:00") }, "19 33 25 18 24 17 16"],
  [{ startedSince: time("12:30"), openUntil: time("12:30") }, "39 37 32 23 15 14 13"],
  [{ startedSince: time("11:00"), ...around("12:00", "12:00") }, "40 22 11 10 9 8 20"],
  [{ startedSince: time("15:00") }, ""],
  [{ states: ["orphaned"], ...around("12:00", "13:00") }, "39 32 31 30 29 28"],
  [{ states: ["active"], ...around("12:00", "12:00") }, "22 21 26"],
  [{ states: ["ended"], openSince: time("14:00") }, "19 18 17 15 11 7 38"],
  [{ states: ["active", "orphaned"] }, "33 25 24 39 32 23 31 22 30 29 28 27 21 26"],
  [{ username: "ann" }, "15 12 9 30 21 5"],
  [{ username: "ann", hostname: "two" }, "12 9"],
  [{ username: "ann", hostname: "two", componentName: "admin" }, "12"],
  [{ username: "ann", componentName: "admin" }, "15 12"],
  [{ username: "ann", hostname: "three" }, ""],
  [{ username: "" }, ""],
  [{ username: "ann", states: ["ended"] }, "15 12 9 5"],
  [{ username: "ann", ...around("12:00", "12:00") }, "9 30 21 5"],
  [{ hostname: "two" }, "31 12 9"],
  [{ hostname: "two", componentName: "admin" }, "31 12"],
  [{ componentName: "admin" }, "15 31 12"],
  [{ cwd: "/srv/app" }, "12 9 30 5"],
  [{ cwd: "/srv/app/" }, "12 9 30 5"],
  [{ cwd: "/srv/app/sub" }, "12"],
  [{ cwd: "/srv" }, "23 15 12 9 30 28 21 7 5"],
  [{ cwd: "/srv/app%" }, "21"],
  [{ cwd: "/srv/app_" }, "23"],
  [{ cwd: "/srv/a_p" }, ""],
  [{ cwd: "/srv/app/%" }, "30"],
  [{ cwd: "/" }, newestFirst.replace(" 33", "")],
  [{ cwd: "/srv", states: ["active"] }, "23 21"],
  [{ cwd: "/srv", ...around("12:30", "12:30") }, "23 15 12 9 30 21 7 5"],
  [{ cwd: "/srv/app", username: "ann", hostname: "two" }, "12 9"],
  [{ cwd: "/srv", username: "les" }, "7"],
  [{ cwd: "/home/les", startedSince: time("13:00") }, "25 18 24 17 16"],
];
