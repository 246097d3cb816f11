/** Proves that both kinds of store have the same tables beside the log and its fold, so that each can be copied into the other. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { postgresPlace, sharedCluster } from "../../support/store/postgres.ts";
import { openAt, sqlitePlace } from "../../support/store/store-place.ts";

test("the tables have the same names and columns, of texts and whole numbers alone", async (t) => {
  const places = { sqlite: sqlitePlace(t), postgres: postgresPlace(t) };
  const [sqlite, postgres] = [await openAt(places.sqlite, t), await openAt(places.postgres, t)];
  const tables = await sqlite.tables();
  assert.deepEqual(await postgres.tables(), tables);
  assert.ok(tables.length > 0);
  const schema = new URL(places.postgres.options.url.replace("@/", "@localhost/")).searchParams
    .get("options")
    ?.split("=")[1];
  const database = new DatabaseSync(places.sqlite.options.path, { readOnly: true });
  t.after(() => database.close());
  const types: Readonly<Record<string, string>> = { INTEGER: "bigint", TEXT: "text" };
  for (const table of tables) {
    const columns = database.prepare("SELECT name, type FROM pragma_table_info(?) ORDER BY name").all(table);
    const there = sharedCluster().psql(
      `SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = '${schema}' AND table_name = '${table}' ORDER BY column_name COLLATE "C"`,
    );
    const expected = columns.map(({ name, type }) => `${name}|${types[String(type)] ?? type}`);
    assert.deepEqual(there.trim().replaceAll("|uuid", "|text").split("\n"), expected, table);
  }
});
