/** Proves that a record is brought from its file into a database and back whole, however often that is killed, and never into another record. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import fc from "fast-check";
import { migrate } from "../../src/app/migrate.ts";
import type { SessionEvent } from "../../src/tracker/event.ts";
import type { Store } from "../../src/tracker/store.ts";
import { anyLife } from "../support/arbitraries.ts";
import { eventually } from "../support/eventually.ts";
import { refusal } from "../support/refusals.ts";
import { assertRefused, runWell } from "../support/rows.ts";
import { createSandbox, launcher, type Sandbox } from "../support/sandbox.ts";
import { withStore } from "../support/store/history.ts";
import { lasting } from "../support/store/lives.ts";
import { postgresPlace } from "../support/store/postgres.ts";
import { at, endEvent, folded, startEvent } from "../support/store/session-events.ts";
import { openAt, record, recordLives, sqlitePlace } from "../support/store/store-place.ts";

const everything = 1_000_000;
const noProgress = () => {};

/** Sessions of every kind, their events mixed, some of them pruned, the newest too. */
async function fill(store: Store, count: number, seed: number): Promise<void> {
  const lives = fc.sample(anyLife, { numRuns: count, seed }).map((life, index) => {
    const sessionId = `s${seed}-${index}`;
    return life.map((event): SessionEvent => ({ ...event, sessionId, eventId: crypto.randomUUID() }));
  });
  await store.transact(async (tx) => {
    for (let n = 0; n < 8; n += 1)
      for (const life of lives) {
        const event = life[n];
        if (event !== undefined) await tx.appendEvent(event);
      }
    for (const life of lives) await tx.putSession(folded(...life));
  });
  const timestamp = at("0001-01-01T00:00:00Z");
  const known = { sessionId: `first-${seed}` };
  await recordLives(store, [[startEvent({ timestamp }, known), endEvent({ timestamp }, known)]]);
  await store.prune(at("2026-01-01T00:00:00Z"), 20);
}

async function contentOf(store: Store) {
  return {
    head: await store.head(),
    log: await store.events(0, everything),
    sessions: await store.sessions({}),
    pruned: await store.prunedSessions("", everything),
  };
}

async function newDatabase(t: TestContext) {
  const place = postgresPlace(t);
  return { url: place.options.url, store: await openAt(place, t) };
}

const migrated = (sandbox: Sandbox, to: string, env = {}) =>
  runWell(sandbox, ["migrate", "--to", to, "--json"], { env }).then((text) => JSON.parse(text));

test("a record goes into a database, is used there, and comes back into its file", async (t) => {
  const sandbox = createSandbox(t);
  await withStore(sandbox, (store) => fill(store, 300, 1));
  const database = await newDatabase(t);
  const there = await migrated(sandbox, database.url);
  const first = await withStore(sandbox, contentOf);
  assert.deepEqual(await contentOf(database.store), first);
  assert.deepEqual(there, {
    events: first.log.length,
    sessions: first.sessions.length,
    pruned: first.pruned.length,
    position: first.head,
    from: 0,
    mended: 0,
  });
  assert.ok(first.pruned.length > 0 && first.head > (first.log.at(-1)?.seq ?? 0), "nothing was pruned at the end");
  const env = { SESSION_BUDDY_STORE: database.url };
  await runWell(sandbox, ["start", "--component", "new", "--pid", String(process.pid)], { env });
  await database.store.prune(at("2026-03-03T00:00:00Z"), 20);
  const words = await runWell(sandbox, ["migrate", "--to", "file"], { env });
  assert.match(
    words,
    new RegExp(
      `events \\(those after position ${first.head}\\), and compared all\\.\nTo use it: session-buddy config unset store\n`,
    ),
  );
  const last = await withStore(sandbox, contentOf);
  assert.deepEqual(last, await contentOf(database.store));
  assert.equal(last.head, first.head + 1);
  assert.ok(last.pruned.length > first.pruned.length);
});

