/** Proves with any messages that JSON-RPC answers each request with its own id, whatever is in it, in time and without a fault. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseJson } from "../../src/tracker/canonical.ts";
import { assertUnharmed, fuzzingServer, inputCount, openFuzzedServer } from "../support/fuzz/fuzz.ts";
import { openWire, type Wire } from "../support/server/wire.ts";
import type { WireAnswer } from "../support/server/wire-answers.ts";
import { messageOf, openSession, post } from "../support/server/wire-mcp.ts";
import { anyMessage } from "./rpc-messages.ts";

const connections = 8;
const messagesPerConnection = 16;
const inputsPerRun = connections * messagesPerConnection;

const run = fc.array(fc.array(anyMessage, { minLength: messagesPerConnection, maxLength: messagesPerConnection }), {
  minLength: connections,
  maxLength: connections,
});

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** What a body must be answered with, by JSON-RPC 2.0 and the transport's specification alone. */
function expected(text: string): { readonly status: number; readonly code?: number; readonly id?: unknown } {
  let message: unknown;
  try {
    // Half a pair of surrogates cannot be sent in UTF-8.
    message = parseJson(text.toWellFormed());
  } catch {
    return { status: 400, code: -32700 };
  }
  if (!isObject(message) || message.jsonrpc !== "2.0") return { status: 400, code: -32600 };
  const { id, method, params, result, error } = message;
  const hasId = id !== undefined;
  if (hasId && typeof id !== "string" && !Number.isSafeInteger(id)) return { status: 400, code: -32600 };
  if (method === undefined) {
    return hasId && (isObject(result) || isObject(error)) ? { status: 202 } : { status: 400, code: -32600 };
  }
  if (typeof method !== "string" || (params !== undefined && !isObject(params))) return { status: 400, code: -32600 };
  return hasId ? { status: 200, id } : { status: 202 };
}

function assertAnswer({ status, body }: WireAnswer, text: string): void {
  const wanted = expected(text);
  const words = `${status} ${body.slice(0, 300)} to ${text.slice(0, 2_000)}`;
  assert.equal(status, wanted.status, words);
  if (status === 202) {
    assert.equal(body, "", words);
    return;
  }
  const answer = JSON.parse(body);
  // As text, because the id -0 comes back as 0, which is the same number.
  assert.equal(JSON.stringify(answer.id), JSON.stringify(wanted.id ?? null), words);
  assert.equal(answer.jsonrpc, "2.0", words);
  assert.notEqual(answer.result === undefined, answer.error === undefined, words);
  if (wanted.code !== undefined) assert.equal(answer.error.code, wanted.code, words);
  assert.doesNotMatch(body, /internal error|storage unavailable|at file:|node:internal/i, words);
}

test(`${inputCount} messages of any kind over HTTP`, async (t) => {
  const server = await openFuzzedServer(t);
  const wires = await Promise.all(Array.from({ length: connections }, () => openWire(server.url)));
  t.after(() => wires.forEach((wire) => void wire.drop()));
  const property = fc.asyncProperty(run, async (all) => {
    await Promise.all(
      all.map(async (texts, index) => {
        const answers = await (wires[index] as Wire).ask(texts.map((text) => post(server.url, text)));
        for (const [at, answer] of answers.entries()) assertAnswer(answer, texts[at] ?? "");
      }),
    );
  });
  const fuzzing = fuzzingServer(inputsPerRun);
  const warmUp = () => fc.assert(property, { ...fuzzing, seed: 1, numRuns: 30 });
  await assertUnharmed(t, server, warmUp, () => fc.assert(property, fuzzing));
});

/** In a session the SDK's own transport reads the messages; it may refuse more, and answers by a stream of events. */
function assertSessionAnswer(answer: WireAnswer, text: string): void {
  const words = `${answer.status} ${answer.body.slice(0, 300)} to ${text.slice(0, 2_000)}`;
  const wanted = expected(text);
  if (wanted.status !== 200 || answer.status === 400) assert.ok([400, 202].includes(answer.status), words);
  else assert.equal(JSON.stringify(messageOf(answer).id), JSON.stringify(wanted.id), words);
  assert.doesNotMatch(answer.body, /internal error|storage unavailable|at file:|node:internal/i, words);
}

test(`${inputCount / 4} messages of any kind in sessions`, async (t) => {
  const server = await openFuzzedServer(t);
  const sessions = await Promise.all(
    Array.from({ length: connections }, async () => ({
      wire: await openWire(server.url),
      headers: await openSession(server.url),
    })),
  );
  t.after(() => sessions.forEach(({ wire }) => void wire.drop()));
  const property = fc.asyncProperty(run, async (all) => {
    await Promise.all(
      sessions.map(async ({ wire, headers }, index) => {
        // One after the other: a session of which two requests have one id at once has lost one of them by its own fault.
        for (const text of all[index] ?? []) {
          const [answer] = await wire.ask([post(server.url, text, headers)]);
          assertSessionAnswer(answer as WireAnswer, text);
        }
      }),
    );
  });
  const fuzzing = fuzzingServer(inputsPerRun * 4);
  const warmUp = () => fc.assert(property, { ...fuzzing, seed: 1, numRuns: 10 });
  await assertUnharmed(t, server, warmUp, () => fc.assert(property, fuzzing));
});
