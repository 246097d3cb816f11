/** Owns ranges of an index: which rows of it a statement reads. */
import type { SQLInputValue, StatementSync } from "node:sqlite";

export type Prepare = (sql: string) => StatementSync;

/** A part of a WHERE clause with its values. */
export interface Condition {
  readonly sql: string;
  readonly values: readonly SQLInputValue[];
}

/** The rows of one index that fulfil all conditions. */
export interface Range {
  readonly index: string;
  readonly conditions: readonly Condition[];
}

export function equal(column: string, value: SQLInputValue): Condition {
  return { sql: `${column} = ?`, values: [value] };
}

/** @returns a part of the range */
export function withMore<R extends Range>(range: R, conditions: readonly Condition[]): R {
  return { ...range, conditions: [...range.conditions, ...conditions] };
}

/**
 * Ends a statement that reads so many rows at most. SQLite looks at the value of a bare `LIMIT ?` while it plans, and so plans the
 * statement anew each time it is run, which takes many times as long as to find a few rows by an index.
 */
export const limited = "LIMIT +?";

/** @returns the statement that reads `columns` of a range. */
export function rangeSql({ index, conditions }: Range, columns: string): string {
  return `SELECT ${columns} FROM sessions INDEXED BY ${index} WHERE ${conditions.map(({ sql }) => sql).join(" AND ")}`;
}

export function rangeValues({ conditions }: Range): SQLInputValue[] {
  return conditions.flatMap(({ values }) => values);
}

/** @returns how many rows lie in the ranges, `most` when there are as many or more */
export function countSome(prepare: Prepare, ranges: readonly Range[], most: number): number {
  let count = 0;
  for (const range of ranges) {
    if (count >= most) return most;
    const sql = `SELECT count(*) AS n FROM (${rangeSql(range, "1")} ${limited})`;
    count += prepare(sql).get(...rangeValues(range), most - count)?.n as number;
  }
  return count;
}
