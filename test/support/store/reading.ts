/** What answering a question reads from a database: its statements, and how many rows they look at. */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { usualLimits } from "../../../src/store/sqlite/places.ts";
import { matchingRows } from "../../../src/store/sqlite/query.ts";
import type { SessionQuery } from "../../../src/tracker/store.ts";

export interface Reading {
  readonly sql: ReadonlySet<string>;
  /** Rows that SQLite looked at, those among them that it did not give to the store. */
  readonly rows: number;
  /** Rows that the store gave as the answer. */
  readonly found: number;
}

/** Answers a question as the store does. @param limits - with which a directory is searched */
export function readAnswer(database: DatabaseSync, query: SessionQuery, limits = usualLimits): Reading {
  const sql = new Set<string>();
  const statements = new Map<string, StatementSync>();
  let rows = 0;
  // Asked of each entry of an index before anything that is not settled by where the entry lies.
  database.function("seen", { varargs: true }, () => {
    rows += 1;
    return 1;
  });
  const prepare = (text: string) => {
    sql.add(text);
    const known = statements.get(text);
    if (known !== undefined) return known;
    const statement = database.prepare(text.replace(" WHERE ", " WHERE seen(started_at) AND "));
    statements.set(text, statement);
    return statement;
  };
  const found = [...matchingRows(prepare, query, limits)].length;
  return { sql, rows, found };
}
