/** Owns counting sessions by user, host, component, state or day, in the database. */
import type { ComponentCount, SessionQuery, StatsKey, StatsRow } from "../../tracker/store.ts";
import { matching } from "./query.ts";
import { fromText, type Row } from "./rows.ts";
import { joined, part, type Statement } from "./statement.ts";

const keySql: Readonly<Record<StatsKey, string>> = {
  user: "s.username",
  host: "s.hostname",
  component: "s.component_name",
  state: "s.state",
  day: "substr(s.started_at, 1, 10)",
};

/** The percentiles are the nearest rank: the smallest value that so many of all do not exceed. */
export function statsStatement(by: StatsKey, query: SessionQuery): Statement {
  const rows = matching(query, `${keySql[by]} AS key, s.state, s.duration_ms`);
  const count = (state: string) => `count(*) FILTER (WHERE state = '${state}')`;
  const percentile = (share: number) => `percentile_disc(${share}) WITHIN GROUP (ORDER BY duration_ms)`;
  const columns = `key, count(*) AS sessions, ${count("active")} AS open, ${count("orphaned")} AS orphaned,
    ${count("replaced")} AS replaced, ${percentile(0.5)} AS median, ${percentile(0.95)} AS p95`;
  return joined([part(`SELECT ${columns} FROM (`), rows, part(") counted GROUP BY key")], "");
}

/** @returns the most sessions first, equal ones by name; days in their order */
export function toStats(by: StatsKey, rows: readonly Row[]): StatsRow[] {
  const stats = rows.map(
    (row): StatsRow => ({
      key: fromText(row.key as string),
      sessions: row.sessions as number,
      open: row.open as number,
      orphaned: row.orphaned as number,
      replaced: row.replaced as number,
      medianMs: row.median as number | null,
      p95Ms: row.p95 as number | null,
    }),
  );
  return stats.sort((a, b) => (by === "day" ? 0 : b.sessions - a.sessions) || (a.key < b.key ? -1 : 1));
}

export const componentCountsSql =
  "SELECT component_name, count(*) AS sessions FROM sessions GROUP BY component_name ORDER BY 2 DESC, 1";

export function toComponentCount(row: Row): ComponentCount {
  return { componentName: fromText(row.component_name as string), sessions: row.sessions as number };
}
