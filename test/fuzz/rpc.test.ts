/** Proves with any messages that JSON-RPC answers each request with its own id, whatever is in it, in time and without a fault. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseJson } from "../../src/tracker/canonical.ts";
import { assertUnharmed, fuzzingServer, inputCount, openFuzzedServer } from "../support/fuzz.ts";
import { anyMessage } from "../support/fuzz-rpc.ts";
import { openWire, type Wire } from "../support/wire.ts";
import type { WireAnswer } from "../support/wire-answers.ts";

const connections = 8;
const messagesPerConnection = 16;
const inputsPerRun = connections * messagesPerConnection;

const run = fc.array(
  fc.array(anyMessage, { minLength: messagesPerConnection, maxLength: messagesPerConnection }),
  { minLength: connections, maxLength: connections },
);

function post(url: string, text: string) {
  const body = Buffer.from(text);
  const { host, pathname } = new URL(url);
  const head = [
    `POST ${pathname} HTTP/1.1`,
    `Host: ${host}`,
    "Content-Type: application/json",
    "Accept: application/json, text/event-stream",
    `Content-Length: ${body.length}`,
  ].join("\r\n");
  return { method: "POST", bytes: Buffer.concat([Buffer.from(`${head}\r\n\r\n`), body]) };
}

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
  if (hasId && typeof id !== "string" && !Number.isInteger(id)) return { status: 400, code: -32600 };
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
  if (status === 202) return assert.equal(body, "", words);
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
