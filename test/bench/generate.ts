/** Makes a realistic history fast: people with a rhythm of days and weeks, long-tailed lengths, lost and open shells. */
import { createHash } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import { eventToValues } from "../../src/store/rows.ts";
import { putSessionSql, sessionToValues } from "../../src/store/sqlite/rows.ts";
import type { ToldCircumstances } from "../../src/tracker/circumstances.ts";
import type { Observation, SessionEvent, StartEvent } from "../../src/tracker/event.ts";
import { foldSession, type Session } from "../../src/tracker/fold.ts";
import { instantFromMs } from "../../src/tracker/instant.ts";
import type { LoggedEvent, Store } from "../../src/tracker/store.ts";

export interface HistoryOptions {
  /** How many sessions there are to be. */
  readonly sessions: number;
  /** The same seed makes the same history. */
  readonly seed: number;
}

/** When the history ends; it began three years before, however many sessions it has. */
export const historyEndMs = Date.parse("2026-02-06T12:00:00Z");
export const historyStartMs = Date.parse("2023-02-06T12:00:00Z");

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const users = 200;
const hosts = 40;
/** On each host. */
const terminals = 60;
const orphanedShare = 0.035;
/** At the end of the history so many shells are open. */
const openSessions = 300;
const jobEvery = 1_000;
const rowsPerTransaction = 20_000;
/** What a database takes within the time that a statement has. */
const sessionsPerPart = 2_000;
const components = ["shell", "shell", "shell", "shell", "admin", "agent"];
const shells = ["bash", "bash", "bash", "zsh", "zsh", "fish"];
/** How busy each hour of a working day is; at weekends a fifth of it. */
const busyHours = [1, 1, 1, 1, 1, 2, 4, 10, 22, 30, 30, 26, 18, 24, 28, 26, 22, 14, 8, 6, 5, 4, 3, 2];

/**
 * Fills a store that is there and empty, past its queue but through its own mapping. Its indexes are made at the end.
 *
 * @param path - the database file
 */
export function generateHistory(path: string, { sessions, seed }: HistoryOptions): void {
  const database = new DatabaseSync(path, { defensive: false });
  // A log beside the file would double what is written and the room it takes; whoever dies here starts again.
  database.exec(
    "PRAGMA synchronous = OFF; PRAGMA journal_mode = OFF; PRAGMA cache_size = -1000000; PRAGMA threads = 2",
  );
  const later = database
    .prepare("SELECT type, name, sql FROM sqlite_schema WHERE type IN ('index', 'trigger') AND sql IS NOT NULL")
    .all();
  for (const { type, name } of later) database.exec(`DROP ${type} ${name}`);
  const append = database.prepare("INSERT INTO events (event_id, session_id, kind, body) VALUES (?, ?, ?, ?)");
  const put = database.prepare(putSessionSql);
  database.exec("BEGIN");
  let count = 0;
  for (const life of livesOf(sessions, seed)) {
    for (const event of life) append.run(...eventToValues(event));
    const session = foldSession(life);
    if (session === null) throw new Error("a life without a start");
    put.run(...sessionToValues(session));
    count += 1;
    if (count % rowsPerTransaction === 0) database.exec("COMMIT; BEGIN");
  }
  for (const { sql } of later) database.exec(String(sql));
  database.exec("COMMIT; PRAGMA journal_mode = WAL");
  database.close();
}

/** Fills any store that is there and empty, by its port. A generation of both kinds of store has the same history. */
export async function fillStore(store: Store, { sessions, seed }: HistoryOptions): Promise<void> {
  let head = 0;
  let part: { events: LoggedEvent[]; sessions: Session[] } = { events: [], sessions: [] };
  const take = async () => {
    const after = part.events[0] === undefined ? head : part.events[0].seq - 1;
    if (!(await store.takeOver(after, { ...part, pruned: [], tables: [], head })))
      throw new Error("the store was not empty");
    part = { events: [], sessions: [] };
  };
  for (const life of livesOf(sessions, seed)) {
    for (const event of life) {
      head += 1;
      part.events.push({ seq: head, event });
    }
    const session = foldSession(life);
    if (session !== null) part.sessions.push(session);
    if (part.sessions.length === sessionsPerPart) await take();
  }
  await take();
}

/** The events of each session, by start. */
export function* livesOf(sessions: number, seed: number): Generator<SessionEvent[]> {
  const random = createRandom(seed);
  // Numbers alone: ten million of them take 80 MB.
  const startsMs = Float64Array.from({ length: sessions }, () => startMs(random)).sort();
  for (const [index, ms] of startsMs.entries()) yield lifeOf(index, sessions, ms, random);
}

