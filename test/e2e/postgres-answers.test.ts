/**
 * Proves that both kinds of store answer every question about the same history alike, row by row. ANSWERS_SESSIONS says how
 * many sessions are generated for it; 3,000 by default.
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { openPostgresStore } from "../../src/store/postgres/store.ts";
import { openSqliteStore } from "../../src/store/sqlite/store.ts";
import { type Instant, instantFromMs } from "../../src/tracker/instant.ts";
import { type SessionQuery, type Store, statsKeys } from "../../src/tracker/store.ts";
import { fillStore, historyEndMs, hostIdOf } from "../bench/generate.ts";
import { scaleQuestions } from "../bench/scale-questions.ts";
import { overlapAnswers, overlapHistory } from "../contract/store/overlap-history.ts";
import { addressOf, sharedCluster } from "../support/store/postgres.ts";
import { questions } from "../support/store/questions.ts";
import { recordLives } from "../support/store/store-place.ts";

const sessions = Number(process.env.ANSWERS_SESSIONS ?? 3_000);
const pageSize = 500;
const dayMs = 24 * 3_600_000;

interface Both {
  readonly sqlite: Store;
  readonly postgres: Store;
}

const folder = mkdtempSync(join(tmpdir(), "session-buddy-test-"));
const opened: Store[] = [];

async function openBoth(name: string): Promise<Both> {
  const cluster = sharedCluster();
  cluster.psql(`CREATE SCHEMA ${name}`);
  const sqlite = await openSqliteStore({ path: join(folder, `${name}.db`) });
  const postgres = await openPostgresStore({ url: addressOf(cluster, name) });
  opened.push(sqlite, postgres);
  return { sqlite, postgres };
}

let generated: Both;
let overlapping: Both;

before(async () => {
  overlapping = await openBoth("overlapping");
  generated = await openBoth("generated");
  for (const store of Object.values(overlapping)) await recordLives(store, overlapHistory);
  for (const store of Object.values(generated)) await fillStore(store, { sessions, seed: 1 });
  sharedCluster().psql("ANALYZE");
});

after(async () => {
  for (const store of opened) await store.close();
  rmSync(folder, { recursive: true, force: true });
});

async function assertSame({ sqlite, postgres }: Both, ask: (store: Store) => Promise<unknown>, what: string) {
  const [expected, answer] = [await ask(sqlite), await ask(postgres)];
  assert.deepEqual(answer, expected, what);
  return expected;
}

/** The whole answer, page by page. */
async function assertSamePages(both: Both, query: SessionQuery, limit = pageSize): Promise<number> {
  let rows = 0;
  for (let position = query.after; ; ) {
    const asked = { ...query, limit, ...(position === undefined ? {} : { after: position }) };
    const page = (await assertSame(both, (store) => store.sessions(asked), JSON.stringify(asked))) as readonly {
      readonly startedAt: Instant;
      readonly sessionId: string;
    }[];
    rows += page.length;
    position = page.at(-1);
    if (page.length < limit) return rows;
  }
}

test("every event and every session is the same in both", async () => {
  for (let seq = 0, count = pageSize; count > 0; ) {
    const page = await generated.sqlite.events(seq, pageSize);
    assert.deepEqual(await generated.postgres.events(seq, pageSize), page);
    await assertSame(generated, (store) => store.changes(seq, pageSize), `changes after ${seq}`);
    count = page.length;
    seq = page.at(-1)?.seq ?? seq;
  }
  assert.equal(await assertSamePages(generated, {}), sessions);
});

test("the overlap history is answered alike, in pages of any size", async () => {
  for (const [query] of overlapAnswers) {
    for (const limit of [1, 7, 50]) await assertSamePages(overlapping, query, limit);
  }
});

test(`each of ${questions.length} sets of filters is answered alike, to the last page`, async () => {
  let rows = 0;
  for (const query of questions) rows += await assertSamePages(generated, query);
  assert.ok(rows > sessions, `only ${rows} rows were compared`);
});

test("the questions of the benchmark are answered alike, at several moments", async () => {
  for (const [name, query] of scaleQuestions) {
    for (let run = 0; run < 5; run += 1) {
      await assertSame(generated, (store) => store.sessions(query(run)), `${name}, run ${run}`);
    }
  }
});

test("counts, open processes and what is old are answered alike", async () => {
  const filters = questions.filter((_, at) => at % 23 === 0);
  for (const by of statsKeys) {
    for (const query of filters) await assertSame(generated, (store) => store.stats(by, query), JSON.stringify(query));
  }
  await assertSame(generated, (store) => store.componentCounts(), "components");
  const open = await generated.sqlite.sessions({ states: ["active"] });
  assert.ok(open.length > 0);
  for (let host = 0; host < 40; host += 1) {
    const hostId = hostIdOf(host);
    await assertSame(generated, (store) => store.activeOfHost(hostId), `open on ${hostId}`);
    const pids = open.map(({ pid }) => pid);
    await assertSame(generated, (store) => store.activeOfPids(hostId, pids), `pids of ${hostId}`);
  }
  for (const days of [0, 30, 400, 1_000]) {
    const before = instantFromMs(historyEndMs - days * dayMs);
    await assertSame(generated, (store) => store.countPrunable(before), `older than ${days} days`);
  }
});

test("what is pruned, and what is left, is the same in both", async () => {
  const before = instantFromMs(historyEndMs - 400 * dayMs);
  for (let removed = 1; removed > 0; ) {
    removed = (await assertSame(generated, (store) => store.prune(before, 1_000), "pruned")) as number;
  }
  await assertSamePages(generated, {});
  await assertSame(generated, (store) => store.prunedSessions("", 10_000), "ids of pruned sessions");
});
