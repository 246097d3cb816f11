/**
 * A long load on one server, which is killed in the middle: shells that open, close and are asked about over connections
 * that stay open. Afterwards every answer that was given is held against the record.
 */
import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { endArguments, startArguments } from "../events.ts";
import { eventually } from "../eventually.ts";
import type { RunningServer, Sandbox } from "../sandbox.ts";
import { assertSoundBySession } from "../store/soundness.ts";
import { type KeptConnection, keepConnection } from "./kept-connection.ts";
import { type MemoryReport, watchMemory } from "./memory.ts";
import { readMetrics, sumOf } from "./prometheus.ts";

export interface SoakOptions {
  readonly seconds: number;
  readonly connections: number;
}

export interface SoakReport {
  readonly starts: number;
  readonly ends: number;
  readonly questions: number;
  /** Calls that were cut off or found no server; each was sent again until it was answered. */
  readonly repeated: number;
  /** Milliseconds from a call to its answer, of the calls that were answered. */
  readonly latenciesMs: readonly number[];
  /** One for each server; the first one was killed. */
  readonly memory: readonly MemoryReport[];
}

/** What was acknowledged of a shell. */
interface Shell {
  readonly eventId: string;
  isEnded: boolean;
}

interface Running {
  readonly server: RunningServer;
  readonly memory: () => MemoryReport;
}

const components = 5;
/** Each connection has at most so many shells open. */
const mostOpen = 20;
const questionShare = 0.15;
const retryMs = 5;
/** A server that is gone comes back within this time, or never. */
const patienceMs = 60_000;

/** @throws AssertionError when anything that was acknowledged is not on record, once, and as it was acknowledged */
export async function soak(sandbox: Sandbox, { seconds, connections }: SoakOptions): Promise<SoakReport> {
  const start = async (): Promise<Running> => {
    const server = await sandbox.serve();
    return { server, memory: watchMemory(server.child.pid ?? 0) };
  };
  const first = await start();
  const load = new Load(first.server);
  const untilMs = performance.now() + seconds * 1_000;
  const work = Array.from({ length: connections }, (_, index) => load.work(`soak-${index % components}`, untilMs));
  const working = Promise.all([...work, load.operate(untilMs)]);
  // Whoever fails ends the run, be it before the kill.
  await Promise.race([working, pause(seconds * 500)]);
  await first.server.stop("SIGKILL");
  const memory = [first.memory()];
  const second = await start();
  load.server = second.server;
  await working;
  await load.checkMetrics();
  memory.push(second.memory());
  assert.equal((await second.server.stop()).status, 0);
  await load.checkRecord(sandbox.home);
  const { shells, questions, repeated, latenciesMs } = load;
  const ends = [...shells.values()].filter(({ isEnded }) => isEnded).length;
  return { starts: shells.size, ends, questions, repeated, latenciesMs, memory };
}

/** All that is sent, and what was answered. */
class Load {
  readonly shells = new Map<string, Shell>();
  readonly latenciesMs: number[] = [];
  questions = 0;
  repeated = 0;
  server: RunningServer;

  constructor(server: RunningServer) {
    this.server = server;
  }

  /** One connection after the other has a shell opened, ended, or asked about. */
  async work(componentName: string, untilMs: number): Promise<void> {
    const connection = keepConnection();
    const open: string[] = [];
    while (performance.now() < untilMs) {
      const chance = Math.random();
      const id = open[Math.floor(Math.random() * open.length)];
      if (id !== undefined && chance < questionShare) await this.#ask(connection, id);
      else if (id !== undefined && Math.random() * mostOpen < open.length) {
        await this.#end(connection, id);
        open.splice(open.indexOf(id), 1);
      } else open.push(await this.#start(connection, componentName));
    }
    connection.close();
  }

  /** What watches over a server asks it all the time. */
  async operate(untilMs: number): Promise<void> {
    const connection = keepConnection();
    while (performance.now() < untilMs) {
      await this.#untilAnswered(async (url) => {
        assert.match(await connection.get(new URL("/health", url).href), /"status":"ok"/);
        readMetrics(await connection.get(new URL("/metrics", url).href));
      });
      await pause(1_000);
    }
    connection.close();
  }

  /** The server that is left knows every shell that is open, and those of its predecessor are not in its counters. */
  async checkMetrics(): Promise<void> {
    const connection = keepConnection();
    const open = [...this.shells.values()].filter(({ isEnded }) => !isEnded).length;
    // An answer that the store has no time for leaves them out.
    await eventually(async () => {
      const families = readMetrics(await connection.get(new URL("/metrics", this.server.url).href));
      assert.equal(sumOf(families, "active_sessions"), open);
      const started = sumOf(families, "session_start_total");
      assert.ok(started > 0 && started < this.shells.size, `${started} of ${this.shells.size} started`);
    });
    connection.close();
  }

  async checkRecord(home: string): Promise<void> {
    const found = await assertSoundBySession(home, ({ sessionId, startEventId, state }, events) => {
      const { eventId, isEnded } = this.shells.get(sessionId) ?? {};
      assert.deepEqual([startEventId, state], [eventId, isEnded ? "ended" : "active"], sessionId);
      assert.equal(events.length, isEnded ? 2 : 1, `${sessionId} has an event twice`);
    });
    assert.equal(found, this.shells.size, "a shell was acknowledged and is not on record");
  }

  async #start(connection: KeptConnection, componentName: string): Promise<string> {
    const event = startArguments({ component_name: componentName, timestamp: new Date().toISOString() });
    const answer = await this.#call(connection, "track_session_start", event);
    assert.deepEqual([answer.status, answer.error], ["tracked", null]);
    const id = String(answer.session_id);
    assert.ok(!this.shells.has(id), `${id} was given twice`);
    this.shells.set(id, { eventId: String(event.event_id), isEnded: false });
    return id;
  }

  async #end(connection: KeptConnection, id: string): Promise<void> {
    const event = endArguments(id, { timestamp: new Date().toISOString() });
    const answer = await this.#call(connection, "track_session_end", event);
    assert.deepEqual(answer, { session_id: id, status: "ended", error: null });
    (this.shells.get(id) as Shell).isEnded = true;
  }

  async #ask(connection: KeptConnection, id: string): Promise<void> {
    const asked = [
      ["get_session", { session_id: id }],
      ["list_active_sessions", { limit: 20 }],
      ["search_sessions", { username: "les", limit: 20 }],
    ] as const;
    const [tool, args] = asked[this.questions % asked.length] as (typeof asked)[number];
    const answer = await this.#call(connection, tool, args);
    assert.equal(answer.status, "ok");
    if (tool === "get_session") assert.match(JSON.stringify(answer.session), /"state":"active"/);
    this.questions += 1;
  }

  #call(connection: KeptConnection, tool: string, args: unknown): Promise<Readonly<Record<string, unknown>>> {
    return this.#untilAnswered(async (url) => {
      const fromMs = performance.now();
      const answer = await connection.call(url, tool, args);
      this.latenciesMs.push(performance.now() - fromMs);
      return answer;
    });
  }

  /** The same thing is sent to whichever server is there until one answers. */
  async #untilAnswered<T>(send: (url: string) => Promise<T>): Promise<T> {
    const lastTryMs = performance.now() + patienceMs;
    for (;;) {
      try {
        return await send(this.server.url);
      } catch (error) {
        if (error instanceof assert.AssertionError || performance.now() > lastTryMs) throw error;
        this.repeated += 1;
        await pause(retryMs);
      }
    }
  }
}
