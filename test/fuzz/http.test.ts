/** Proves with any requests and any bytes that the HTTP entrance answers each, never with a fault, and stays as it was. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import fc from "fast-check";
import { assertUnharmed, fuzzingServer, inputCount, openFuzzedServer } from "../support/fuzz/fuzz.ts";
import type { RunningServer } from "../support/sandbox.ts";
import { openWire, type WireRequest } from "../support/server/wire.ts";
import type { WireAnswer } from "../support/server/wire-answers.ts";
import { brokenBytes, wholeRequest } from "./http-requests.ts";

const wholePerConnection = 7;
const connections = 8;
const inputsPerRun = connections * (wholePerConnection + 1);

/** What a connection gets: whole requests at once, then bytes that may be anything. */
const conversation = fc.record({
  whole: fc.array(wholeRequest, { minLength: wholePerConnection, maxLength: wholePerConnection }),
  broken: brokenBytes,
});
const run = fc.array(conversation, { minLength: connections, maxLength: connections });

/** No redirection, no other protocol, no fault of the server; 431 and 417 are the runtime's own. */
const wholeStatuses = new Set([200, 202, 400, 403, 404, 405, 406, 415]);
const brokenStatuses = new Set([...wholeStatuses, 408, 413, 417, 431]);
const headerNames = new Set([
  "allow",
  "connection",
  "content-length",
  "content-type",
  "date",
  "keep-alive",
  "transfer-encoding",
]);

function assertAnswer({ status, headers, body }: WireAnswer, statuses: ReadonlySet<number>, asked: Buffer): void {
  const words = `${status} ${body.slice(0, 200)} to ${JSON.stringify(asked.toString("latin1"))}`;
  assert.ok(statuses.has(status), words);
  for (const name of headers.keys()) assert.ok(headerNames.has(name), `${name}: ${words}`);
  if (headers.get("content-type") === "application/json" && body !== "") JSON.parse(body);
}

async function converse(url: string, whole: readonly WireRequest[], broken: Buffer): Promise<void> {
  const wire = await openWire(url);
  const answers = await wire.ask(whole);
  for (const [index, answer] of answers.entries()) {
    assertAnswer(answer, wholeStatuses, whole[index]?.bytes ?? Buffer.of());
  }
  for (const answer of await wire.finish(broken)) assertAnswer(answer, brokenStatuses, broken);
}

function property({ url }: RunningServer) {
  return fc.asyncProperty(run, async (conversations) => {
    await Promise.all(conversations.map(({ whole, broken }) => converse(url, whole, broken)));
  });
}

test(`${inputCount} requests and broken bytes at the HTTP entrance`, async (t: TestContext) => {
  const server = await openFuzzedServer(t);
  const fuzzing = fuzzingServer(inputsPerRun);
  const warmUp = () => fc.assert(property(server), { ...fuzzing, seed: 1, numRuns: 40 });
  await assertUnharmed(t, server, warmUp, () => fc.assert(property(server), fuzzing));
});