function lifeOf(index: number, sessions: number, startedMs: number, random: () => number): SessionEvent[] {
  const start = startOf(index, startedMs, random);
  const { sessionId } = start;
  const isOpen = index >= sessions - openSessions && random() < 0.9;
  const endedMs = startedMs + lengthMs(random);
  if (isOpen || endedMs > historyEndMs) return [start];
  const eventId = uuidOf(`end ${index}`);
  if (random() < orphanedShare) {
    const content = {
      lastAliveAt: instantFromMs(startedMs + (endedMs - startedMs) * random()),
      detectedAt: instantFromMs(endedMs),
      proof: "pid_gone" as const,
    };
    return [start, { kind: "death", eventId, sessionId, content, observed: observedAt(endedMs) }];
  }
  const exitCode = random() < 0.9 ? 0 : 130;
  const content = { timestamp: instantFromMs(endedMs), reason: "exit", exitCode, signal: null, metadata: null };
  return [start, { kind: "end", eventId, sessionId, content, observed: observedAt(endedMs) }];
}

function startOf(index: number, startedMs: number, random: () => number): StartEvent {
  const user = skewed(users, random);
  // Most people work on a few machines.
  const host = (user + skewed(hosts, random)) % hosts;
  const username = `user-${user}`;
  const home = `/home/${username}`;
  const usual =
    random() < 0.5 ? home : random() < 0.8 ? `${home}/project-${skewed(20, random)}` : `/srv/app-${skewed(50, random)}`;
  // What makes a directory for each of its jobs.
  const cwd = index % jobEvery === 0 ? `/tmp/job-${index}` : usual;
  const componentName = pick(components, random);
  const timestamp = instantFromMs(startedMs);
  const digits = timestamp.slice(0, 19).replaceAll(/[-:]/g, "").replace("T", "-");
  const pid = 1_000 + Math.floor(random() * 4_000_000);
  return {
    kind: "start",
    eventId: uuidOf(`start ${index}`),
    sessionId: `${componentName}-${digits}-${index.toString(16).padStart(8, "0")}`,
    content: {
      componentName,
      shellType: pick(shells, random),
      timestamp,
      pid,
      username,
      home,
      hostname: `host-${host}`,
      pythonVersion: "",
      platform: "Linux-6.12",
      cwd,
      environmentExtra: { shell_version: "5.2.37(1)-release" },
      metadata: null,
    },
    observed: {
      ...observedAt(startedMs),
      process: {
        hostId: hostIdOf(host),
        bootId: uuidOf(`boot ${host} ${Math.floor(startedMs / (30 * dayMs))}`),
        pidNamespace: "4026531836",
        pid,
        startTicks: String(startedMs % 1_000_000_000),
        executable: "/usr/bin/bash",
        exeId: "65024:1835291",
        comm: "bash",
      },
      circumstances: circumstancesOf(index, user),
    },
  };
}

/** One in eight shells is root's, opened by who logged in. */
function circumstancesOf(index: number, user: number): ToldCircumstances {
  const loginUid = 1_000 + user;
  const isRoot = index % 8 === 0;
  return {
    kernel: {
      uid: isRoot ? 0 : loginUid,
      tty: `pts/${index % terminals}`,
      loginUid,
      loginUser: `user-${user}`,
      auditSession: index,
    },
    ...(isRoot ? { hook: { via: `sudo:user-${user}` } } : {}),
  };
}

/** @param host - its number */
export function hostIdOf(host: number): string {
  return uuidOf(`host ${host}`);
}

function observedAt(ms: number): Observation {
  const recordedAt = instantFromMs(ms + 20);
  return { recordedAt, source: { kind: "hook" }, caller: null, process: null, bootClock: null, circumstances: null };
}

/** A moment of the three years: most of them in working hours. */
function startMs(random: () => number): number {
  for (;;) {
    const ms = historyStartMs + Math.floor(random() * (historyEndMs - historyStartMs));
    const date = new Date(ms);
    const isWeekend = date.getUTCDay() % 6 === 0;
    const busy = (busyHours[date.getUTCHours()] ?? 0) * (isWeekend ? 0.2 : 1);
    if (random() * 30 < busy) return ms;
  }
}

/** A log-normal length: the median is 8 minutes, one in a hundred lasts longer than a day, the longest 60 days. */
function lengthMs(random: () => number): number {
  const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return Math.min(60 * dayMs, 8 * 60_000 * Math.exp(2.23 * normal));
}

/** A number below `count`; small ones are frequent. */
function skewed(count: number, random: () => number): number {
  return Math.floor(count * random() ** 2);
}

function pick<T>(values: readonly T[], random: () => number): T {
  return values[Math.floor(random() * values.length)] as T;
}

/** A UUID version 4 in form, made from a name. */
function uuidOf(name: string): string {
  const digits = createHash("sha1").update(name).digest("hex");
  return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-4${digits.slice(13, 16)}-a${digits.slice(17, 20)}-${digits.slice(20, 32)}`;
}

/** mulberry32: the same numbers from 0 up to 1 for the same seed. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
