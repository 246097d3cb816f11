/**
 * Owns how the sessions in a directory and below it are looked for.
 *
 * Below a directory may lie no other or thousands, with a handful of sessions or most of all, and what else is asked for
 * may fit many of them or none. So both are counted, as far as it pays, and the way with the least to read is taken.
 */
import { type Condition, countSome, type Prepare, type Range } from "./ranges.ts";

/** One directory with one span class that occurs in it. */
export interface Place {
  readonly cwd: string;
  readonly spanClass: number;
}

export type DirectoryPlan =
  /** All sessions inside are read, and put in order afterwards. */
  | { readonly way: "inside"; readonly parts: readonly Range[] }
  /** The newest ones of each place are merged. */
  | { readonly way: "places"; readonly places: readonly Place[] }
  /** By all else that is asked for; each row tells whether it is inside. */
  | { readonly way: "others"; readonly inside: Condition };

/** How much is counted, sorted and merged, each 1 or more. */
export interface DirectoryLimits {
  /** So many sessions inside are read and sorted faster than their places are found. */
  readonly fewInside: number;
  /** How far both are counted. */
  readonly longestCount: number;
  /** How many places are merged at most. */
  readonly mostPlaces: number;
  /** How many sessions are sorted at most. Where there are more, the next one inside is met soon among all. */
  readonly longestSort: number;
}

export const usualLimits: DirectoryLimits = {
  fewInside: 1_000,
  longestCount: 5_000,
  mostPlaces: 500,
  longestSort: 20_000,
};

/** @param others - the ranges by all else that is asked for, in which every answer lies */
export function planDirectory(
  prepare: Prepare,
  cwd: string,
  others: readonly Range[],
  { fewInside, longestCount, mostPlaces, longestSort }: DirectoryLimits,
): DirectoryPlan {
  const parts = bounds(cwd).map((part): Range => ({ index: "sessions_by_cwd", conditions: [between(part)] }));
  const inside = countSome(prepare, parts, longestCount);
  const byOthers: DirectoryPlan = { way: "others", inside: insideDirectory(cwd) };
  if (countSome(prepare, others, inside) < inside) return byOthers;
  if (inside < fewInside) return { way: "inside", parts };
  const places = placesOf(prepare, cwd, mostPlaces);
  if (places !== null) return { way: "places", places };
  return countSome(prepare, parts, longestSort) < longestSort ? { way: "inside", parts } : byOthers;
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
 * Skips through the index by directory, from one place to the next. One step for both columns, `(cwd, span_class) > (?, ?)`,
 * would go through every session of the place it leaves: SQLite begins with those that are equal.
 *
 * @returns null when there are more than `most`
 */
function placesOf(prepare: Prepare, cwd: string, most: number): Place[] | null {
  const places: Place[] = [];
  for (const [from, to] of bounds(cwd)) {
    let place = firstPlace(prepare, from, to);
    while (place !== null) {
      if (places.length === most) return null;
      places.push(place);
      // No text sorts between a path and the same path with a zero byte after it.
      place = nextClass(prepare, place) ?? firstPlace(prepare, `${place.cwd}\0`, to);
    }
  }
  return places;
}

function firstPlace(prepare: Prepare, from: string, before: string): Place | null {
  const sql =
    "SELECT cwd, span_class FROM sessions INDEXED BY sessions_by_cwd WHERE cwd >= ? AND cwd < ? ORDER BY cwd, span_class LIMIT 1";
  const row = prepare(sql).get(from, before);
  return row === undefined ? null : { cwd: row.cwd as string, spanClass: row.span_class as number };
}

function nextClass(prepare: Prepare, { cwd, spanClass }: Place): Place | null {
  const sql =
    "SELECT span_class FROM sessions INDEXED BY sessions_by_cwd WHERE cwd = ? AND span_class > ? ORDER BY span_class LIMIT 1";
  const row = prepare(sql).get(cwd, spanClass);
  return row === undefined ? null : { cwd, spanClass: row.span_class as number };
}
