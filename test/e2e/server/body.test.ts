/** Proves what is read of a body: how large, how many elements, in which encoding, and what a broken one leaves behind. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { canonicalJson } from "../../../src/tracker/canonical.ts";
import { startArguments } from "../../support/events.ts";
import { eventually } from "../../support/eventually.ts";
import { createSandbox, type RunningServer } from "../../support/sandbox.ts";
import { answerOf, dial, head, rpc, sendBytes } from "../../support/server/door.ts";
import { ask, toolCall } from "../../support/server/raw-http.ts";

const mostElements = 10_000;

async function statusOf({ url }: RunningServer, body: string): Promise<string | number | undefined> {
  const answer = await ask(url, { body });
  if (answer.status !== 200) return answer.status;
  return answerOf(answer).result?.structuredContent?.status;
}

function startWith(metadata: unknown): string {
  return toolCall(1, "track_session_start", startArguments({ metadata }));
}

/** A request with a list of this JSON, which has 5 elements more than the list: the list itself, and 4 of the message. */
function ping(list: string): string {
  return rpc(1, "ping", { list: "LIST" }).replace('"LIST"', list);
}

test("a body of 10,000 elements is read, one of 10,001 is answered 413, however they are written", async (t) => {
  const { url } = await createSandbox(t).serve();
  const list = (count: number, item: string, between = ",") => `[${Array(count).fill(item).join(between)}]`;
  const fitting = mostElements - 5;
  const bodies: readonly (readonly [text: (count: number) => string, elementsEach: number])[] = [
    [(count) => list(count, "0"), 1],
    [(count) => list(count, "0", " ,\n\t"), 1],
    [(count) => list(count, "[]"), 1],
    [(count) => list(count, "{ \r\n}"), 1],
    [(count) => list(count, '""'), 1],
    [(count) => list(count, '",[{\\",,\\\\"'), 1],
    [(count) => list(count, '["]"]'), 2],
    [(count) => list(count, '{"[":"{"}'), 2],
    [(count) => `${"[".repeat(count)}[]${"]".repeat(count)}`, 1],
  ];
  for (const [text, each] of bodies) {
    const most = Math.floor(fitting / each);
    const answer = await ask(url, { body: ping(text(most)) });
    assert.deepEqual([answer.status, answerOf(answer).result], [200, {}], text(2));
    const refused = await ask(url, { body: ping(text(most + 1)) });
    assert.equal(refused.status, 413, text(2));
    assert.match(String(answerOf(refused).error?.message), /more than 10000 elements/);
  }
  const deep = await ask(url, { body: ping("[".repeat(200_000)) });
  assert.equal(deep.status, 413);
});

test("the largest metadata the contract allows is recorded, whatever it is made of", async (t) => {
  const server = await createSandbox(t).serve();
  const room = 16 * 1024 - '{"a":[]}'.length;
  for (const item of ["0", "[]", "{}", '""', "[0]", '{"":0}', '",[{"', '"\\",\\",["', '"\\\\"']) {
    const items = Array(Math.floor((room + 1) / (item.length + 1))).fill(item);
    assert.equal(await statusOf(server, startWith({ a: "LIST" }).replace('"LIST"', `[${items}]`)), "tracked", item);
  }
});

test("keys with escapes arrive as they were sent, whatever was sent before them", async (t) => {
  const { url } = await createSandbox(t).serve();
  const keys = ["\\", "\n", '"', "w\\", "w\n", "\ue000", "\ue000000a", "\ud83d\ude00"];
  const pairs = keys.flatMap((before) => keys.map((key) => [before, key] as const));
  for (const [index, pair] of pairs.entries()) {
    for (const key of pair) {
      // What V8 expects of a key depends on the one before it.
      const metadata = { [`place-${index}`]: 1, [key]: 1 };
      const { result } = answerOf(await ask(url, { body: startWith(metadata) }));
      const { body } = await ask(url, {
        body: toolCall(1, "get_session", { session_id: result?.structuredContent?.session_id }),
      });
      assert.ok(body.includes(`"metadata":${canonicalJson(metadata)}`), JSON.stringify(pair));
    }
  }
});

