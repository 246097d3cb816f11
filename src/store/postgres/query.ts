/**
 * Owns how a question about sessions is answered by reading little more than its answer.
 *
 * A page of history comes from one index in the order of the answer. Who was on at an instant is asked by span classes
 * (`../spans.ts`): in each, such a session can only have started in one short range. An overlap is both: what started
 * after its beginning, newest first, and when that is used up, who was on at its beginning.
 */
import type { SessionState } from "../../tracker/fold.ts";
import type { Instant } from "../../tracker/instant.ts";
import type { PagePosition, SessionQuery } from "../../tracker/store.ts";
import { earliestStart, spanClasses } from "../spans.ts";
import { keyOf, spanKey, toText } from "./rows.ts";
import { all, joined, part, type Statement } from "./statement.ts";

const order = "ORDER BY started_key DESC, started_at DESC, session_id DESC";
/** When a session was over at the latest; null while it is open. */
const closedAt = "coalesce(s.ended_at, s.ended_before)";

/** @returns the sources of a page, to be read one after the other until it is full */
export function pageSources(query: SessionQuery): ((columns: string, limit: number | null) => Statement)[] {
  return sourcesOf(query).map((source) => (columns, limit) => source(columns, orderedBy(limit)));
}

/** @returns a source of each session that matches, once, in no order */
export function matching(query: SessionQuery, columns: string): Statement {
  const { limit: _, after: __, ...filter } = query;
  return joined(
    sourcesOf(filter).map((source) => source(columns, null)),
    " UNION ALL ",
  );
}

type Order = Statement | null;
type Source = (columns: string, order: Order) => Statement;

function orderedBy(limit: number | null): Statement {
  return limit === null ? part(order) : part(`${order} LIMIT ?`, limit);
}

function sourcesOf(query: SessionQuery): Source[] {
  const { openSince } = query;
  if (openSince === undefined) return [history(query, [])];
  const startedLater = history(query, [
    part("s.started_key >= ? AND s.started_at > ?", keyOf(openSince), openSince),
    part(`(${closedAt} IS NULL OR ${closedAt} >= ?)`, openSince),
  ]);
  return [startedLater, presentAt(query, openSince)];
}

/** For each state that is asked for its own newest rows: how rare one is among the others does not matter. */
function history(query: SessionQuery, more: readonly Statement[]): Source {
  const conditions = [...filters(query), ...more];
  return (columns, order) => {
    const rows = (states: readonly Statement[], columnsOfRows: string) => {
      const { sql, values } = all([...states, ...conditions]);
      return part(`SELECT ${columnsOfRows} FROM sessions s WHERE ${sql}`, ...values);
    };
    const states = query.states?.length ? [...new Set(query.states)] : [];
    if (order === null) {
      return rows(states.length === 0 ? [] : [part("s.state = ANY(?::text[])", states)], columns);
    }
    if (states.length < 2) return joined([rows(states.map(isState), columns), order], " ");
    const each = states.map((state) => {
      const { sql, values } = joined([rows([isState(state)], "s.*"), order], " ");
      return part(`(${sql})`, ...values);
    });
    const { sql, values } = joined(each, " UNION ALL ");
    return joined([part(`SELECT ${columns} FROM (${sql}) s`, ...values), order], " ");
  };
}

function isState(state: SessionState): Statement {
  return part("s.state = ?", state);
}

/** The fence (`OFFSET 0`) leaves the planner no other way than a short range of the index for each class. */
function presentAt(query: SessionQuery, instant: Instant): Source {
  const { states, startedSince = "" as Instant } = query;
  const classes = spanClasses.filter(({ state }) => !states?.length || states.includes(state));
  const from = classes.map((spanClass) => {
    const possible = earliestStart(spanClass, instant);
    const earliest = possible === null || possible < startedSince ? startedSince : possible;
    return spanKey(spanClass.number, earliest === "" ? null : earliest);
  });
  const to = classes.map(({ number }) => spanKey(number, instant));
  const { sql, values } = all([
    part("s.started_at <= ?", instant),
    part(`(${closedAt} IS NULL OR ${closedAt} >= ?)`, instant),
    ...filters(query),
  ]);
  return (columns, order) => {
    const rows = part(
      `SELECT ${columns} FROM (
         SELECT s.* FROM unnest(?::int8[], ?::int8[]) AS r(lo, hi)
         CROSS JOIN LATERAL (SELECT * FROM sessions WHERE span_key BETWEEN r.lo AND r.hi OFFSET 0) s
       ) s WHERE ${sql}`,
      from,
      to,
      ...values,
    );
    return order === null ? rows : joined([rows, order], " ");
  };
}

/** Whatever is asked for but states and `openSince`. */
function filters(query: SessionQuery): Statement[] {
  const names = [
    ["username", query.username],
    ["hostname", query.hostname],
    ["component_name", query.componentName],
    ["login_user", query.loginUser],
    ["tty", query.tty],
  ] as const;
  const { cwd, openUntil, startedSince, after } = query;
  return [
    ...names.flatMap(([column, value]) => (value === undefined ? [] : [part(`s.${column} = ?`, toText(value))])),
    ...(cwd === undefined ? [] : [inside(toText(cwd))]),
    ...(openUntil === undefined ? [] : [part("s.started_key <= ? AND s.started_at <= ?", keyOf(openUntil), openUntil)]),
    ...(startedSince === undefined
      ? []
      : [part("s.started_key >= ? AND s.started_at >= ?", keyOf(startedSince), startedSince)]),
    ...(after === undefined ? [] : [behind(after)]),
  ];
}

/** The first condition is one that an index can begin at; the row comparison would let it begin there too, but not in every engine. */
function behind({ startedAt, sessionId }: PagePosition): Statement {
  const key = keyOf(startedAt);
  return part(
    "s.started_key <= ? AND (s.started_key, s.started_at, s.session_id) < (?::timestamptz, ?, ?)",
    key,
    key,
    startedAt,
    toText(sessionId),
  );
}

/** The directory itself, and what begins with its path and a slash (`0` follows `/`). */
function inside(cwd: string): Statement {
  const path = cwd.replace(/(?<!\/)\/+$/, "");
  const below = part("(s.cwd >= ? AND s.cwd < ?)", `${path}/`, `${path}0`);
  if (path === "") return below;
  return joined([part("(s.cwd = ?", path), part("(s.cwd >= ? AND s.cwd < ?))", `${path}/`, `${path}0`)], " OR ");
}
