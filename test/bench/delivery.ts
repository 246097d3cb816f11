/**
 * Measures how many events a second a centre takes, durable and through the whole of its reading: over the embedded store
 * and over PostgreSQL, from 1, 50 and 500 hosts at once, and how long a host takes that was offline for a week.
 *
 * `node test/bench/delivery.ts [events]`
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createReceive, type Receive } from "../../src/app/receive.ts";
import { createTurns, type Turns } from "../../src/app/turns.ts";
import { deliveryTurns } from "../../src/server/web/events.ts";
import { openPostgresStore } from "../../src/store/postgres/store.ts";
import { openSqliteStore } from "../../src/store/sqlite/store.ts";
import type { SessionEvent } from "../../src/tracker/event.ts";
import { instantFromMs } from "../../src/tracker/instant.ts";
import type { Store } from "../../src/tracker/store.ts";
import { hostLog } from "../support/delivery.ts";
import { addressOf, startCluster } from "../support/store/postgres.ts";
import { endEvent, observedNothing, startEvent } from "../support/store/session-events.ts";

const silent = { info: () => {}, warning: () => {}, error: () => {} };
const batchSize = 500;
const beginMs = Date.parse("2026-02-06T00:00:00Z");

function livesOf(host: number, events: number): SessionEvent[] {
  return Array.from({ length: Math.ceil(events / 2) }, (_, n) => {
    const sessionId = `shell-${n}`;
    const observed = { ...observedNothing, source: { kind: "hook" as const } };
    const timestamp = instantFromMs(beginMs + n * 997);
    const start = startEvent({ timestamp, hostname: `host-${host}` }, { sessionId, observed });
    return [start, endEvent({}, { sessionId, observed })];
  }).flat();
}

/** What each host sends, as text, made before the clock runs. */
function bodiesOf(host: number, events: number): string[] {
  const lives = livesOf(host, events);
  const log = hostLog(lives);
  return Array.from({ length: Math.ceil(lives.length / batchSize) }, (_, n) =>
    JSON.stringify(log.batch(n * batchSize, Math.min(lives.length, (n + 1) * batchSize))),
  );
}

async function drain(receive: Receive, turns: Turns, host: number, bodies: readonly string[]): Promise<void> {
  const caller = { originId: `key-${host}-${bodies.length}`, name: `host-${host}`, username: null };
  for (const body of bodies) {
    const { outcome } = await turns.run(0, () => receive.take(caller, JSON.parse(body)));
    if (outcome !== "taken") throw new Error(outcome);
  }
}

async function measure(name: string, store: Store, hosts: number, events: number): Promise<void> {
  const receive = createReceive({ store, log: silent });
  const turns = createTurns(deliveryTurns);
  const bodies = Array.from({ length: hosts }, (_, host) => bodiesOf(host, events / hosts));
  const [beginAt, usage] = [performance.now(), process.cpuUsage()];
  await Promise.all(bodies.map((one, host) => drain(receive, turns, host, one)));
  const seconds = (performance.now() - beginAt) / 1_000;
  const { user, system } = process.cpuUsage(usage);
  const own = (user + system) / 1_000_000;
  process.stdout.write(
    `${name}: ${hosts} hosts, ${events} events in ${seconds.toFixed(2)} s: ${Math.round(events / seconds)} a second; ` +
      `${Math.round(events / own)} a second of this process's own time\n`,
  );
}

const events = Number(process.argv[2] ?? 100_000);

async function measureAll(name: string, store: Store): Promise<void> {
  await measure(`${name}, a week offline`, store, 1, 20_000);
  for (const hosts of [50, 500]) await measure(name, store, hosts, events);
  await store.close();
}

const folder = mkdtempSync(join(tmpdir(), "sb-delivery-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
await measureAll("SQLite", await openSqliteStore({ path: join(folder, "sessions.db") }));
const cluster = startCluster({ fsync: "on" });
await measureAll("PostgreSQL", await openPostgresStore({ url: addressOf(cluster, "public") }));
