/** Fills a PostgreSQL store fast: its indexes are made when the rows are there. */
import type { Store } from "../../src/tracker/store.ts";
import type { Cluster } from "../support/store/postgres.ts";
import { fillStore, type HistoryOptions } from "./generate.ts";

/** @param schema - of the store, which is there and empty */
export async function fillPostgres(
  cluster: Cluster,
  schema: string,
  store: Store,
  options: HistoryOptions,
): Promise<void> {
  const where = `schemaname = '${schema}' AND tablename IN ('events', 'sessions') AND indexdef LIKE 'CREATE INDEX %'`;
  const indexes = cluster.psql(`SELECT indexdef FROM pg_indexes WHERE ${where}`).trim().split("\n");
  const names = cluster.psql(`SELECT indexname FROM pg_indexes WHERE ${where}`).trim().split("\n");
  cluster.psql(names.map((name) => `DROP INDEX ${schema}.${name}`).join("; "));
  await fillStore(store, options);
  for (const index of indexes) cluster.psql(index);
  cluster.psql("VACUUM ANALYZE");
}