test("batches, other JSON, and no JSON are refused, each with its code", async (t) => {
  const { url } = await createSandbox(t).serve();
  const call = startWith(null);
  const refusals: readonly (readonly [body: string, code: number])[] = [
    [`[${call},${call}]`, -32600],
    ['{"jsonrpc":"1.0","id":1,"method":"ping"}', -32600],
    ['{"id":1,"method":"ping"}', -32600],
    ['{"jsonrpc":"2.0","id":null,"method":"ping"}', -32600],
    ['{"jsonrpc":"2.0","id":1.5,"method":"ping"}', -32600],
    ['{"jsonrpc":"2.0","id":{},"method":"ping"}', -32600],
    ['{"jsonrpc":"2.0","id":1,"method":5}', -32600],
    ['{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}', -32600],
    ['{"jsonrpc":"2.0","id":1}', -32600],
    ['{"jsonrpc":"2.0","result":{}}', -32600],
    [`${call}${call}`, -32700],
    [`${call}x`, -32700],
    [call.slice(0, -1), -32700],
    ["\ufeff{", -32700],
    ["nul", -32700],
  ];
  for (const [body, code] of refusals) {
    const answer = await ask(url, { body });
    const { id, error } = answerOf(answer);
    assert.deepEqual([answer.status, id, error?.code], [400, null, code], body);
  }
});

test("an answer or a notification is taken without a word", async (t) => {
  const { url } = await createSandbox(t).serve();
  for (const message of [
    { method: "notifications/initialized" },
    { method: "notifications/cancelled", params: { requestId: 1 } },
    { method: "no/such" },
    { id: 1, result: {} },
    { id: 1, error: { code: 1, message: "" } },
  ]) {
    const answer = await ask(url, { body: JSON.stringify({ jsonrpc: "2.0", ...message }) });
    assert.deepEqual([answer.status, answer.body], [202, ""]);
  }
});

test("a compressed body is refused in words", async (t) => {
  const server = await createSandbox(t).serve();
  const body = gzipSync(startWith(null));
  const lines = head(server.url, "Content-Encoding: gzip", `Content-Length: ${body.length}`);
  const answer = await sendBytes(server.url, lines, body);
  assert.match(answer, /^HTTP\/1\.1 415 .*Content-Encoding is not supported; send the body unencoded/s);
  const headers = { "Content-Encoding": "identity" };
  assert.equal((await ask(server.url, { headers, body: startWith(null) })).status, 200);
});

test("a body in chunks is read to its end, and held to the same limits", async (t) => {
  const { url } = await createSandbox(t).serve();
  const chunk = (text: string) => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
  const chunked = head(url, "Transfer-Encoding: chunked");
  const call = startWith({ text: "é\u{1f600}" });
  const bytes = [...Buffer.from(call)].map((byte) =>
    Buffer.concat([Buffer.from("1\r\n"), Buffer.from([byte]), Buffer.from("\r\n")]),
  );
  assert.match(await sendBytes(url, chunked, ...bytes, chunk("")), /^HTTP\/1\.1 200 .*"status":"tracked"/s);
  const large = chunk(" ".repeat(64 * 1024));
  assert.match(await sendBytes(url, chunked, large, large, large, large, chunk(call), chunk("")), /^HTTP\/1\.1 413 /);
  assert.match(await sendBytes(url, chunked, "xyz\r\n"), /^HTTP\/1\.1 400 /);
});

test("a length that is wrong is never served as if it were right", async (t) => {
  const server = await createSandbox(t).serve();
  const { url } = server;
  const call = startWith(null);
  const bytes = Buffer.byteLength(call);
  for (const length of [`${bytes - 1}`, "-1", "x", "1e3", `${bytes}, ${bytes}`, "99999999999999999999999"]) {
    assert.match(await sendBytes(url, head(url, `Content-Length: ${length}`), call), /^HTTP\/1\.1 400 /, length);
  }
  const twice = head(url, `Content-Length: ${bytes}`, "Transfer-Encoding: chunked");
  assert.match(await sendBytes(url, twice, call), /^HTTP\/1\.1 400 /);
  assert.equal(await statusOf(server, call), "tracked");
});

test("clients that go away in the middle of a body leave nothing behind", async (t) => {
  const server = await createSandbox(t).serve();
  const said = server.log();
  const lines = [head(server.url, "Content-Length: 1000"), `${head(server.url, "Transfer-Encoding: chunked")}ff\r\n`];
  for (const line of [...lines, ...lines, ...lines]) {
    const socket = await dial(server.url);
    socket.write(line);
    socket.write('{"jsonrpc":', () => socket.destroy());
    await once(socket, "close");
  }
  // What has come in before is handled before what comes in now.
  await eventually(async () => assert.equal(await statusOf(server, startWith(null)), "tracked"));
  const { status, stderr } = await server.stop();
  assert.equal(status, 0);
  assert.deepEqual(stderr.replace(said, "").match(/^(?!INFO - Session start tracked).+$/gm), null);
});
