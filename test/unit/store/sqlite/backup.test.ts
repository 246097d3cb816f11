/** Proves that a copy of the embedded store is whole, private, made while others write, and never takes the place of a file. */
import assert from "node:assert/strict";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { openSqliteStore } from "../../../../src/store/sqlite/store.ts";
import { SessionBuddyError } from "../../../../src/tracker/errors.ts";
import { overlapHistory } from "../../../contract/store/overlap-history.ts";
import { refusal } from "../../../support/refusals.ts";
import { lasting } from "../../../support/store/lives.ts";
import { startEvent } from "../../../support/store/session-events.ts";
import { eventsIn, openAt, record, recordLives, sqlitePlace } from "../../../support/store/store-place.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";

/** Far more than are made during a copy that starts once. */
const mostWrites = 5_000;

test("a copy is whole, of one moment, private, and made while others write", async (t) => {
  const { place, store } = await openedIn(t);
  const path = join(temporaryFolder(t), "copy.db");
  const lives = (from: number) => Array.from({ length: 3_000 }, (_, index) => lasting(index % 50, `u${from + index}`));
  await recordLives(store, lives(0));
  const before = await store.events(0, 1_000_000);
  const writer = await openAt(place, t);
  const progress: (readonly [number, number])[] = [];
  let written = 0;
  let isDone = false;
  const writing = (async () => {
    while ((!isDone && written < mostWrites) || written === 0) {
      await record(writer, startEvent({}, { sessionId: `w${written}` }));
      written += 1;
    }
  })();
  await store.backup(path, (done, total) => progress.push([done, total]));
  isDone = true;
  await writing;
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.ok(progress.length > 1 && progress.every(([done], index) => done >= (progress[index - 1]?.[0] ?? 0)));
  assert.ok(written < mostWrites, "the copy did not have to wait until nobody wrote");
  const [done, total] = progress.at(-1) ?? [0, 1];
  assert.equal(done, total);
  const copy = await openAt({ ...place, options: { path } }, t);
  assert.deepEqual(await copy.problems(), []);
  assert.deepEqual((await copy.events(0, 1_000_000)).slice(0, before.length), before);
  const sessions = new Set((await copy.sessions({})).map(({ sessionId }) => sessionId));
  assert.deepEqual(new Set((await eventsIn(copy)).map(({ sessionId }) => sessionId)), sessions);
  assert.equal((await eventsIn(writer)).length, before.length + written, "nobody had to wait in vain");
});

test("a copy never takes the place of a file, and none is left where none could be made", async (t) => {
  const { store } = await openedIn(t);
  const folder = temporaryFolder(t);
  const path = join(folder, "notes.txt");
  writeFileSync(path, "my notes\n");
  await assert.rejects(
    store.backup(path, () => {}),
    refusal("usage", /notes\.txt already exists; name a new file/),
  );
  assert.equal(readFileSync(path, "utf8"), "my notes\n");
  const nowhere = join(folder, "missing", "copy.db");
  await assert.rejects(
    store.backup(nowhere, () => {}),
    refusal("storage.unavailable", /missing\/copy\.db cannot be opened/),
  );
  const stopped = join(folder, "stopped.db");
  await recordLives(
    store,
    Array.from({ length: 2_000 }, () => lasting(1, "les")),
  );
  const stop = () => {
    throw new SessionBuddyError("usage", "stopped");
  };
  await assert.rejects(store.backup(stopped, stop), refusal("usage", /stopped/));
  assert.throws(() => statSync(stopped), /ENOENT/);
});

test("closing waits for a count and a copy that are under way", async (t) => {
  const { place, store } = await openedIn(t);
  await recordLives(store, overlapHistory);
  const path = join(temporaryFolder(t), "copy.db");
  const [rows] = await Promise.all([store.stats("state", {}), store.backup(path, () => {}), store.close()]);
  assert.equal(rows.length, 3);
  const copy = await openAt({ ...place, options: { path } }, t);
  assert.equal((await copy.sessions({})).length, 40);
});

async function openedIn(t: TestContext) {
  const place = sqlitePlace(t);
  const store = await openSqliteStore(place.options);
  t.after(() => store.close());
  return { place, store };
}