test("a copy that is killed again and again goes on from where it was, and nothing is lost or doubled", async (t) => {
  const sandbox = createSandbox(t);
  const lives = Array.from({ length: 4_000 }, (_, minutes) => lasting(minutes, "les"));
  await withStore(sandbox, (store) => recordLives(store, lives));
  const database = await newDatabase(t);
  let head = 0;
  for (let kill = 0; kill < 3; kill += 1) {
    const child = spawn(launcher, ["migrate", "--to", database.url], { env: sandbox.env, stdio: "ignore" });
    const closed = once(child, "close");
    await eventually(async () => assert.ok((await database.store.head()) > head));
    child.kill("SIGKILL");
    await closed;
    head = await database.store.head();
  }
  assert.ok(head < 8_000, "it was done before it could be killed");
  const { from, position } = await migrated(sandbox, database.url);
  assert.ok(from >= head);
  assert.equal(position, 8_000);
  assert.deepEqual(await contentOf(database.store), await withStore(sandbox, contentOf));
});

test("what comes on record, or is pruned, after a copy is brought by the next one", async (t) => {
  const [source, target] = [await openAt(sqlitePlace(t), t), (await newDatabase(t)).store];
  await fill(source, 40, 2);
  await migrate(source, target, noProgress);
  await fill(source, 40, 3);
  await source.prune(at("2030-01-01T00:00:00Z"), 5);
  const { from } = await migrate(source, target, noProgress);
  assert.ok(from > 0);
  assert.deepEqual(await contentOf(target), await contentOf(source));
  await migrate(source, target, noProgress);
  assert.deepEqual(await contentOf(target), await contentOf(source));
});

test("a target that has another record is refused and left as it is, and so is the record itself", async (t) => {
  const sandbox = createSandbox(t);
  await withStore(sandbox, (store) => fill(store, 30, 4));
  const database = await newDatabase(t);
  const refusedAs = async (to: string, sentence: RegExp, env = {}) =>
    assertRefused(await sandbox.run(["migrate", "--to", to], { env }), 2, sentence);
  await record(database.store, startEvent());
  const before = await contentOf(database.store);
  await refusedAs(database.url, /the target has another record; name an empty database, or a file that does not exist/);
  assert.deepEqual(await contentOf(database.store), before);
  await refusedAs("file", /the target is the record itself/);
  await refusedAs(database.url, /the target is the record itself/, { SESSION_BUDDY_STORE: database.url });
  await refusedAs("mysql://somewhere/else", /an address of PostgreSQL, the path of a file, or 'file' is needed/);
  const copied = await newDatabase(t);
  await migrated(sandbox, copied.url);
  await record(copied.store, startEvent());
  await refusedAs(copied.url, /the target has another record, or a longer one/);
  await withStore(sandbox, (store) => record(store, startEvent()));
  await refusedAs(copied.url, /the target has another record/);
});

test("a copy that is written to by others meanwhile, or is not what it should be, is told", async (t) => {
  const [source, target] = [await openAt(sqlitePlace(t), t), (await newDatabase(t)).store];
  await fill(source, 40, 5);
  const meddling: Store = {
    ...target,
    takeOver: async (after, part) => {
      await record(target, startEvent());
      return target.takeOver(after, part);
    },
  };
  await assert.rejects(migrate(source, meddling, noProgress), refusal("usage", /is written to by another program/));
  const wrong = (await newDatabase(t)).store;
  await migrate(source, wrong, noProgress);
  const [session] = await wrong.sessions({ limit: 1 });
  assert.ok(session !== undefined);
  await wrong.transact((tx) => tx.putSession({ ...session, cwd: "/elsewhere" }));
  await assert.rejects(migrate(source, wrong, noProgress), refusal("storage.corrupt", /1 sessions are not what/));
});

test("a row that differs from its events in the record is right in the copy", async (t) => {
  const [source, target] = [await openAt(sqlitePlace(t), t), (await newDatabase(t)).store];
  const life = lasting(5, "les");
  await recordLives(source, [life]);
  await source.transact((tx) => tx.putSession({ ...folded(...life), cwd: "/elsewhere" }));
  assert.equal((await migrate(source, target, noProgress)).mended, 1);
  assert.deepEqual(await target.sessions({}), [folded(...life)]);
});

test("a file as the target is made with its owner's rights alone", async (t) => {
  const sandbox = createSandbox(t);
  await withStore(sandbox, (store) => fill(store, 20, 6));
  const place = { ...sqlitePlace(t), options: { path: join(sandbox.folder, "new/other.db") } };
  await migrated(sandbox, place.options.path);
  assert.deepEqual(await contentOf(await openAt(place, t)), await withStore(sandbox, contentOf));
});
