/** What answering a question reads from a database: its statements, and how many rows they look at. */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { usualLimits } from "../../../src/store/sqlite/places.ts";
import { matchingRows } from "../../../src/store/sqlite/query.ts";
import type { SessionQuery } from "../../../src/tracker/store.ts";

export interface Reading {
  readonly sql: ReadonlySet<string>;
  /** Rows that SQLite looked at, those among them that it did not give to the store. */
  readonly rows: number;
  /** The sessions that the store gave as the answer. */
  readonly found: readonly string[];
}

/** What is kept with a database, as a store keeps it with its connection: planning a statement takes longer than most answers. */
interface Reader {
  rows: number;
  readonly statements: Map<string, StatementSync>;
}

const readers = new WeakMap<DatabaseSync, Reader>();

/** Answers a question as the store does. @param limits - with which a directory is searched */
export function readAnswer(database: DatabaseSync, query: SessionQuery, limits = usualLimits): Reading {
  const sql = new Set<string>();
  const reader = readers.get(database) ?? createReader(database);
  reader.rows = 0;
  const prepare = (text: string) => {
    sql.add(text);
    const known = reader.statements.get(text);
    if (known !== undefined) return known;
    const statement = database.prepare(text.replace(" WHERE ", " WHERE seen(started_at) AND "));
    reader.statements.set(text, statement);
    return statement;
  };
  const found = [...matchingRows(prepare, query, limits)].map((row) => String(row.session_id));
  return { sql, rows: reader.rows, found };
}

function createReader(database: DatabaseSync): Reader {
  const reader: Reader = { rows: 0, statements: new Map() };
  readers.set(database, reader);
  // Asked of each entry of an index before anything that is not settled by where the entry lies.
  database.function("seen", { varargs: true }, () => {
    reader.rows += 1;
    return 1;
  });
  return reader;
}
