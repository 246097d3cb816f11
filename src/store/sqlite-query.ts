/**
 * Owns how a question about sessions is answered by reading little more than its answer. For the files of `store/` alone.
 *
 * A question becomes ranges of one index, each newest first, that are merged row by row: one range for each span class.
 * The index is the one of exactly the names that were asked for, or the one by directory. Nothing is left to the
 * planner's estimates.
 */
import type { SQLInputValue, StatementSync } from "node:sqlite";
import type { SessionQuery } from "../tracker/store.ts";
import type { Row } from "./sqlite-rows.ts";
import { earliestStart, type SpanClass, spanClasses } from "./sqlite-spans.ts";

export type Prepare = (sql: string) => StatementSync;

/** A part of a WHERE clause with its values. */
interface Condition {
  readonly sql: string;
  readonly values: readonly SQLInputValue[];
}

/** The rows of one index that fulfil all conditions. */
export interface Range {
  readonly index: string;
  readonly conditions: readonly Condition[];
}

/** A range without what comes, in the order of the answer, before a position or at it. */
interface OrderedRange extends Range {
  readonly after: Position;
}

type Position = readonly [startedAt: string, sessionId: string];

interface Head {
  readonly row: Row;
  readonly rest: Iterator<Row, void>;
}

/** One directory with one span class that occurs in it. */
interface Place {
  readonly cwd: string;
  readonly spanClass: number;
}

/** Below a directory there may be thousands; beyond this many places its sessions are found by the other filters. */
const mostPlaces = 500;
/** How far two indexes are counted to find out which one has less to read. */
const longestCount = 5_000;
const largestBatch = 1_024;
/** Behind every instant, and behind an instant but before the next one: the digits and the `Z` sort before it. */
const afterAll = "~";

/** @returns the rows that match, newest start first, at most `query.limit`; they are read as they are taken. */
export function* matchingRows(prepare: Prepare, query: SessionQuery): Generator<Row, void> {
  const limit = Math.max(1, Math.trunc(query.limit ?? Number.MAX_SAFE_INTEGER));
  const ranges = orderedRangesOf(prepare, query);
  const batch = Math.min(largestBatch, Math.ceil((2 * limit) / Math.max(1, ranges.length)));
  const heads = ranges.flatMap((range) => nextHead(newestFirst(prepare, range, batch)));
  for (let count = 0; count < limit && heads.length > 0; count += 1) {
    const newest = heads.reduce((best, head) => (isNewer(head.row, best.row) ? head : best));
    yield newest.row;
    heads.splice(heads.indexOf(newest), 1, ...nextHead(newest.rest));
  }
}

/** @returns the ranges that together hold each matching session once. */
export function rangesOf(prepare: Prepare, query: SessionQuery): Range[] {
  return orderedRangesOf(prepare, query).map((range) => from(range, range.after));
}

function orderedRangesOf(prepare: Prepare, query: SessionQuery): OrderedRange[] {
  const classes = spanClasses.filter(({ state }) => !query.states?.length || query.states.includes(state));
  const names = namesOf(query);
  const places = query.cwd === undefined ? null : placesOf(prepare, query.cwd, names);
  if (places !== null) {
    const byNumber = new Map(classes.map((spanClass) => [spanClass.number, spanClass]));
    return places.flatMap(({ cwd, spanClass }) => {
      const known = byNumber.get(spanClass);
      const place: Range = { index: "sessions_by_cwd", conditions: [equal("cwd", cwd)] };
      return known === undefined ? [] : [narrowed(place, known, query, names.conditions)];
    });
  }
  const inside = query.cwd === undefined ? [] : [insideDirectory(query.cwd)];
  return classes.map((spanClass) => narrowed(names, spanClass, query, inside));
}

/** @returns the statement that reads `columns` of a range. */
export function rangeSql({ index, conditions }: Range, columns: string): string {
  return `SELECT ${columns} FROM sessions INDEXED BY ${index} WHERE ${conditions.map(({ sql }) => sql).join(" AND ")}`;
}

export function rangeValues({ conditions }: Range): SQLInputValue[] {
  return conditions.flatMap(({ values }) => values);
}

/** The index of exactly the names that are asked for. */
function namesOf({ username, hostname, componentName }: SessionQuery): Range {
  const names = [
    ["username", "username", username],
    ["hostname", "hostname", hostname],
    ["component", "component_name", componentName],
  ] as const;
  const asked = names.filter(([, , value]) => value !== undefined);
  return {
    index: `sessions_by_${asked.map(([name]) => name).join("_") || "span"}`,
    conditions: asked.map(([, column, value]) => equal(column, value ?? "")),
  };
}

