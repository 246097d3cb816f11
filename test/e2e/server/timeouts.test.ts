/** Proves that connections which are too slow are ended, while others are served. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { dial, head, heardUntilClosed, openSession, rpc } from "../../support/server/door.ts";
import { openEntrance } from "../../support/server/entrance.ts";
import { ask } from "../../support/server/raw-http.ts";

const timeouts = { headersMs: 150, requestMs: 300, idleMs: 150, checkMs: 20 };
const never = 600_000;

test("a server gives headers 10 s, a request 30 s, a connection without one 65 s, and looks every second", async (t) => {
  const { headersTimeout, requestTimeout, keepAliveTimeout } = (await openEntrance(t)).entrance.server;
  assert.deepEqual([headersTimeout, requestTimeout, keepAliveTimeout], [10_000, 30_000, 65_000]);
});

test("who sends nothing, or no end of its headers or its body, is let go, and others are served", async (t) => {
  const { url, failures } = await openEntrance(t, { timeouts });
  const start = "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\n";
  const slow = [
    "",
    "P",
    start,
    `${start}X-A: `,
    head(url, "Content-Length: 100"),
    `${head(url, "Content-Length: 9")}{`,
  ];
  const chunked = `${head(url, "Transfer-Encoding: chunked")}5\r\n{`;
  const heard = [...slow, chunked].map(async (text) => {
    const socket = await dial(url);
    if (text !== "") socket.write(text);
    return heardUntilClosed(socket);
  });
  assert.equal((await ask(url, { body: rpc(1, "ping") })).status, 200);
  for (const answer of await Promise.all(heard)) assert.match(answer, /^(?:HTTP\/1\.1 408 Request Timeout\r\n.*)?$/s);
  assert.equal((await ask(url, { body: rpc(1, "ping") })).status, 200);
  assert.deepEqual(failures, []);
});

test("who sends its headers or its body a byte at a time is let go as well", async (t) => {
  const { url } = await openEntrance(t, { timeouts });
  for (const begin of ["POST /mcp HTTP/1.1\r\nX: ", head(url, "Content-Length: 100000")]) {
    const socket = await dial(url);
    socket.write(begin);
    const drip = setInterval(() => socket.write("x"), 10);
    t.after(() => clearInterval(drip));
    await heardUntilClosed(socket);
    clearInterval(drip);
  }
});

test("a connection whose next request does not come is closed", async (t) => {
  const { url } = await openEntrance(t, { timeouts: { ...timeouts, headersMs: never, requestMs: never } });
  const body = rpc(1, "ping");
  const socket = await dial(url);
  socket.write(head(url, `Content-Length: ${body.length}`).replace("Connection: close\r\n", "") + body);
  assert.match(await heardUntilClosed(socket), /^HTTP\/1\.1 200 .*"result":\{\}/s);
});

test("a stream of a session outlives them all", async (t) => {
  const { url } = await openEntrance(t, { timeouts });
  const session = await openSession(url);
  const abort = new AbortController();
  t.after(() => abort.abort());
  const stream = await fetch(url, { headers: { ...session, Accept: "text/event-stream" }, signal: abort.signal });
  assert.equal(stream.status, 200);
  let isOpen = true;
  const end = () => {
    isOpen = false;
  };
  const reader = stream.body?.getReader();
  reader?.read().then(end, end);
  // Referred to until then: else the collection of garbage would close it.
  t.after(() => reader?.cancel().catch(() => {}));
  // Others come and are let go meanwhile, one after the other.
  for (let count = 0; count < 3; count += 1) await heardUntilClosed(await dial(url));
  assert.ok(isOpen);
});
