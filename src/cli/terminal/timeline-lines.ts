/** Owns which lines a timeline has: what stands on each, and which are drawn when not all are. */
import type { Session } from "../../tracker/fold.ts";

/** A line of the drawing: the sessions that it shows, oldest first. */
export interface Line {
  readonly key: string;
  readonly sessions: readonly Session[];
}

/** @param sessions - newest first. @returns a line a session or user, the one that began first at the top */
export function linesOf(sessions: readonly Session[], by: "session" | "user"): Line[] {
  const oldestFirst = sessions.toReversed();
  const groups = Map.groupBy(oldestFirst, (session) => (by === "user" ? session.username : session.sessionId));
  return Array.from(groups, ([key, own]) => ({ key, sessions: own }));
}

/** @returns the lines of those who were on most recently, at most `limit`, in the order in which they were given */
export function mostRecent(lines: readonly Line[], limit: number): readonly Line[] {
  if (lines.length <= limit) return lines;
  const ranked = lines.map((line) => ({ line, lastOn: lastOn(line) }));
  ranked.sort((a, b) => Number(a.lastOn < b.lastOn) - Number(a.lastOn > b.lastOn));
  const chosen = new Set(ranked.slice(0, limit).map(({ line }) => line));
  return lines.filter((line) => chosen.has(line));
}

/** Sorts after every instant: those who are on now come first, the most recent before the others. */
const now = "~";

/** @returns when somebody of the line was on last, then when the newest session began; texts that sort by time */
function lastOn({ sessions }: Line): string {
  const ends = sessions.map(({ endedAt, endedBefore }) => endedAt ?? endedBefore ?? now);
  const last = ends.reduce((latest, end) => (end > latest ? end : latest));
  return `${last} ${sessions.at(-1)?.startedAt}`;
}
