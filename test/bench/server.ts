/**
 * Measures how many starts `serve` records a second over HTTP, against a bare echo of the same JSON, and against a server
 * that is set up for every request as the SDK's documents show.
 */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { closeSync, mkdtempSync, openSync, readFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { dirname, join } from "node:path";
import { startArguments } from "../support/events.ts";
import { eventually } from "../support/eventually.ts";
import { launcher, type Sandbox } from "../support/sandbox.ts";
import { median, percentile, rounded } from "./statistics.ts";

/** Calls a second, and how long a call took in milliseconds, at one number of connections. */
export interface ServerRate {
  readonly server: ServerName;
  readonly connections: number;
  readonly callsPerSecond: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
}

export type ServerName = "serve" | "echo" | "per request" | "per request, own commits";

interface Round {
  readonly callsPerSecond: number;
  readonly latenciesMs: readonly number[];
}

/** How many connections at once, and how many calls a round then has. */
const loads: readonly (readonly [connections: number, calls: number])[] = [
  [1, 400],
  [32, 3000],
];

/** A server must say that the event is on record; the echo sends the call back. */
const goodAnswer = /"status":"tracked"|"method":"tools\/call"/;

/** @param rounds - how often each load is put on each server, in turn */
export async function measureServers(sandbox: Sandbox, rounds: number): Promise<readonly ServerRate[]> {
  const standIn = (file: string, ...args: string[]) =>
    start(sandbox, process.execPath, [join(import.meta.dirname, file), ...args]);
  const servers = new Map<ServerName, RunningServer>([
    ["echo", await standIn("echo.ts")],
    ["per request", await standIn("per-request.ts")],
    ["per request, own commits", await standIn("per-request.ts", "own-commits")],
    ["serve", await start(sandbox, launcher, ["serve", "--port", "0"])],
  ]);
  const rates: ServerRate[] = [];
  for (const [connections, calls] of loads) {
    for (const { url } of servers.values()) await putLoad(url, connections, calls);
    const done = new Map<ServerName, Round[]>([...servers.keys()].map((name) => [name, []]));
    for (let round = 0; round < rounds; round += 1) {
      for (const [name, { url }] of servers) done.get(name)?.push(await putLoad(url, connections, calls));
    }
    for (const [name, each] of done) rates.push(toRate(name, connections, each));
  }
  for (const { child } of servers.values()) child.kill();
  return rates;
}

interface RunningServer {
  readonly url: string;
  readonly child: ChildProcess;
}

/** Its log goes to a file, as a service's does: who puts on the load has no time to read it. */
async function start(sandbox: Sandbox, program: string, args: readonly string[]): Promise<RunningServer> {
  const file = join(mkdtempSync(join(sandbox.folder, "server-")), "log");
  const home = join(dirname(file), "sb");
  const log = openSync(file, "w");
  const child = spawn(program, args, {
    env: { ...sandbox.env, SESSION_BUDDY_HOME: home },
    stdio: ["ignore", "ignore", log],
  });
  closeSync(log);
  const url = await eventually(() => {
    const found = /url=(http\S+\/mcp)/.exec(readFileSync(file, "utf8"))?.[1];
    assert.ok(found, `${program} does not listen`);
    return found;
  });
  return { url, child };
}

async function putLoad(url: string, connections: number, calls: number): Promise<Round> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const bodies = Array.from({ length: calls }, makeBody);
  const latenciesMs: number[] = [];
  const worker = async () => {
    for (let body = bodies.pop(); body !== undefined; body = bodies.pop()) {
      const from = performance.now();
      await post(url, agent, body);
      latenciesMs.push(performance.now() - from);
    }
  };
  const from = performance.now();
  await Promise.all(Array.from({ length: connections }, worker));
  const seconds = (performance.now() - from) / 1000;
  agent.destroy();
  return { callsPerSecond: calls / seconds, latenciesMs };
}

let nextSecond = Date.parse("2026-01-01T00:00:00Z");

/** One call of the tool; each event has a second of its own, as shells have that open one after the other. */
function makeBody(): Buffer {
  nextSecond += 1000;
  const event = startArguments({ event_id: randomUUID(), timestamp: new Date(nextSecond).toISOString() });
  const params = { name: "track_session_start", arguments: event };
  return Buffer.from(JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params }));
}

function post(url: string, agent: Agent, body: Buffer): Promise<void> {
  const headers = {
    "Content-Type": "application/json",
    "Content-Length": body.length,
    Accept: "application/json, text/event-stream",
  };
  return new Promise((resolve, reject) => {
    const call = request(url, { method: "POST", agent, headers }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk;
      });
      response.on("end", () => {
        if (response.statusCode === 200 && goodAnswer.test(text)) resolve();
        else reject(new Error(`status ${response.statusCode}: ${text}`));
      });
    });
    call.on("error", reject);
    call.end(body);
  });
}

function toRate(server: ServerName, connections: number, rounds: readonly Round[]): ServerRate {
  const latenciesMs = rounds.flatMap((round) => round.latenciesMs);
  return {
    server,
    connections,
    callsPerSecond: Math.round(median(rounds.map((round) => round.callsPerSecond))),
    p50Ms: rounded(percentile(latenciesMs, 0.5)),
    p95Ms: rounded(percentile(latenciesMs, 0.95)),
    p99Ms: rounded(percentile(latenciesMs, 0.99)),
  };
}
