/** What a store is asked when its growth is measured, and how what an answer costs is found out. For `scale.ts`. */
import { DatabaseSync } from "node:sqlite";
import { type Instant, instantFromMs } from "../../src/tracker/instant.ts";
import type { SessionQuery, Store } from "../../src/tracker/store.ts";
import { readAnswer } from "../support/store/reading.ts";
import { historyEndMs, historyStartMs } from "./generate.ts";
import { median, percentile, rounded } from "./statistics.ts";

/** What one question costs: milliseconds in the store, and rows. Medians over many values of its parameters. */
export interface QuestionCost {
  readonly question: string;
  readonly medianMs: number;
  readonly p95Ms: number;
  /** Rows that SQLite looked at; the answer's own among them. */
  readonly rowsRead: number;
  readonly rowsFound: number;
}

const limit = 50;
const readings = 10;

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const spanMs = historyEndMs - historyStartMs;
const moment = (run: number): Instant => instantFromMs(historyStartMs + spanMs * (((run * 0.618) % 0.9) + 0.05));
const later = (run: number, ms: number): Instant =>
  instantFromMs(Date.parse(moment(run).slice(0, 23).concat("Z")) + ms);
const at = (run: number) => ({ openSince: moment(run), openUntil: moment(run) });
const user = (run: number) => `user-${(run * 7) % 200}`;
const host = (run: number) => `host-${(run * 3) % 40}`;
const app = (run: number) => `/srv/app-${run % 50}`;

/** Each question with other values at every run, so that it is not the same pages that are read again. */
export const scaleQuestions: readonly (readonly [name: string, query: (run: number) => SessionQuery])[] = [
  ["open sessions", () => ({ states: ["active"] })],
  ["first page", () => ({ limit })],
  ["deep page by cursor", (run) => ({ limit, after: { startedAt: moment(run), sessionId: "" } })],
  ["by user", (run) => ({ limit, username: user(run) })],
  ["by user, deep page", (run) => ({ limit, username: user(run), after: { startedAt: moment(run), sessionId: "" } })],
  ["by host", (run) => ({ limit, hostname: host(run) })],
  ["by component", () => ({ limit, componentName: "agent" })],
  ["by user and host", (run) => ({ limit, username: user(run), hostname: host(run) })],
  ["by user and component, none", (run) => ({ limit, username: user(run), componentName: "none" })],
  ["by login user", (run) => ({ limit, loginUser: user(run) })],
  ["by login user as another", (run) => ({ limit, loginUser: user(run), username: user(run + 1) })],
  ["by login user and host", (run) => ({ limit, loginUser: user(run), hostname: host(run) })],
  ["by terminal", (run) => ({ limit, tty: `pts/${run % 60}` })],
  ["by terminal and host", (run) => ({ limit, tty: `pts/${run % 60}`, hostname: host(run) })],
  ["orphaned", () => ({ limit, states: ["orphaned"] })],
  ["orphaned, by user", (run) => ({ limit, username: user(run), states: ["orphaned"] })],
  ["by directory", (run) => ({ limit, cwd: app(run) })],
  ["by directory and user", (run) => ({ limit, cwd: app(run), username: user(run) })],
  ["by directory and host", (run) => ({ limit, cwd: app(run), hostname: host(run) })],
  ["by directory and component", (run) => ({ limit, cwd: app(run), componentName: "agent" })],
  ["by directory and user, none", (run) => ({ limit, cwd: `/home/${user(run)}`, username: user(run + 1) })],
  ["by directory and host, none", (run) => ({ limit, cwd: app(run), hostname: "none" })],
  ["by directory and component, none", (run) => ({ limit, cwd: app(run), componentName: "none" })],
  ["by home and below", (run) => ({ limit, cwd: `/home/${user(run)}` })],
  ["below /home", () => ({ limit, cwd: "/home" })],
  ["below /home, by user", (run) => ({ limit, cwd: "/home", username: user(run) })],
  ["below /tmp, thousands of directories", () => ({ limit, cwd: "/tmp" })],
  ["below /tmp, by user", (run) => ({ limit, cwd: "/tmp", username: user(run) })],
  ["below /nowhere", () => ({ limit, cwd: "/nowhere" })],
  ["an hour in the past", (run) => ({ limit, openSince: moment(run), openUntil: later(run, hourMs) })],
  ["at a moment", (run) => ({ limit, ...at(run) })],
  ["at a moment, by user", (run) => ({ limit, username: user(run), ...at(run) })],
  ["at a moment, by directory", (run) => ({ limit, cwd: "/srv", ...at(run) })],
  [
    "a month, by host",
    (run) => ({ limit, hostname: host(run), openSince: moment(run), openUntil: later(run, 30 * dayMs) }),
  ],
];

/** Asks every question. @param path - of the file of the store, to see what it reads */
export async function measureQuestions(store: Store, path: string, runs: number): Promise<QuestionCost[]> {
  const database = new DatabaseSync(path, { readOnly: true });
  const costs: QuestionCost[] = [];
  for (const [question, query] of scaleQuestions) {
    const read = Array.from({ length: readings }, (_, run) => readAnswer(database, query(run)));
    const times = await timesOf(runs, (run) => store.sessions(query(run)));
    const rowsRead = median(read.map(({ rows }) => rows));
    costs.push({ question, ...times, rowsRead, rowsFound: median(read.map(({ found }) => found.length)) });
  }
  database.close();
  return [...costs, await measurePages(store, runs), await measureShow(store, runs)];
}

/** The fiftieth page, come to by the cursors of those before it. */
async function measurePages(store: Store, runs: number): Promise<QuestionCost> {
  const page = async (after: SessionQuery["after"]) =>
    store.sessions(after === undefined ? { limit } : { limit, after });
  let before = await page(undefined);
  for (let count = 1; count < 49; count += 1) before = await page(before.at(-1));
  const times = await timesOf(runs, () => page(before.at(-1)));
  return { question: "page 50", ...times, rowsRead: Number.NaN, rowsFound: limit };
}

/** What `show` asks: a session and its events. */
async function measureShow(store: Store, runs: number): Promise<QuestionCost> {
  const found = await Promise.all(
    Array.from({ length: runs }, (_, run) =>
      store.sessions({ limit: 1, after: { startedAt: moment(run), sessionId: "" } }),
    ),
  );
  const ids = found.map(([session]) => session?.sessionId ?? "");
  const times = await timesOf(runs, async (run) => [
    await store.session(ids[run] ?? ""),
    await store.eventsOf(ids[run] ?? ""),
  ]);
  return { question: "one session with its events", ...times, rowsRead: 3, rowsFound: 3 };
}

async function timesOf(runs: number, ask: (run: number) => Promise<unknown>) {
  const times: number[] = [];
  for (let run = 0; run < runs; run += 1) {
    const startedMs = performance.now();
    await ask(run);
    times.push(performance.now() - startedMs);
  }
  return { medianMs: rounded(median(times)), p95Ms: rounded(percentile(times, 0.95)) };
}
