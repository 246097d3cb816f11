/**
 * Owns how a question about sessions is answered by reading little more than its answer.
 *
 * A question becomes ranges of one index, each newest first, that are merged row by row: one range for each span class.
 * The index is the one of exactly the names that were asked for, the one by login user or by terminal, or the one by directory (`places.ts`). Nothing is
 * left to the planner's estimates.
 */
import type { SessionQuery } from "../../tracker/store.ts";
import { earliestStart, type SpanClass, spanClasses } from "../spans.ts";
import { type DirectoryLimits, type Place, planDirectory, usualLimits } from "./places.ts";
import {
  type Condition,
  countSome,
  equal,
  limited,
  type Prepare,
  type Range,
  rangeSql,
  rangeValues,
  withMore,
} from "./ranges.ts";
import type { Row } from "./rows.ts";

/** A range without what comes, in the order of the answer, before a position or at it. */
interface OrderedRange extends Range {
  readonly after: Position;
}

type Position = readonly [startedAt: string, sessionId: string];

/** What a question becomes: ranges that together hold each matching session once, in order each or few enough to sort. */
type Plan =
  | { readonly isOrdered: true; readonly ranges: readonly OrderedRange[] }
  | { readonly isOrdered: false; readonly ranges: readonly Range[] };

interface Head {
  readonly row: Row;
  readonly rest: Iterator<Row, void>;
}

const keyColumns = ["span_class", "started_at", "session_id"] as const;
const instantWidth = 30;
const largestBatch = 1_024;
/** Behind every instant, and behind an instant but before the next one: the digits and the `Z` sort before it. */
const afterAll = "~";

/** @returns the rows that match, newest start first, at most `query.limit`; they are read as they are taken. */
export function* matchingRows(prepare: Prepare, query: SessionQuery, limits = usualLimits): Generator<Row, void> {
  const limit = Math.max(1, Math.trunc(query.limit ?? Number.MAX_SAFE_INTEGER));
  const plan = planOf(prepare, query, limits);
  const batch = Math.min(largestBatch, Math.ceil((2 * limit) / Math.max(1, plan.ranges.length)));
  const sources = plan.isOrdered
    ? plan.ranges.map((range) => newestFirst(prepare, range, batch))
    : [sorted(prepare, plan.ranges)];
  const heads = sources.flatMap(nextHead);
  for (let count = 0; count < limit && heads.length > 0; count += 1) {
    const newest = heads.reduce((best, head) => (isNewer(head.row, best.row) ? head : best));
    yield newest.row;
    heads.splice(heads.indexOf(newest), 1, ...nextHead(newest.rest));
  }
}

/** @returns the ranges that together hold each matching session once, in no order. */
export function rangesOf(prepare: Prepare, query: SessionQuery): readonly Range[] {
  // Who needs no order does not sort.
  const plan = planOf(prepare, query, { ...usualLimits, longestSort: Number.MAX_SAFE_INTEGER });
  return plan.isOrdered ? plan.ranges.map((range) => from(range, range.after)) : plan.ranges;
}

function planOf(prepare: Prepare, query: SessionQuery, limits: DirectoryLimits): Plan {
  const classes = spanClasses.filter(({ state }) => !query.states?.length || query.states.includes(state));
  const names = namesOf(prepare, query, limits.longestCount);
  const byNames = classes.map((spanClass) => ({ spanClass, range: narrowed(names, spanClass, query) }));
  const ordered = (inside: readonly Condition[]): Plan => ({
    isOrdered: true,
    ranges: byNames.map(({ range, spanClass }) => withMore(range, [...inside, ...lookedUp(query, spanClass)])),
  });
  if (query.cwd === undefined) return ordered([]);
  const others = byNames.map(({ range }) => from(range, range.after));
  const plan = planDirectory(prepare, query.cwd, others, limits);
  if (plan.way === "others") return ordered([plan.inside]);
  if (plan.way === "places") return { isOrdered: true, ranges: rangesOfPlaces(plan.places, classes, query) };
  const conditions = [...inClasses(classes), ...names.conditions, ...inTime(query)];
  return { isOrdered: false, ranges: plan.parts.map((part) => withMore(part, conditions)) };
}

function rangesOfPlaces(
  places: readonly Place[],
  classes: readonly SpanClass[],
  query: SessionQuery,
): readonly OrderedRange[] {
  const byNumber = new Map(classes.map((spanClass) => [spanClass.number, spanClass]));
  return places.flatMap(({ cwd, spanClass: number }) => {
    const spanClass = byNumber.get(number);
    if (spanClass === undefined) return [];
    const range = narrowed({ index: "sessions_by_cwd", conditions: [equal("cwd", cwd)] }, spanClass, query);
    return [withMore(range, [...nameConditions(query), ...lookedUp(query, spanClass)])];
  });
}

/** What is asked for by name: the index in which fewest rows have it, and the conditions that every row of the answer fulfils. */
function namesOf(prepare: Prepare, query: SessionQuery, longestCount: number): Range {
  const [first, ...others] = waysOf(query);
  let index = first.index;
  let fewest = others.length === 0 ? 0 : countSome(prepare, [first], longestCount);
  for (const way of others) {
    const count = countSome(prepare, [way], fewest);
    if (count < fewest) [index, fewest] = [way.index, count];
  }
  return { index, conditions: nameConditions(query) };
}

