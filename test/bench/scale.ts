/**
 * Prints what the store's questions cost in histories of growing size: a table for each size, then one line of JSON.
 *
 *     node test/bench/scale.ts 10000 100000 1000000
 *
 * A history is made in a folder of its own, below TMPDIR, and removed; ten million sessions take about 60 GB there while
 * they are copied.
 */
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { openSqliteStore } from "../../src/store/sqlite.ts";
import type { SessionEvent } from "../../src/tracker/event.ts";
import { foldSession } from "../../src/tracker/fold.ts";
import { type Instant, instantFromMs } from "../../src/tracker/instant.ts";
import type { SessionQuery, Store } from "../../src/tracker/store.ts";
import { readAnswer } from "../support/reading.ts";
import { generateHistory, historyEndMs, historyStartMs } from "./generate.ts";
import { printTable } from "./print.ts";
import { median, percentile, rounded } from "./statistics.ts";

/** What one question costs: milliseconds in the store, and rows. Medians over many values of its parameters. */
export interface QuestionCost {
  readonly question: string;
  readonly medianMs: number;
  readonly p95Ms: number;
  /** Rows that SQLite gave to the store; the answer's own among them. */
  readonly rowsRead: number;
  readonly rowsFound: number;
}

/** What a task over the whole store takes, in seconds. */
export interface TaskCost {
  readonly task: string;
  readonly seconds: number;
}

const sizes = process.argv.slice(2).map(Number);
const runs = Number(process.env.BENCH_RUNS ?? 100);
const seed = 1;
const limit = 50;
const foldPage = 10_000;
const pruneBatch = 5_000;

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const spanMs = historyEndMs - historyStartMs;
const moment = (run: number): Instant => instantFromMs(historyStartMs + spanMs * (((run * 0.618) % 0.9) + 0.05));
const later = (run: number, ms: number): Instant =>
  instantFromMs(Date.parse(moment(run).slice(0, 23).concat("Z")) + ms);
const user = (run: number) => `user-${(run * 7) % 200}`;
const host = (run: number) => `host-${(run * 3) % 40}`;

/** Each question with other values at every run, so that it is not the same pages that are read again. */
const questions: readonly (readonly [name: string, query: (run: number) => SessionQuery])[] = [
  ["open sessions", () => ({ states: ["active"] })],
  ["first page", () => ({ limit })],
  ["deep page by cursor", (run) => ({ limit, after: { startedAt: moment(run), sessionId: "" } })],
  ["by user", (run) => ({ limit, username: user(run) })],
  ["by user, deep page", (run) => ({ limit, username: user(run), after: { startedAt: moment(run), sessionId: "" } })],
  ["by host", (run) => ({ limit, hostname: host(run) })],
  ["by component", () => ({ limit, componentName: "agent" })],
  ["by user and host", (run) => ({ limit, username: user(run), hostname: host(run) })],
  ["by user and component, none", (run) => ({ limit, username: user(run), componentName: "none" })],
  ["orphaned, by user", (run) => ({ limit, username: user(run), states: ["orphaned"] })],
  ["by directory", (run) => ({ limit, cwd: `/srv/app-${run % 50}` })],
  ["by directory and user", (run) => ({ limit, cwd: `/srv/app-${run % 50}`, username: user(run) })],
  ["by home and below", (run) => ({ limit, cwd: `/home/${user(run)}` })],
  ["below /home", () => ({ limit, cwd: "/home" })],
  ["below /nowhere", () => ({ limit, cwd: "/nowhere" })],
  ["an hour in the past", (run) => ({ limit, openSince: moment(run), openUntil: later(run, hourMs) })],
  ["at a moment", (run) => ({ limit, openSince: moment(run), openUntil: moment(run) })],
  ["at a moment, by user", (run) => ({ limit, username: user(run), openSince: moment(run), openUntil: moment(run) })],
  ["at a moment, by directory", (run) => ({ limit, cwd: "/srv", openSince: moment(run), openUntil: moment(run) })],
  [
    "a month, by host",
    (run) => ({ limit, hostname: host(run), openSince: moment(run), openUntil: later(run, 30 * dayMs) }),
  ],
];

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
    const costs = await measureQuestions(store, path);
    printTable(`${sessions} sessions, ${bytesPerSession} bytes each (${runs} runs, milliseconds)`, costs);
    const tasks = [generate, ...(await measureTasks(store, folder))];
    printTable(`${sessions} sessions, tasks over the whole store`, tasks);
    await store.close();
    return { sessions, bytesPerSession, questions: costs, tasks };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measureQuestions(store: Store, path: string): Promise<QuestionCost[]> {
  const database = new DatabaseSync(path, { readOnly: true });
  const costs: QuestionCost[] = [];
  for (const [question, query] of questions) {
    const readings = Array.from({ length: 10 }, (_, run) => readAnswer(database, query(run)));
    const times: number[] = [];
    for (let run = 0; run < runs; run += 1) {
      const startedMs = performance.now();
      await store.sessions(query(run));
      times.push(performance.now() - startedMs);
    }
    costs.push({
      question,
      medianMs: rounded(median(times)),
      p95Ms: rounded(percentile(times, 0.95)),
      rowsRead: median(readings.map(({ rows }) => rows)),
      rowsFound: median(readings.map(({ found }) => found)),
    });
  }
  database.close();
  return costs;
}

async function measureTasks(store: Store, folder: string): Promise<TaskCost[]> {
  const old = instantFromMs(historyEndMs - 400 * dayMs);
  const week = { openSince: instantFromMs(historyEndMs - 7 * dayMs) };
  return [
    await timed("stats by user", () => store.stats("user", {})),
    await timed("stats by day, a week", () => store.stats("day", week)),
    await timed("stats by host, one user", () => store.stats("host", { username: "user-3" })),
    await timed("fold of the log", () => foldAll(store)),
    await timed("backup", () => store.backup(join(folder, "backup.db"), () => {})),
    await timed("integrity check", () => store.problems()),
    await timed("count of what is older than 400 days", () => store.countPrunable(old)),
    await timed("prune of it", () => pruneAll(store, old)),
  ];
}

/** The work of a rebuild: every event is read, and every session folded. */
async function foldAll(store: Store): Promise<void> {
  const lives = new Map<string, SessionEvent[]>();
  for (let after = 0; ; ) {
    const page = await store.events(after, foldPage);
    for (const { event } of page) {
      const life = [...(lives.get(event.sessionId) ?? []), event];
      if (event.kind === "end") {
        lives.delete(event.sessionId);
        foldSession(life);
      } else lives.set(event.sessionId, life);
    }
    const last = page.at(-1);
    if (last === undefined) break;
    after = last.seq;
  }
  for (const life of lives.values()) foldSession(life);
}

async function pruneAll(store: Store, before: Instant): Promise<void> {
  while ((await store.prune(before, pruneBatch)) > 0);
}

async function timed(task: string, work: () => Promise<unknown>): Promise<TaskCost> {
  const startedMs = performance.now();
  await work();
  return { task, seconds: rounded((performance.now() - startedMs) / 1000) };
}
