/** Files of the database as earlier versions of the program wrote them. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import { root } from "../sandbox.ts";

/** What is in one of them. */
export interface Kept {
  readonly user_version: number;
  readonly application_id: number;
  readonly schema: readonly string[];
  readonly events: readonly Record<string, SQLInputValue>[];
  readonly pruned_sessions: readonly Record<string, SQLInputValue>[];
  readonly sessions: readonly Record<string, SQLInputValue>[];
}

/** Writes the file that is kept of a version. @returns what is in it */
export function writeVersion(path: string, version: number): Kept {
  const kept: Kept = JSON.parse(readFileSync(join(root, `test/contract/store/version-${version}.json`), "utf8"));
  const database = new DatabaseSync(path);
  database.exec(`PRAGMA journal_mode = WAL; PRAGMA application_id = ${kept.application_id}; BEGIN`);
  const [triggers, tables] = [kept.schema.filter(isTrigger), kept.schema.filter((sql) => !isTrigger(sql))];
  for (const sql of tables) database.exec(sql);
  for (const table of ["events", "sessions", "pruned_sessions"] as const) {
    for (const row of kept[table]) {
      const names = Object.keys(row);
      const places = names.map(() => "?").join(", ");
      database.prepare(`INSERT INTO ${table} (${names.join(", ")}) VALUES (${places})`).run(...Object.values(row));
    }
  }
  for (const sql of triggers) database.exec(sql);
  database.exec(`PRAGMA user_version = ${kept.user_version}; COMMIT`);
  database.close();
  return kept;
}

function isTrigger(sql: string): boolean {
  return sql.startsWith("CREATE TRIGGER");
}
