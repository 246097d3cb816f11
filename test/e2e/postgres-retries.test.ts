/** Proves that the shared store keeps the laws of the port while its transactions lose against others again and again. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { indexLaws } from "../contract/store/index-laws.ts";
import { logLaws } from "../contract/store/log-laws.ts";
import { outboxLaws } from "../contract/store/outbox-laws.ts";
import { transferLaws } from "../contract/store/transfer-laws.ts";
import { upkeepLaws } from "../contract/store/upkeep-laws.ts";
import { losingPostgresPlace, sharedCluster } from "../support/store/postgres.ts";

const name = "postgres that loses";

logLaws(name, losingPostgresPlace);
indexLaws(name, losingPostgresPlace);
upkeepLaws(name, losingPostgresPlace);
outboxLaws(name, losingPostgresPlace);
transferLaws(name, losingPostgresPlace);

test("many transactions have lost", () => {
  const lost = Number(
    sharedCluster().psql("SELECT sum(xact_rollback) FROM pg_stat_database WHERE datname = 'postgres'"),
  );
  assert.ok(lost > 50, `only ${lost} have`);
});
