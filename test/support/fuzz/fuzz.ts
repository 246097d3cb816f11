/** What every test of random inputs shares: how many, from which seed, and what must be true of a server afterwards. */
import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { endArguments, startArguments } from "../events.ts";
import { createSandbox, type RunningServer } from "../sandbox.ts";
import { ask, toolCall } from "../server/raw-http.ts";
import { collectingNode, memoryOf } from "./collecting-node.ts";

/** How many inputs each test tries; FUZZ_INPUTS says more. */
export const inputCount = Number(process.env.FUZZ_INPUTS || 100_000);

/**
 * Parameters for fast-check. A failure prints the seed and the path to its input; FUZZ_SEED tries others.
 *
 * @param inputsPerRun - how many inputs one run of the property tries
 */
export function fuzzing(inputsPerRun = 1) {
  return { seed: Number(process.env.FUZZ_SEED || 20_260_206), numRuns: Math.ceil(inputCount / inputsPerRun) };
}

/** The same where every run asks a server: a smaller input would be looked for among requests that get no answer. */
export function fuzzingServer(inputsPerRun: number) {
  return { ...fuzzing(inputsPerRun), endOnFailure: true };
}

/** So much may stay behind after any number of inputs: caches that fill up, and what the allocator keeps for later. */
const mostGrowthMiB = { heap: 5, resident: 192 };
const bytesPerMiB = 1_048_576;
const mostLooks = 10;

/**
 * Gives any inputs to what runs in this process: it must throw nothing and keep nothing.
 *
 * @param runtimeBytes - what Node.js itself may keep of each input, in bytes
 */
export function fuzzed<T>(t: TestContext, inputs: fc.Arbitrary<T>, check: (input: T) => void, runtimeBytes = 0): void {
  const property = fc.property(inputs, (input) => check(input));
  fc.assert(property, { seed: 1, numRuns: 2_000 });
  const before = collectedHeap();
  fc.assert(property, fuzzing());
  const after = collectedHeap();
  t.diagnostic(shown("heap", before, after));
  assertGrowth("heap", before, after - (runtimeBytes * inputCount) / bytesPerMiB);
}

/** Starts a server that limits nobody, so that every input reaches what is behind the limits. */
export async function openFuzzedServer(t: TestContext, env: Readonly<Record<string, string>> = {}) {
  const unlimited = {
    SESSION_BUDDY_MAX_CALLS_PER_SECOND: "0",
    SESSION_BUDDY_MAX_CONNECTIONS: "0",
    SESSION_BUDDY_MAX_REFUSALS_PER_MINUTE: "0",
  };
  const sandbox = createSandbox(t);
  return sandbox.serve({ ...unlimited, ...collectingNode(sandbox.folder), ...env });
}

/** Runs the inputs and proves that the server is as good as before: no more memory, no fault of its own, and it records. */
export async function assertUnharmed(
  t: TestContext,
  server: RunningServer,
  warmUp: () => Promise<void>,
  inputs: () => Promise<void>,
) {
  await warmUp();
  const before = await memoryOf(server);
  const from = performance.now();
  await inputs();
  const seconds = (performance.now() - from) / 1000;
  const after = await settledMemory(server, before);
  t.diagnostic(
    `inputs took ${seconds.toFixed(1)} s; ${shown("resident", before.resident, after.resident)}; ${shown("heap", before.heap, after.heap)}`,
  );
  assert.equal(server.child.exitCode, null, server.log().slice(-2_000));
  assertGrowth("heap", before.heap, after.heap);
  assertGrowth("resident", before.resident, after.resident);
  assert.doesNotMatch(server.log(), /code=internal|Reconciling failed|^\s+at /m);
  await assertRecords(server);
}

/** Connections that were just closed are held for a moment; what is held for good is still there after some looks. */
async function settledMemory(server: RunningServer, before: Awaited<ReturnType<typeof memoryOf>>) {
  for (let looks = 1; ; looks += 1) {
    const now = await memoryOf(server);
    if (now.heap - before.heap < mostGrowthMiB.heap || looks === mostLooks) return now;
    await pause(1_000);
  }
}

/** @returns the heap in use in this process in MiB, after all garbage is collected */
export function collectedHeap(): number {
  setFlagsFromString("--expose-gc");
  runInNewContext("gc")();
  return process.memoryUsage().heapUsed / bytesPerMiB;
}

export function shown(what: string, before: number, after: number): string {
  return `${what} ${before.toFixed(1)} -> ${after.toFixed(1)} MiB`;
}

export function assertGrowth(what: keyof typeof mostGrowthMiB, before: number, after: number): void {
  assert.ok(after - before < mostGrowthMiB[what], shown(what, before, after));
}

async function assertRecords({ url }: RunningServer): Promise<void> {
  const call = async (name: string, args: unknown) => {
    const { body } = await ask(url, { body: toolCall(1, name, args) });
    return JSON.parse(body).result.structuredContent;
  };
  const { session_id, status } = await call("track_session_start", startArguments());
  assert.equal(status, "tracked");
  assert.equal((await call("track_session_end", endArguments(session_id))).status, "ended");
  const { session } = await call("get_session", { session_id });
  assert.equal(session.state, "ended");
}
