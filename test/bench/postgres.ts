/**
 * Prints what PostgreSQL takes beside SQLite: events in, one by one and by batches, and the store's questions over histories of
 * growing size. A table for each, then one line of JSON.
 *
 *     node test/bench/postgres.ts 10000 100000 1000000
 *
 * Both are durable (fsync), in folders below TMPDIR that are removed.
 */
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openPostgresStore } from "../../src/store/postgres/store.ts";
import { openSqliteStore } from "../../src/store/sqlite/store.ts";
import type { SessionEvent } from "../../src/tracker/event.ts";
import { foldSession } from "../../src/tracker/fold.ts";
import type { Store } from "../../src/tracker/store.ts";
import { createTracker } from "../../src/tracker/tracker.ts";
import { addressOf, startCluster } from "../support/store/postgres.ts";
import { fillPostgres } from "./fill-postgres.ts";
import { generateHistory, livesOf } from "./generate.ts";
import { printTable } from "./print.ts";
import { scaleQuestions } from "./scale-questions.ts";
import { median, percentile, rounded } from "./statistics.ts";

const sizes = process.argv.slice(2).map(Number);
const runs = Number(process.env.BENCH_RUNS ?? 50);
const ingested = Number(process.env.BENCH_EVENTS ?? 20_000);
const callersAtOnce = 32;
const batch = 200;
const batchesAtOnce = 4;

type Named = readonly [name: "sqlite" | "postgres", store: Store];
type Stores = readonly [Named, Named];

const folder = mkdtempSync(join(tmpdir(), "session-buddy-bench-"));
const cluster = startCluster({ fsync: "on", shared_buffers: "512MB", max_wal_size: "8GB" });

async function openStores(name: string): Promise<Stores> {
  cluster.psql(`CREATE SCHEMA ${name}`);
  return [
    ["sqlite", await openSqliteStore({ path: join(folder, `${name}.db`) })],
    ["postgres", await openPostgresStore({ url: addressOf(cluster, name) })],
  ];
}

async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await work();
  return (performance.now() - startedMs) / 1000;
}

/** Each start and end as a call of its own, so many at once. */
async function recordCalls(store: Store, lives: readonly SessionEvent[][]): Promise<void> {
  const tracker = createTracker({ store, newEventId: randomUUID, hostname: "", directoryProblem: async () => null });
  let next = 0;
  const caller = async () => {
    for (let life = lives[next++]; life !== undefined; life = lives[next++]) {
      const [start, end] = life;
      if (start?.kind !== "start") continue;
      const { sessionId } = await tracker.start({ eventId: start.eventId, content: start.content }, start.observed);
      if (end?.kind === "end") await tracker.end(sessionId, end.content, end.observed);
    }
  };
  await Promise.all(Array.from({ length: callersAtOnce }, caller));
}

/** As a batch of a host is taken: one work asks what it needs in one go. */
async function recordBatches(store: Store, lives: readonly SessionEvent[][]): Promise<void> {
  const batches = Array.from({ length: Math.ceil(lives.length / batch) }, (_, at) =>
    lives.slice(at * batch, (at + 1) * batch),
  );
  let next = 0;
  const sender = async () => {
    for (let some = batches[next++]; some !== undefined; some = batches[next++]) await recordBatch(store, some);
  };
  await Promise.all(Array.from({ length: batchesAtOnce }, sender));
}

function recordBatch(store: Store, lives: readonly SessionEvent[][]): Promise<void> {
  const events = lives.flat();
  return store.transact(async (tx) => {
    const starts = events.filter(({ kind }) => kind === "start");
    await tx.expect({
      eventIds: events.map(({ eventId }) => eventId),
      startEventIds: starts.map(({ eventId }) => eventId),
      sessionIds: starts.map(({ sessionId }) => sessionId),
    });
    for (const life of lives) {
      for (const event of life) {
        if ((await tx.eventById(event.eventId)) !== null) continue;
        if (event.kind === "start" && (await tx.isSessionIdTaken(event.sessionId))) continue;
        await tx.appendEvent(event);
      }
      const session = foldSession(life);
      if (session !== null) await tx.putSession(session);
    }
  });
}

async function measureIngest() {
  const lives = [...livesOf(ingested / 2, 2)];
  const events = lives.flat().length;
  const [one, many] = [await openStores("calls"), await openStores("batches")];
  const ways = [
    ["calls", recordCalls, one],
    ["batches", recordBatches, many],
    ["the same batches again", recordBatches, many],
  ] as const;
  const rows = [];
  for (const [way, work, stores] of ways) {
    const row: Record<string, string | number> = { way, events };
    for (const [name, store] of stores) {
      row[`${name} events/s`] = rounded(events / (await secondsOf(() => work(store, lives))));
    }
    rows.push(row);
  }
  for (const [, store] of [...one, ...many]) await store.close();
  const title = `events in, durable (${callersAtOnce} callers; batches of ${batch} sessions, ${batchesAtOnce} at once)`;
  printTable(title, rows);
  return rows;
}

async function measureQuestions(sessions: number) {
  const name = `s${sessions}`;
  const path = join(folder, `${name}.db`);
  const [[, empty], [, postgres]] = await openStores(name);
  // It is filled past the store.
  await empty.close();
  const options = { sessions, seed: 1 };
  const filled = {
    sqlite: rounded(await secondsOf(async () => generateHistory(path, options))),
    postgres: rounded(await secondsOf(() => fillPostgres(cluster, name, postgres, options))),
  };
  const stores: Stores = [
    ["sqlite", await openSqliteStore({ path })],
    ["postgres", postgres],
  ];
  const rows = [];
  for (const [question, query] of scaleQuestions) {
    const row: Record<string, string | number> = { question };
    for (const [kind, store] of stores) {
      const times: number[] = [];
      for (let run = 0; run < runs; run += 1) times.push((await secondsOf(() => store.sessions(query(run)))) * 1000);
      row[`${kind} p50`] = rounded(median(times));
      row[`${kind} p95`] = rounded(percentile(times, 0.95));
    }
    rows.push(row);
  }
  printTable(`${sessions} sessions (${runs} runs, milliseconds; filled in ${JSON.stringify(filled)} s)`, rows);
  for (const [, store] of stores) await store.close();
  return { sessions, filled, rows };
}

try {
  const ingest = await measureIngest();
  const questions = [];
  for (const sessions of sizes) questions.push(await measureQuestions(sessions));
  process.stdout.write(`${JSON.stringify({ runs, ingest, questions })}\n`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