/** The indexes that are of use, each with what it finds by itself; of equal ones the first tells more by itself. */
function waysOf({ username, hostname, componentName, loginUser, tty }: SessionQuery): readonly [Range, ...Range[]] {
  const names = [
    ["username", "username", username],
    ["hostname", "hostname", hostname],
    ["component", "component_name", componentName],
  ] as const;
  const asked = names.filter(([, , value]) => value !== undefined);
  const byNames: Range = {
    index: `sessions_by_${asked.map(([name]) => name).join("_") || "span"}`,
    conditions: asked.map(([, column, value]) => equal(column, value ?? "")),
  };
  const byLogin = [
    ["login_user", loginUser],
    ["tty", tty],
  ] as const;
  const others = byLogin.flatMap(([column, value]) =>
    value === undefined ? [] : [{ index: `sessions_by_${column}`, conditions: [equal(column, value)] }],
  );
  const [first, ...more] = asked.length === 0 ? others : [...others, byNames];
  return [first ?? byNames, ...more];
}

function nameConditions(query: SessionQuery): readonly Condition[] {
  return waysOf(query).flatMap(({ conditions }) => conditions);
}

/** A range within one span class, in the time that is asked for. */
function narrowed(range: Range, spanClass: SpanClass, query: SessionQuery): OrderedRange {
  const { openSince, startedSince = "" } = query;
  const possible = openSince === undefined ? "" : (earliestStart(spanClass, openSince) ?? "");
  const earliest = possible > startedSince ? possible : startedSince;
  const within = [equal("span_class", spanClass.number), { sql: "started_at >= ?", values: [earliest] }];
  return { ...withMore(range, within), after: firstPosition(query) };
}

/** What an index by names does not tell; it is looked up row by row. */
function lookedUp({ openSince }: SessionQuery, { state }: SpanClass): Condition[] {
  return [...(openSince === undefined || state === "active" ? [] : [{ sql: "closed_at >= ?", values: [openSince] }])];
}

function inClasses(classes: readonly SpanClass[]): Condition[] {
  if (classes.length === spanClasses.length) return [];
  return [{ sql: `span_class IN (${classes.map(() => "?").join(", ")})`, values: classes.map(({ number }) => number) }];
}

/** The time that is asked for and what else is looked up, where no index helps. */
function inTime(query: SessionQuery): Condition[] {
  const { openSince, startedSince } = query;
  return [
    ...(startedSince === undefined ? [] : [{ sql: "started_at >= ?", values: [startedSince] }]),
    before(firstPosition(query)),
    ...(openSince === undefined ? [] : [{ sql: "(closed_at IS NULL OR closed_at >= ?)", values: [openSince] }]),
  ];
}

/** Where a page begins: at the cursor, or before everything that started by `openUntil`. */
function firstPosition({ after, openUntil }: SessionQuery): Position {
  const latest = openUntil === undefined ? afterAll : `${openUntil}${afterAll}`;
  return after !== undefined && after.startedAt < latest ? [after.startedAt, after.sessionId] : [latest, ""];
}

function from(range: Range, position: Position): Range {
  return withMore(range, [before(position)]);
}

function before(position: Position): Condition {
  return { sql: "(started_at, session_id) < (?, ?)", values: position };
}

/** Reads a range in batches that grow, so that neither a short nor a long answer costs more than it must. */
function* newestFirst(prepare: Prepare, range: OrderedRange, firstBatch: number): Generator<Row, void> {
  let position = range.after;
  for (let batch = firstBatch; ; batch = Math.min(2 * batch, largestBatch)) {
    const part = from(range, position);
    const sql = `${rangeSql(part, "*")} ORDER BY started_at DESC, session_id DESC ${limited}`;
    const rows = prepare(sql).all(...rangeValues(part), batch);
    yield* rows;
    const last = rows.at(-1);
    if (last === undefined || rows.length < batch) return;
    position = [last.started_at as string, last.session_id as string];
  }
}

/** Reads all that the index tells of some ranges, puts it in order, and looks up each row when it is taken. */
function* sorted(prepare: Prepare, ranges: readonly Range[]): Generator<Row, void> {
  // One text an entry, in which the start has a fixed width, is sorted in half the time of three columns.
  const entry = "started_at || session_id || ' ' || span_class AS entry";
  const texts = ranges.flatMap((range) =>
    prepare(rangeSql(range, entry))
      .all(...rangeValues(range))
      .map((row) => row.entry as string),
  );
  for (const text of texts.sort().reverse()) {
    const end = text.lastIndexOf(" ");
    const values = [Number(text.slice(end)), text.slice(0, instantWidth), text.slice(instantWidth, end)];
    const range = {
      index: "sessions_by_span",
      conditions: keyColumns.map((name, at) => equal(name, values[at] ?? null)),
    };
    yield* prepare(rangeSql(range, "*")).all(...rangeValues(range));
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
