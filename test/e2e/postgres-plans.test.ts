/**
 * Proves that PostgreSQL answers a page of any question through an index and looks at few rows beside it. PLANS_SESSIONS says of
 * how many sessions; 8,000 by default.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Client, type ClientConfig } from "pg";
import { parseAddress } from "../../src/store/postgres/address.ts";
import { openPostgresStore } from "../../src/store/postgres/store.ts";
import { fillPostgres } from "../bench/fill-postgres.ts";
import { scaleQuestions } from "../bench/scale-questions.ts";
import { rowsRead, stepsOf } from "../support/store/plans.ts";
import { addressOf, sharedCluster } from "../support/store/postgres.ts";

const sessions = Number(process.env.PLANS_SESSIONS ?? 8_000);
/** So many may be sorted, where a user has no more; at a moment of a large history less than 0.3 % of them are open or long. */
const mostRows = Math.max(1_500, sessions / 300);
/** Each is answered from one index in the order of the answer. */
const inOrder = ["first page", "deep page by cursor", "by component"];

let client: Client;

before(async () => {
  const cluster = sharedCluster();
  cluster.psql("CREATE SCHEMA plans");
  const url = addressOf(cluster, "plans");
  const store = await openPostgresStore({ url });
  await fillPostgres(cluster, "plans", store, { sessions, seed: 1 });
  await store.close();
  cluster.psql("VACUUM ANALYZE");
  client = new Client(parseAddress(url, null).connection as ClientConfig);
  await client.connect();
  await client.query("SET jit = off");
});

after(() => client.end());

for (const [name, query] of scaleQuestions) {
  test(`${name}: by an index, and few rows beside the answer`, async () => {
    for (const run of [0, 3]) {
      const steps = await stepsOf(client, query(run));
      const tables = steps.filter((step) => step["Relation Name"] === "sessions" || step["Index Name"] !== undefined);
      const kinds = tables.map((step) => step["Node Type"]);
      assert.ok(kinds.length > 0 && !kinds.includes("Seq Scan"), `run ${run}: ${kinds.join(", ")}`);
      const rows = rowsRead(steps);
      assert.ok(rows <= mostRows, `run ${run}: ${rows} rows`);
      if (!inOrder.includes(name)) continue;
      assert.ok(
        steps.every((step) => step["Node Type"] !== "Sort"),
        `run ${run}: it is sorted`,
      );
    }
  });
}
