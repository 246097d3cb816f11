/** Proves that the shared store keeps the laws of the port on the newest PostgreSQL as on the machine's. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { indexLaws } from "../contract/store/index-laws.ts";
import { logLaws } from "../contract/store/log-laws.ts";
import { outboxLaws } from "../contract/store/outbox-laws.ts";
import { transferLaws } from "../contract/store/transfer-laws.ts";
import { upkeepLaws } from "../contract/store/upkeep-laws.ts";
import { newestPostgresPlace, sharedCluster } from "../support/store/postgres.ts";

const name = "newest postgres";

test("the server is of a newer version than that of the machine", () => {
  const version = (cluster = sharedCluster()) => Number(cluster.psql("SHOW server_version_num"));
  assert.ok(version(sharedCluster("newest")) > version());
});

logLaws(name, newestPostgresPlace);
indexLaws(name, newestPostgresPlace);
upkeepLaws(name, newestPostgresPlace);
outboxLaws(name, newestPostgresPlace);
transferLaws(name, newestPostgresPlace);
