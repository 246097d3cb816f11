/** Owns counting sessions by user, host, component, state or day. */
import type { SQLInputValue } from "node:sqlite";
import type { ComponentCount, SessionQuery, StatsKey, StatsRow } from "../../tracker/store.ts";
import { rangesOf } from "./query.ts";
import { type Prepare, rangeSql, rangeValues } from "./ranges.ts";

/** What the sessions of one key are counted in. */
interface Group {
  sessions: number;
  open: number;
  orphaned: number;
  replaced: number;
  readonly durationsMs: number[];
}

const keySql: Readonly<Record<StatsKey, string>> = {
  user: "username",
  host: "hostname",
  component: "component_name",
  state: "state",
  day: "substr(started_at, 1, 10)",
};

interface Statement {
  readonly sql: string;
  readonly values: readonly SQLInputValue[];
}

/** After this many rows the event loop gets its turn. */
const rowsPerTurn = 4_096;

/**
 * Counts exactly, by reading every session that matches.
 *
 * @param nextTurn - lets others run meanwhile
 */
export async function countSessions(
  prepare: Prepare,
  by: StatsKey,
  query: SessionQuery,
  nextTurn: () => Promise<unknown>,
): Promise<StatsRow[]> {
  const groups = new Map<string, Group>();
  let count = 0;
  for (const { sql, values } of statementsOf(prepare, by, query)) {
    for (const row of prepare(sql).iterate(...values)) {
      add(groups, row.key as string, row.state as string, row.duration_ms as number | null);
      count += 1;
      if (count % rowsPerTurn === 0) await nextTurn();
    }
  }
  const rows = [...groups].map(([key, group]) => toRow(key, group));
  return rows.sort((a, b) => (by === "day" ? 0 : b.sessions - a.sessions) || (a.key < b.key ? -1 : 1));
}

/** Reads one index from end to end and no session: about 65 ms for a million. */
export function countComponents(prepare: Prepare): ComponentCount[] {
  const sql =
    "SELECT component_name, count(*) AS sessions FROM sessions INDEXED BY sessions_by_component GROUP BY component_name ORDER BY sessions DESC, component_name";
  return prepare(sql)
    .all()
    .map((row) => ({ componentName: row.component_name as string, sessions: row.sessions as number }));
}

function* statementsOf(prepare: Prepare, by: StatsKey, query: SessionQuery): Generator<Statement> {
  const columns = `${keySql[by]} AS key, state, duration_ms`;
  const { limit: _, after: __, ...filter } = query;
  const isEverything = Object.values(filter).every((value) => value === undefined || value.length === 0);
  // The table from end to end is faster than the whole of it by an index.
  if (isEverything) return yield { sql: `SELECT ${columns} FROM sessions`, values: [] };
  for (const range of rangesOf(prepare, filter)) yield { sql: rangeSql(range, columns), values: rangeValues(range) };
}

function add(groups: Map<string, Group>, key: string, state: string, durationMs: number | null): void {
  let group = groups.get(key);
  if (group === undefined) {
    group = { sessions: 0, open: 0, orphaned: 0, replaced: 0, durationsMs: [] };
    groups.set(key, group);
  }
  group.sessions += 1;
  if (state === "active") group.open += 1;
  if (state === "orphaned") group.orphaned += 1;
  if (state === "replaced") group.replaced += 1;
  if (durationMs !== null) group.durationsMs.push(durationMs);
}

function toRow(key: string, { sessions, open, orphaned, replaced, durationsMs }: Group): StatsRow {
  const sorted = Float64Array.from(durationsMs).sort();
  return { key, sessions, open, orphaned, replaced, medianMs: nearestRank(sorted, 50), p95Ms: nearestRank(sorted, 95) };
}

/** The smallest value that at least `percent` of all do not exceed. */
function nearestRank(sorted: Float64Array, percent: number): number | null {
  return sorted[Math.ceil((sorted.length * percent) / 100) - 1] ?? null;
}
