/** Proves that nothing of the record is ever in a file outside the data folder, however large a transaction is. */
import assert from "node:assert/strict";
import { watch, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { eventually } from "../../../support/eventually.ts";
import { at, endEvent, startEvent } from "../../../support/store/session-events.ts";
import { openAt, recordLives, sqlitePlace } from "../../../support/store/store-place.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";

const sessions = 4_000;
/** Long names, so that the rows together are more than SQLite sorts without a file. */
const below = "d".repeat(500);

test("many sessions recorded, sorted and pruned at once leave no temporary file", async (t) => {
  const folder = temporaryFolder(t);
  // SQLite looks at it once, when the first database of the process is opened.
  process.env.SQLITE_TMPDIR = folder;
  // A file that is unlinked as soon as it is made is seen all the same.
  const made = new Set<string | null>();
  const watcher = watch(folder, (_, name) => made.add(name));
  t.after(() => watcher.close());

  const store = await openAt(sqlitePlace(t), t);
  const lives = Array.from({ length: sessions }, (_, index) => {
    const own = { sessionId: `s-${index}` };
    return [startEvent({ cwd: `/home/${index % 700}/${below}` }, own), endEvent({}, own)] as const;
  });
  await Promise.all(lives.map((life) => recordLives(store, [life])));
  assert.equal((await store.sessions({ cwd: "/home" })).length, sessions);
  assert.equal(await store.prune(at("2027-01-01T00:00:00Z"), sessions), sessions);
  writeFileSync(join(folder, "last"), "");
  await eventually(() => assert.ok(made.has("last")));
  assert.deepEqual([...made], ["last"]);

  fillTemporaryTable();
  await eventually(() => assert.ok(made.size > 1, "a temporary file would not be seen here"));
});

/** What SQLite does by itself with more than fits its cache. */
function fillTemporaryTable(): void {
  const database = new DatabaseSync(":memory:");
  database.exec("PRAGMA cache_size = 10; CREATE TEMP TABLE numbers (n TEXT)");
  database.exec(
    "WITH RECURSIVE up(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM up WHERE n < 5000) INSERT INTO numbers SELECT hex(zeroblob(200)) FROM up",
  );
  database.close();
}
