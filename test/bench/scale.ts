/**
 * Prints what the store's questions cost in histories of growing size: a table for each size, then one line of JSON.
 *
 *     node test/bench/scale.ts 10000 100000 1000000
 *
 * A history is made in a folder of its own, below TMPDIR, and removed. Ten million sessions take about 25 GB there and 10
 * minutes to be made; SQLITE_TMPDIR should name a folder on the same disk, where their indexes are sorted.
 */
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { rebuild } from "../../src/app/rebuild.ts";
import { openSqliteStore } from "../../src/store/sqlite/store.ts";
import { type Instant, instantFromMs } from "../../src/tracker/instant.ts";
import type { Store } from "../../src/tracker/store.ts";
import { generateHistory, historyEndMs } from "./generate.ts";
import { printTable } from "./print.ts";
import { measureQuestions } from "./scale-questions.ts";
import { rounded } from "./statistics.ts";

/** What a task over the whole store takes, in seconds. */
export interface TaskCost {
  readonly task: string;
  readonly seconds: number;
}

const sizes = process.argv.slice(2).map(Number);
const runs = Number(process.env.BENCH_RUNS ?? 100);
const seed = 1;
const pruneBatch = 5_000;
/** Of more sessions than this the tasks that go through each of them are left out: their time grows with the number. */
const mostForTasks = 1_000_000;

const dayMs = 24 * 3_600_000;

const results = [];
for (const sessions of sizes) results.push(await measureSize(sessions));
process.stdout.write(`${JSON.stringify({ runs, results })}\n`);

async function measureSize(sessions: number) {
  const folder = mkdtempSync(join(tmpdir(), "session-buddy-bench-"));
  const path = join(folder, "sessions.db");
  try {
    await (await openSqliteStore({ path })).close();
    const generate = await timed("generate", async () => generateHistory(path, { sessions, seed }));
    const bytesPerSession = rounded(statSync(path).size / sessions);
    const store = await openSqliteStore({ path });
    const costs = await measureQuestions(store, path, runs);
    printTable(`${sessions} sessions, ${bytesPerSession} bytes each (${runs} runs, milliseconds)`, costs);
    const tasks = [generate, ...(await measureTasks(store, folder, sessions))];
    printTable(`${sessions} sessions, tasks over the whole store`, tasks);
    await store.close();
    return { sessions, bytesPerSession, questions: costs, tasks };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measureTasks(store: Store, folder: string, sessions: number): Promise<TaskCost[]> {
  const old = instantFromMs(historyEndMs - 400 * dayMs);
  const week = { openSince: instantFromMs(historyEndMs - 7 * dayMs) };
  const stats = [
    await timed("stats by user", () => store.stats("user", {})),
    await timed("stats by host", () => store.stats("host", {})),
    await timed("stats by component", () => store.stats("component", {})),
    await timed("stats by state", () => store.stats("state", {})),
    await timed("stats by day", () => store.stats("day", {})),
    await timed("stats by day, a week", () => store.stats("day", week)),
    await timed("stats by host, one user", () => store.stats("host", { username: "user-3" })),
    await timed("count of what is older than 400 days", () => store.countPrunable(old)),
  ];
  if (sessions > mostForTasks) return stats;
  return [
    ...stats,
    await timed("rebuild --check", () => rebuild(store, { isCheck: true, onProgress: () => {} })),
    await timed("backup", () => store.backup(join(folder, "backup.db"), () => {})),
    await timed("integrity check", () => store.problems()),
    await timed("prune of what is older than 400 days", () => pruneAll(store, old)),
  ];
}

async function pruneAll(store: Store, before: Instant): Promise<void> {
  while ((await store.prune(before, pruneBatch)) > 0);
}

async function timed(task: string, work: () => Promise<unknown>): Promise<TaskCost> {
  const startedMs = performance.now();
  await work();
  return { task, seconds: rounded((performance.now() - startedMs) / 1000) };
}
