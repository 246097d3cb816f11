/** What answering a question reads from a database: its statements, and how many rows they give. */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { matchingRows } from "../../src/store/sqlite-query.ts";
import type { SessionQuery } from "../../src/tracker/store.ts";

export interface Reading {
  readonly sql: ReadonlySet<string>;
  /** Rows that SQLite gave to the store. */
  readonly rows: number;
  /** Rows that the store gave as the answer. */
  readonly found: number;
}

/** Answers a question as the store does. */
export function readAnswer(database: DatabaseSync, query: SessionQuery): Reading {
  const sql = new Set<string>();
  let rows = 0;
  const prepare = (text: string) => {
    sql.add(text);
    const statement = database.prepare(text);
    return {
      all(...values: string[]) {
        const given = statement.all(...values);
        rows += given.length;
        return given;
      },
      get(...values: string[]) {
        rows += 1;
        return statement.get(...values);
      },
    } as unknown as StatementSync;
  };
  const found = [...matchingRows(prepare, query)].length;
  return { sql, rows, found };
}
