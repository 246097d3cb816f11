/** Proves the MCP sessions of clients that ask for one: their ids, their number, their time, and that none meets another. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import type { Caller } from "../../../src/auth/scope.ts";
import { createSessions } from "../../../src/server/mcp/mcp-sessions.ts";
import { startArguments } from "../../support/events.ts";
import { eventually } from "../../support/eventually.ts";
import { createSandbox } from "../../support/sandbox.ts";
import {
  answerOf,
  askForSession,
  dial,
  head,
  heardUntilClosed,
  initialize,
  openSession,
  rpc,
} from "../../support/server/door.ts";
import { createBareServer, openEntrance } from "../../support/server/entrance.ts";
import { claims, secret, tokenMakers } from "../../support/server/jwt.ts";
import { holdLock } from "../../support/server/lock.ts";
import { ask, type HttpAnswer, toolCall } from "../../support/server/raw-http.ts";
import { call } from "../../support/server/transports.ts";

const ping = rpc(1, "ping");

function assertNotFound(answer: HttpAnswer): void {
  assert.deepEqual([answer.status, answerOf(answer).error], [404, { code: -32001, message: "Session not found" }]);
}

function assertFull(answer: HttpAnswer): void {
  assert.deepEqual([answer.status, answer.headers["retry-after"]], [503, "60"]);
  assert.match(String(answerOf(answer).error?.message), /call without one$/);
  assert.equal(answer.headers["mcp-session-id"], undefined);
}

test("the official client gets a session with its stream, calls in it, and ends it", async (t) => {
  const { url } = await createSandbox(t).serve();
  const streams: Response[] = [];
  const transport = new StreamableHTTPClientTransport(new URL(`${url}?session=true`), {
    fetch: async (to, init) => {
      const response = await fetch(to, init);
      if (init?.method === "GET") streams.push(response);
      return response;
    },
  });
  const client = new Client({ name: "test", version: "1" });
  await client.connect(transport as Transport);
  t.after(() => client.close());
  const { sessionId } = transport;
  assert.match(String(sessionId), /^[0-9a-f-]{36}$/);
  assert.ok((await client.listTools()).tools.length > 0);
  assert.equal((await call(client, "track_session_start", startArguments())).status, "tracked");
  await eventually(() => assert.equal(streams[0]?.status, 200));
  assert.equal(streams[0]?.headers.get("content-type"), "text/event-stream");
  await transport.terminateSession();
  const headers = { "Mcp-Session-Id": String(sessionId) };
  for (const method of ["POST", "GET", "DELETE"]) {
    assertNotFound(await ask(url, { method, headers, body: method === "POST" ? ping : "" }));
  }
});

test("an id that no session has is not found, by any method, and only who asks for an id gets one", async (t) => {
  const { url } = await createSandbox(t).serve();
  for (const id of ["unknown", "00000000-0000-4000-8000-000000000000", "__proto__", "x".repeat(5000), ""]) {
    for (const [method, body] of [
      ["POST", ping],
      ["POST", initialize],
      ["POST", '{"jsonrpc":"2.0","method":"notifications/initialized"}'],
      ["GET", ""],
      ["DELETE", ""],
    ] as const) {
      assertNotFound(await ask(`${url}?session=true`, { method, headers: { "Mcp-Session-Id": id }, body }));
    }
  }
  for (const query of ["", "?", "?session", "?session=false", "?session=1", "?Session=true", "?session=TRUE"]) {
    const answer = await ask(url + query, { body: initialize });
    assert.deepEqual([answer.status, answer.headers["mcp-session-id"]], [200, undefined], query);
  }
  const other = await ask(`${url}?session=true`, { body: ping });
  assert.deepEqual([other.status, other.headers["mcp-session-id"]], [200, undefined]);
  const session = await openSession(url);
  const twice = { "Mcp-Session-Id": [session["Mcp-Session-Id"], session["Mcp-Session-Id"]] };
  assertNotFound(await ask(url, { headers: twice, body: ping }));
});

test("there are as many sessions as there may be, and an ended one leaves its place", async (t) => {
  const { url } = await createSandbox(t).serve({ SESSION_BUDDY_MAX_MCP_SESSIONS: "3" });
  const answers = await Promise.all(Array.from({ length: 12 }, () => askForSession(url)));
  const opened = answers.filter(({ status }) => status === 200);
  assert.equal(opened.length, 3);
  assert.equal(new Set(opened.map(({ headers }) => headers["mcp-session-id"])).size, 3);
  for (const answer of answers) if (answer.status !== 200) assertFull(answer);
  assert.equal((await ask(url, { body: initialize })).status, 200);
  const headers = { "Mcp-Session-Id": String(opened[0]?.headers["mcp-session-id"]) };
  assert.equal((await ask(url, { method: "DELETE", headers })).status, 200);
  await openSession(url);
  assertFull(await askForSession(url));
});

test("where there may be no sessions, clients are told to go without", async (t) => {
  const { url } = await createSandbox(t).serve({ SESSION_BUDDY_MAX_MCP_SESSIONS: "0" });
  assertFull(await askForSession(url));
});

test("a session that was refused takes no place", async (t) => {
  const { url } = await createSandbox(t).serve({ SESSION_BUDDY_MAX_MCP_SESSIONS: "1" });
  const params = JSON.parse(initialize).params;
  for (const wrong of [{}, { ...params, protocolVersion: 5 }, { ...params, capabilities: null }, { clientInfo: {} }]) {
    const answer = await askForSession(url, {}, rpc(1, "initialize", wrong));
    assert.deepEqual([answer.status, answer.headers["mcp-session-id"]], [400, undefined], answer.body);
  }
  for (const headers of [{ Accept: "application/json" }, { "MCP-Protocol-Version": "1" }, { "Content-Type": "a/b" }]) {
    assert.match(String((await askForSession(url, headers)).status), /^4/);
  }
  const session = await openSession(url);
  const again = await ask(url, { headers: session, body: initialize });
  assert.deepEqual([again.status, answerOf(again).error?.code], [400, -32600]);
  assert.equal((await ask(url, { headers: session, body: ping })).status, 200);
});

test("a session without a request or a stream gives its place to another, and is gone", async (t) => {
  const { url } = await openEntrance(t, { limits: { sessions: 1, sessionIdleMs: 100 } });
  const first = await openSession(url);
  await eventually(() => openSession(url));
  for (const method of ["POST", "GET", "DELETE"]) {
    assertNotFound(await ask(url, { method, headers: first, body: method === "POST" ? ping : "" }));
  }
});

test("a stream that is open keeps its session, until it ends", async (t) => {
  const { url } = await openEntrance(t, { limits: { sessions: 2, sessionIdleMs: 100 } });
  // A stream that nobody refers to is closed by the collection of garbage.
  const streams: Response[] = [];
  t.after(() => streams.length);
  const openWithStream = async () => {
    const session = await openSession(url);
    const abort = new AbortController();
    t.after(() => abort.abort());
    const headers = { ...session, Accept: "text/event-stream" };
    const stream = await fetch(url, { headers, signal: abort.signal });
    assert.equal(stream.status, 200);
    streams.push(stream);
    return { session, abort };
  };
  const { session, abort } = await eventually(openWithStream);
  // The other place is taken, and free again when the idle time of its session is over.
  for (let count = 0; count < 4; count += 1) await eventually(() => openSession(url));
  await eventually(openWithStream);
  assert.equal((await ask(url, { headers: session, body: ping })).status, 200);
  abort.abort();
  await eventually(() => openSession(url));
  assertNotFound(await ask(url, { headers: session, body: ping }));
});

const caller: Caller = {
  userId: "les",
  scope: { reads: { of: "everybody" }, mayRecord: true },
  expiresAtMs: Number.POSITIVE_INFINITY,
};

test("whoever goes away before its session is open holds no place for ever", async (t) => {
  let letThrough = () => {};
  const asked = Promise.withResolvers<void>();
  const { url, entrance } = await openEntrance(t, {
    limits: { sessions: 1, sessionIdleMs: 50 },
    authenticate: (token) =>
      token === "slow"
        ? new Promise<Caller>((resolve) => {
            letThrough = () => resolve(caller);
            asked.resolve();
          })
        : Promise.resolve(caller),
  });
  const gone = once(entrance.server, "connection").then(([socket]) => once(socket, "end"));
  const socket = await dial(url);
  const lines = head(url, "Authorization: Bearer slow", `Content-Length: ${initialize.length}`);
  socket.write(lines.replace("/mcp", "/mcp?session=true").replace("json\r\nConn", "json, text/event-stream\r\nConn"));
  socket.write(initialize);
  await asked.promise;
  socket.destroy();
  await gone;
  letThrough();
  await eventually(() => openSession(url, { Authorization: "Bearer quick" }));
});

test("minutes beyond what a timer can hold are no busy server", async (t) => {
  const server = await createSandbox(t).serve({ SESSION_BUDDY_MCP_SESSION_MINUTES: "1000000000" });
  const session = await openSession(server.url);
  assert.equal((await ask(server.url, { headers: session, body: ping })).status, 200);
  const { stderr } = await server.stop();
  assert.doesNotMatch(stderr, /TimeoutOverflowWarning/);
});

test("sessions that use the same request id at once get each its own answer, whatever another cancels", async (t) => {
  const sandbox = createSandbox(t);
  const { url } = await sandbox.serve();
  const sessions = await Promise.all(Array.from({ length: 5 }, () => openSession(url)));
  const canceller = await openSession(url);
  const { release } = await holdLock(t, join(sandbox.home, "sessions.db"));
  const callers = [...sessions, {}, {}];
  const answers = callers.map((headers, index) => {
    const args = startArguments({ component_name: `client-${index}` });
    return ask(url, { headers, body: toolCall(1, "track_session_start", args) });
  });
  const cancel = JSON.stringify({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 1 } });
  for (const headers of [canceller, {}]) assert.equal((await ask(url, { headers, body: cancel })).status, 202);
  await release();
  const ids = (await Promise.all(answers)).map((answer) => [
    answerOf(answer).id,
    answerOf(answer).result?.structuredContent?.session_id,
  ]);
  assert.deepEqual(
    ids,
    callers.map((_, index) => [1, `client-${index}-20260206-123456`]),
  );
});

test("on a server with a secret, who has shown no token gets no session, and no log knows an id", async (t) => {
  const sandbox = createSandbox(t);
  const logFile = join(sandbox.folder, "log");
  const server = await sandbox.serve({ SESSION_BUDDY_SECRET: secret, SESSION_BUDDY_LOG_FILE: logFile });
  const good = { Authorization: `Bearer ${await tokenMakers.jose(claims())}` };
  const old = { Authorization: `Bearer ${await tokenMakers.jose(claims({ exp: 1 }))}` };
  for (const headers of [{}, old, { Authorization: "Basic dTpw" }]) {
    const answer = await askForSession(server.url, headers);
    assert.deepEqual([answer.status, answer.headers["mcp-session-id"]], [400, undefined]);
    assert.match(String(answerOf(answer).error?.message), /needs the header Authorization: Bearer TOKEN$/);
    assert.equal(answer.headers["www-authenticate"], undefined);
  }
  const session = await openSession(server.url, good);
  const start = toolCall(1, "track_session_start", startArguments());
  const without = answerOf(await ask(server.url, { headers: session, body: start }));
  assert.match(String(without.result?.structuredContent?.error), /Token required/);
  const withToken = answerOf(await ask(server.url, { headers: { ...session, ...good }, body: start }));
  assert.equal(withToken.result?.structuredContent?.status, "tracked");
  await ask(server.url, { method: "DELETE", headers: session });
  const { stderr } = await server.stop();
  for (const text of [stderr, readFileSync(logFile, "utf8")]) {
    assert.match(text, /Session start tracked/);
    assert.ok(!text.includes(session["Mcp-Session-Id"]));
  }
});

test("2,000 sessions that were opened and ended leave nothing", async (t) => {
  const sessions = createSessions({ createServer: createBareServer, limit: 50, idleMs: 60_000 });
  const server = createServer(async (request, response) => {
    const id = request.headers["mcp-session-id"];
    if (id !== undefined) return sessions.continue(String(id), request, response);
    return sessions.open(request, response, JSON.parse(initialize));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(async () => {
    server.close();
    server.closeAllConnections();
    await sessions.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const accept = { Accept: "application/json, text/event-stream", "Content-Type": "application/json" };
  const openAndEnd = async () => {
    const opened = await fetch(url, { method: "POST", headers: accept });
    assert.match(await opened.text(), /"protocolVersion"/);
    const headers = { "Mcp-Session-Id": String(opened.headers.get("mcp-session-id")) };
    const ended = await fetch(url, { method: "DELETE", headers });
    assert.equal(ended.status, 200);
    await ended.text();
  };
  const client = async () => {
    for (let count = 0; count < 40; count += 1) await openAndEnd();
  };
  await Promise.all(Array.from({ length: 50 }, client));
  assert.equal(sessions.count, 0);
});

test("a call that its client cancels ends without an answer, its id is free again, and until then it is taken", async (t) => {
  const sandbox = createSandbox(t);
  const { url } = await sandbox.serve();
  const headers = await openSession(url);
  const body = toolCall(7, "track_session_start", startArguments());
  const { release } = await holdLock(t, join(sandbox.home, "sessions.db"));
  const first = await new Promise<{ answer: Promise<HttpAnswer> }>((resolve) => {
    const answer: Promise<HttpAnswer> = ask(url, { headers, body, beforeBody: () => resolve({ answer }) });
  });
  await eventually(async () => {
    const { status, body: refusal } = await ask(url, { headers, body: rpc(7, "ping") });
    assert.deepEqual([status, JSON.parse(refusal).error?.code], [400, -32600]);
  });
  const cancelled = { jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 7 } };
  assert.equal((await ask(url, { headers, body: JSON.stringify(cancelled) })).status, 202);
  assert.deepEqual([(await first.answer).status, (await first.answer).body], [200, ""]);
  assert.deepEqual(answerOf(await ask(url, { headers, body: rpc(7, "ping") })).result, {});
  await release();
  // It was under way, and what is recorded twice is one record.
  assert.equal(answerOf(await ask(url, { headers, body })).result?.structuredContent?.status, "tracked");
});

test("a stream ends when its client closes its side of the connection, and the session goes on", async (t) => {
  const { url } = await openEntrance(t);
  const session = await openSession(url);
  const socket = await dial(url);
  const lines = [`GET /mcp HTTP/1.1`, `Host: 127.0.0.1`, "Accept: text/event-stream"];
  const id = `Mcp-Session-Id: ${session["Mcp-Session-Id"]}`;
  socket.write([...lines, id, "", ""].join("\r\n"));
  assert.match(String(await once(socket, "data")), /^HTTP\/1\.1 200 /);
  socket.end();
  await heardUntilClosed(socket);
  assert.equal((await ask(url, { headers: session, body: rpc(1, "ping") })).status, 200);
});
