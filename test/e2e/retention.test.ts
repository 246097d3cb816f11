/** Proves that a server removes what ended long ago where it is told to, a bounded part at each tick, and nothing otherwise. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { createRetention } from "../../src/app/retention.ts";
import type { Config } from "../../src/config/config.ts";
import { createLog } from "../../src/log.ts";
import { instantFromMs } from "../../src/tracker/instant.ts";
import type { Store } from "../../src/tracker/store.ts";
import { eventually } from "../support/eventually.ts";
import { createSandbox } from "../support/sandbox.ts";
import { withStore } from "../support/store/history.ts";
import { lasting, livesStartedAt } from "../support/store/lives.ts";
import { endEvent, startEvent } from "../support/store/session-events.ts";
import { openAt, recordLives, sqlitePlace } from "../support/store/store-place.ts";

const dayMs = 24 * 3_600_000;
const keepADay = { settings: { keep_days: 1 } } as Config;
const log = createLog({ toStandardError: false, file: null });

/** Two that ended long ago, one that is open since then, and one that ended just now. */
async function fill(store: Store): Promise<void> {
  const now = { timestamp: instantFromMs(Date.now()) };
  const recent = [startEvent(now, { sessionId: "recent" }), endEvent(now, { sessionId: "recent" })];
  await recordLives(store, [lasting(1, "old"), lasting("lost", "old"), lasting(null, "open"), recent]);
}

const usersOf = async (store: Store) => (await store.sessions({})).map(({ username }) => username).sort();

async function assertKeeps(
  t: TestContext,
  keepDays: string,
  users: readonly string[],
  isLogged: boolean,
): Promise<void> {
  const sandbox = createSandbox(t);
  await withStore(sandbox, fill);
  const server = await sandbox.serve({ SESSION_BUDDY_KEEP_DAYS: keepDays });
  if (isLogged) await eventually(() => assert.match(server.log(), /Old sessions removed.*sessions=2/));
  const { stderr } = await server.stop();
  assert.equal(/Old sessions/.test(stderr), isLogged);
  assert.deepEqual(await withStore(sandbox, usersOf), users);
}

test("a server removes what ended longer ago than it is told", (t) => assertKeeps(t, "30", ["les", "open"], true));

test("a server that is told nothing removes nothing", (t) => assertKeeps(t, "", ["les", "old", "old", "open"], false));

test("however much is old, a tick removes a part, and the next one goes on", async (t) => {
  const store = await openAt(sqlitePlace(t), t);
  const lives = Array.from({ length: 5_200 }, () => lasting(0, "old"));
  await recordLives(store, lives);
  const removeOld = createRetention(
    { store, config: keepADay, log },
    () => Date.parse(`${livesStartedAt.slice(0, 19)}Z`) + 2 * dayMs,
  );
  await removeOld();
  assert.equal((await store.sessions({})).length, 200);
  await removeOld();
  assert.deepEqual(await store.sessions({}), []);
});

test("a store that cannot remove anything is told of, and the server goes on", async () => {
  const refuse = () => Promise.reject(new Error("no"));
  const store = { deliveries: async () => [], prune: refuse } as unknown as Store;
  await createRetention({ store, config: keepADay, log })();
});
