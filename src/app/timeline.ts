/** Owns the timeline as it is answered over the wire: a window, its lines, and how much of it there is no room for. */
import { formatInstant, type Instant, instantFromMs, instantToMs } from "../tracker/instant.ts";
import type { SessionQuery } from "../tracker/store.ts";
import { linesOf, mostRecent } from "../tracker/timeline.ts";
import type { ParsedTimeline } from "../wire/parse-question.ts";
import { toJsonRow } from "../wire/view.ts";
import type { Questions } from "./questions.ts";

/** So long a window ends now when none is asked for. */
const usualWindowMs = 24 * 60 * 60 * 1000;
/** Sessions that are read for one answer, the newest ones. */
export const mostSessions = 5_000;

export type TimelineAnswer = Awaited<ReturnType<typeof timeline>>;

/** @param nowMs - milliseconds since the epoch */
export async function timeline(
  questions: Pick<Questions, "page">,
  { by, query, limit }: ParsedTimeline,
  nowMs: number,
) {
  const { since, until } = windowOf(query, nowMs);
  const asked = { ...query, openSince: since, openUntil: until };
  const { sessions, nextCursor } = await questions.page(asked, mostSessions, null);
  const lines = linesOf(sessions, by);
  const shown = mostRecent(lines, limit);
  return {
    since: formatInstant(since),
    until: formatInstant(until),
    by,
    lines: shown.map(({ key, sessions: own }) => ({ key, sessions: own.map(toJsonRow) })),
    omitted: lines.length - shown.length,
    complete: nextCursor === null,
  };
}

function windowOf({ openSince, openUntil }: SessionQuery, nowMs: number): { since: Instant; until: Instant } {
  const until = openUntil ?? instantFromMs(nowMs);
  return { since: openSince ?? instantFromMs(instantToMs(until) - usualWindowMs), until };
}
