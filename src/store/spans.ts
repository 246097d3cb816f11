/**
 * Owns the span classes: how long a session lasted at most, in steps of four, told apart by state.
 *
 * A session that was open at an instant and belongs to a class can only have started within the class's longest span
 * before it, so that in an index by class and start such sessions lie in one short range.
 */
import type { Session, SessionState } from "../tracker/fold.ts";
import { type Instant, instantFromMs, instantToMs } from "../tracker/instant.ts";

/** One class of sessions. */
export interface SpanClass {
  /** As stored in `sessions.span_class`. */
  readonly number: number;
  readonly state: SessionState;
  /** Every session of the class lasted less, in milliseconds. */
  readonly limitMs: number;
}

/** Class k holds what lasted less than 4^(k+1) seconds; the last one reaches further than the calendar. */
const stepsPerState = 20;

/** All classes, by number: the open sessions, then the ended, the orphaned and the replaced ones, each from the shortest to the longest. */
export const spanClasses: readonly SpanClass[] = [
  { number: 0, state: "active", limitMs: Number.POSITIVE_INFINITY },
  ...closedClasses("ended", 1),
  ...closedClasses("orphaned", 1 + stepsPerState),
  ...closedClasses("replaced", 1 + 2 * stepsPerState),
];

/** @returns the number of a session's class; an end that is an interval counts by its latest moment. */
export function spanClassOf(session: Pick<Session, "state" | "startedAt" | "endedAt" | "endedBefore">): number {
  const closedAt = session.endedAt ?? session.endedBefore;
  const spanMs = closedAt === null ? 0 : instantToMs(closedAt) - instantToMs(session.startedAt);
  const found = spanClasses.find(({ state, limitMs }) => state === session.state && spanMs < limitMs);
  if (found === undefined) throw new Error(`no span class for ${spanMs} ms of a session that is ${session.state}`);
  return found.number;
}

/** @returns the earliest start with which a session of the class may have been open at `instant` or later. */
export function earliestStart({ limitMs }: SpanClass, instant: Instant): Instant | null {
  const ms = instantToMs(instant) - limitMs;
  return ms > calendarStartMs ? instantFromMs(ms) : null;
}

const calendarStartMs = Date.parse("0001-01-01T00:00:00Z");

function closedClasses(state: SessionState, first: number): SpanClass[] {
  return Array.from({ length: stepsPerState }, (_, step) => ({
    number: first + step,
    state,
    limitMs: 1000 * 4 ** (step + 1),
  }));
}
