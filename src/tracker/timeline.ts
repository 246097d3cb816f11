/** Owns which lines a timeline has: what stands on each, and which are shown when not all are. Part of the pure core. */
import type { Session } from "./fold.ts";

/** What a timeline has to know of a session. */
export type Lived = Pick<Session, "sessionId" | "username" | "startedAt" | "endedAt" | "endedBefore">;

/** A line: the sessions on it, oldest first. */
export interface Line<S extends Lived> {
  readonly key: string;
  readonly sessions: readonly S[];
}

/** What has a line of its own. */
export const timelineKeys = ["session", "user"] as const;

export type TimelineKey = (typeof timelineKeys)[number];

/** @param sessions - newest first. @returns a line a session or user, the one that began first at the top */
export function linesOf<S extends Lived>(sessions: readonly S[], by: TimelineKey): Line<S>[] {
  const oldestFirst = sessions.toReversed();
  const groups = Map.groupBy(oldestFirst, (session) => (by === "user" ? session.username : session.sessionId));
  return Array.from(groups, ([key, own]) => ({ key, sessions: own }));
}

/** @returns the lines of those who were on most recently, at most `limit`, in the order in which they were given */
export function mostRecent<S extends Lived>(lines: readonly Line<S>[], limit: number): readonly Line<S>[] {
  if (lines.length <= limit) return lines;
  const ranked = lines.map((line) => ({ line, lastOn: lastOn(line) }));
  ranked.sort((a, b) => Number(a.lastOn < b.lastOn) - Number(a.lastOn > b.lastOn));
  const chosen = new Set(ranked.slice(0, limit).map(({ line }) => line));
  return lines.filter((line) => chosen.has(line));
}

/** Sorts after every instant: those who are on now come first, the most recent before the others. */
const now = "~";

/** @returns when somebody of the line was on last, then when the newest session began; texts that sort by time */
function lastOn({ sessions }: Line<Lived>): string {
  const ends = sessions.map(({ endedAt, endedBefore }) => endedAt ?? endedBefore ?? now);
  const last = ends.reduce((latest, end) => (end > latest ? end : latest));
  return `${last} ${sessions.at(-1)?.startedAt}`;
}
