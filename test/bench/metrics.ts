/**
 * Prints what a server's metrics cost: a call that is counted, events that are followed, and a scrape.
 *
 *     node test/bench/metrics.ts
 */
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openApp } from "../../src/app/app.ts";
import { resolveConfig } from "../../src/config/config.ts";
import { createLog } from "../../src/log.ts";
import { createMetrics } from "../../src/server/metrics/metrics.ts";
import { openSqliteStore } from "../../src/store/sqlite/store.ts";
import type { SessionEvent } from "../../src/tracker/event.ts";
import { endEvent, startEvent } from "../support/store/session-events.ts";
import { recordLives } from "../support/store/store-place.ts";
import { generateHistory } from "./generate.ts";
import { printTable } from "./print.ts";
import { median, percentile, rounded } from "./statistics.ts";

const sessions = Number(process.env.BENCH_SESSIONS ?? 100_000);
const runs = Number(process.env.BENCH_RUNS ?? 50);
const components = 100;
const shellTypes = 5;
const followed = 10_000;
const calls = 200_000;

const home = mkdtempSync(join(tmpdir(), "session-buddy-bench-"));
const path = join(home, "sessions.db");
const store = await openSqliteStore({ path });
try {
  generateHistory(path, { sessions, seed: 1 });
  const config = await resolveConfig({ SESSION_BUDDY_HOME: home });
  const app = await openApp(config, createLog({ toStandardError: false, file: null }));
  const rows: { what: string; medianMs: number; p95Ms: number }[] = [];
  const measure = async (what: string, times: number, per: number, work: () => unknown) => {
    const took: number[] = [];
    for (let run = 0; run < times; run += 1) {
      const startedMs = performance.now();
      await work();
      took.push((performance.now() - startedMs) / per);
    }
    rows.push({ what, medianMs: rounded(median(took)), p95Ms: rounded(percentile(took, 0.95)) });
  };

  await measure(`start beside ${sessions} sessions`, 5, 1, () => createMetrics({ store: app.store, version: "1" }));
  const metrics = await createMetrics({ store: app.store, version: "1", storeDeadlineMs: 600_000 });
  await measure("scrape, 3 components", runs, 1, () => metrics.text());
  const call = { eventType: "session_start", status: "tracked", failure: null, seconds: 0.003 } as const;
  await measure("one counted call", 5, calls, () => {
    for (let n = 0; n < calls; n += 1) metrics.observe({ ...call, componentName: `component-${n % components}` });
  });
  await recordLives(
    store,
    lives((life) => life.slice(0, 1)),
  );
  await measure("one followed start", 1, followed, () => metrics.follow());
  await recordLives(
    store,
    lives((life) => life),
  );
  await measure("one followed start with its end", 1, followed, () => metrics.follow());
  await measure(`scrape, ${components} components, ${followed} more open`, runs, 1, () => metrics.text());
  printTable(`What metrics cost (milliseconds)`, rows);
  const { length } = await metrics.text();
  process.stdout.write(`${JSON.stringify({ sessions, textCharacters: length, rows })}\n`);
  await app.close();
} finally {
  await store.close();
  rmSync(home, { recursive: true, force: true });
}

function lives(choose: (life: SessionEvent[]) => SessionEvent[]): SessionEvent[][] {
  return Array.from({ length: followed }, (_, index) => {
    const sessionId = randomUUID();
    const content = { componentName: `component-${index % components}`, shellType: `shell-${index % shellTypes}` };
    return choose([startEvent(content, { sessionId }), endEvent({}, { sessionId })]);
  });
}