/** A range within one span class, in the time that is asked for; the rest is looked up row by row. */
function narrowed(range: Range, spanClass: SpanClass, query: SessionQuery, rest: readonly Condition[]): OrderedRange {
  const { openSince, startedSince = "", hostId } = query;
  const possible = openSince === undefined ? "" : (earliestStart(spanClass, openSince) ?? "");
  const earliest = possible > startedSince ? possible : startedSince;
  const conditions = [
    ...range.conditions,
    equal("span_class", spanClass.number),
    { sql: "started_at >= ?", values: [earliest] },
    ...rest,
  ];
  if (openSince !== undefined && spanClass.state !== "active") {
    conditions.push({ sql: "closed_at >= ?", values: [openSince] });
  }
  if (hostId !== undefined) conditions.push(equal("host_id", hostId));
  return { index: range.index, conditions, after: firstPosition(query) };
}

/** Where a page begins: at the cursor, or before everything that started by `openUntil`. */
function firstPosition({ after, openUntil }: SessionQuery): Position {
  const latest = openUntil === undefined ? afterAll : `${openUntil}${afterAll}`;
  return after !== undefined && after.startedAt < latest ? [after.startedAt, after.sessionId] : [latest, ""];
}

function from({ index, conditions }: Range, position: Position): Range {
  return { index, conditions: [...conditions, { sql: "(started_at, session_id) < (?, ?)", values: position }] };
}

/** A range of texts: the directory itself, and what begins with its path and a slash (`0` follows `/`). */
function bounds(cwd: string): readonly (readonly [from: string, before: string])[] {
  const path = cwd.replace(/(?<!\/)\/+$/, "");
  const below = [`${path}/`, `${path}0`] as const;
  return path === "" ? [below] : [[path, `${path}\0`], below];
}

function insideDirectory(cwd: string): Condition {
  const parts = bounds(cwd).map(between);
  return { sql: `(${parts.map(({ sql }) => sql).join(" OR ")})`, values: parts.flatMap(({ values }) => values) };
}

function between([from, to]: readonly [from: string, before: string]): Condition {
  return { sql: "(cwd >= ? AND cwd < ?)", values: [from, to] };
}

/**
 * Skips through the index by directory, from one place to the next.
 *
 * @returns null when there are many places, or fewer sessions go by the names
 */
function placesOf(prepare: Prepare, cwd: string, names: Range): Place[] | null {
  const inside = bounds(cwd).map((part): Range => ({ index: "sessions_by_cwd", conditions: [between(part)] }));
  if (names.conditions.length > 0 && countSome(prepare, [names]) < countSome(prepare, inside)) return null;
  const sql =
    "SELECT cwd, span_class FROM sessions INDEXED BY sessions_by_cwd WHERE (cwd, span_class) > (?, ?) AND cwd < ? ORDER BY cwd, span_class LIMIT 1";
  const places: Place[] = [];
  for (const [from, to] of bounds(cwd)) {
    let last: Place = { cwd: from, spanClass: -1 };
    for (;;) {
      const row = prepare(sql).get(last.cwd, last.spanClass, to);
      if (row === undefined) break;
      if (places.length === mostPlaces) return null;
      last = { cwd: row.cwd as string, spanClass: row.span_class as number };
      places.push(last);
    }
  }
  return places;
}

function countSome(prepare: Prepare, ranges: readonly Range[]): number {
  const counts = ranges.map((range) => {
    const sql = `SELECT count(*) AS n FROM (${rangeSql(range, "1")} LIMIT ${longestCount})`;
    return prepare(sql).get(...rangeValues(range))?.n as number;
  });
  return counts.reduce((sum, count) => sum + count, 0);
}

/** Reads a range in batches that grow, so that neither a short nor a long answer costs more than it must. */
function* newestFirst(prepare: Prepare, range: OrderedRange, firstBatch: number): Generator<Row, void> {
  let position = range.after;
  for (let batch = firstBatch; ; batch = Math.min(2 * batch, largestBatch)) {
    const part = from(range, position);
    const sql = `${rangeSql(part, "*")} ORDER BY started_at DESC, session_id DESC LIMIT ?`;
    const rows = prepare(sql).all(...rangeValues(part), batch);
    yield* rows;
    const last = rows.at(-1);
    if (last === undefined || rows.length < batch) return;
    position = [last.started_at as string, last.session_id as string];
  }
}

function nextHead(rest: Iterator<Row, void>): Head[] {
  const { value } = rest.next();
  return value === undefined ? [] : [{ row: value, rest }];
}

function isNewer(a: Row, b: Row): boolean {
  const [startA, startB] = [a.started_at as string, b.started_at as string];
  if (startA !== startB) return startA > startB;
  return (a.session_id as string) > (b.session_id as string);
}

function equal(column: string, value: string | number): Condition {
  return { sql: `${column} = ?`, values: [value] };
}
