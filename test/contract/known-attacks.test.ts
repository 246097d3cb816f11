/** Proves that what hit other MCP servers does not hit this one; each test has the number of what it is about. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { endArguments, startArguments } from "../support/events.ts";
import { eventually } from "../support/eventually.ts";
import { collectingNode, memoryOf } from "../support/fuzz/collecting-node.ts";
import { allRows } from "../support/rows.ts";
import { createSandbox, type RunningServer } from "../support/sandbox.ts";
import { ask, toolCall } from "../support/server/raw-http.ts";
import { openWire, type WireRequest } from "../support/server/wire.ts";
import {
  askApart,
  askTogether,
  type Headers,
  initialize,
  messageOf,
  openSession,
  post,
} from "../support/server/wire-mcp.ts";

const clientCount = 32;
const clients = Array.from({ length: clientCount }, (_, index) => index);

async function serve(t: TestContext, env: Readonly<Record<string, string>> = {}) {
  const sandbox = createSandbox(t);
  return { sandbox, server: await sandbox.serve({ ...collectingNode(sandbox.folder), ...env }) };
}

/** What each client sends, always with the id 1, and what tells that the answer is its own: slow calls and fast ones. */
function callOf(index: number): { readonly body: string; readonly own: RegExp } {
  const nobody = `nobody-${index}-x`;
  const component_name = `client-${index}-x`;
  const kinds = [
    {
      body: toolCall(1, "track_session_start", startArguments({ component_name })),
      own: new RegExp(`^${component_name}-2026`),
    },
    { body: toolCall(1, "track_session_end", endArguments(nobody)), own: new RegExp(`^${nobody}$`) },
  ];
  return kinds[index % 2] as (typeof kinds)[number];
}

async function assertNotCrossed(
  { url }: RunningServer,
  send: (
    url: string,
    requests: readonly WireRequest[],
  ) => Promise<readonly { status: number; headers: ReadonlyMap<string, string>; body: string }[]>,
  headersOf: (index: number) => Headers,
): Promise<void> {
  const answers = await send(
    url,
    clients.map((index) => post(url, callOf(index).body, headersOf(index))),
  );
  assert.equal(answers.length, clientCount);
  for (const [index, answer] of answers.entries()) {
    const { id, result } = messageOf(answer);
    assert.equal(id, 1);
    assert.match(String(result?.structuredContent.session_id), callOf(index).own);
  }
}

for (const [how, send] of [
  ["apart", askApart],
  ["on one connection", askTogether],
] as const) {
  test(`CVE-2026-25536, CVE-2026-111770: clients with equal request ids, ${how}, get each its own answer`, async (t) => {
    const { server } = await serve(t);
    for (let round = 0; round < 3; round += 1) await assertNotCrossed(server, send, () => ({}));
  });

  test(`CVE-2026-25536, CVE-2026-111770: so do sessions, ${how}`, async (t) => {
    const { server } = await serve(t);
    const sessions = await Promise.all(clients.map(() => openSession(server.url)));
    assert.equal(new Set(sessions.map((headers) => headers["Mcp-Session-Id"])).size, clientCount);
    for (let round = 0; round < 3; round += 1) await assertNotCrossed(server, send, (index) => sessions[index] ?? {});
  });
}

const largestBodyBytes = 262_144;
/** What is in the bodies that have more elements than are read. */
const tooMany = "[{},{},{},";

/** Bodies just within the limits, and just beyond: many elements, deep ones, long texts, in the places of any field. */
function largeBodies(): readonly string[] {
  const nested = (open: string, close: string, depth: number) => `${open.repeat(depth)}1${close.repeat(depth)}`;
  const values = [
    nested("[", "]", 4_900),
    nested('{"a":', "}", 4_900),
    `[${"0,".repeat(9_000)}0]`,
    `{${Array.from({ length: 9_000 }, (_, index) => `"k${index}":0`).join(",")}}`,
    JSON.stringify("x".repeat(largestBodyBytes)),
    `[${"{},".repeat(60_000)}{}]`,
    ...["x", "\\n", "\\u0000", "(", "a-", "1", "-20260206", "😀", "\\\\"].map(
      (unit) => `"${unit.repeat(250_000 / unit.length / 2)}"`,
    ),
  ];
  const fields = ["component_name", "timestamp", "event_id", "pid", "metadata", "environment", "hostname", "__proto__"];
  return values.flatMap((value) => [
    ...fields.map((field) =>
      toolCall(1, "track_session_start", { ...startArguments(), [field]: "@" }).replace('"@"', () => value),
    ),
    toolCall(1, "track_session_end", endArguments("@")).replace('"@"', () => value),
    toolCall(1, "search_sessions", { cursor: "@" }).replace('"@"', () => value),
    `{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":${value}}}`,
    `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":${value}}`,
  ]);
}

test("CVE-2026-111768: no body takes memory that stays, and each is answered or refused by its size", async (t) => {
  const { server } = await serve(t);
  const bodies = largeBodies();
  const statuses = new Set<number>();
  const sendAll = async () => {
    for (const body of bodies) {
      const { status } = await ask(server.url, { body });
      statuses.add(status);
      assert.equal(status === 413, body.length > largestBodyBytes || body.includes(tooMany), body.slice(0, 300));
    }
  };
  await sendAll();
  const before = await memoryOf(server);
  await sendAll();
  const after = await memoryOf(server);
  assert.deepEqual([...statuses].sort(), [200, 400, 413]);
  assert.ok(after.heap - before.heap < 8, `${before.heap} -> ${after.heap} MiB`);
  assert.ok(after.resident < 512, `${after.resident} MiB`);
});

const foreign: readonly Headers[] = [
  { Host: "evil.example" },
  { Host: "evil.example:8678" },
  { Host: "" },
  { Host: "127.0.0.1.evil.example" },
  { Host: "0x7f.evil.example" },
  { Host: "localhost@evil.example" },
  { Origin: "http://evil.example" },
  { Origin: "null" },
  { Origin: "https://localhost.evil.example" },
];

test("CVE-2025-66414: a rebound name is refused on every path, by every method, in a session too", async (t) => {
  const { server } = await serve(t);
  const session = await openSession(server.url);
  const wire = await openWire(server.url);
  const paths = [
    "/mcp",
    "/mcp?session=true",
    "/health",
    "/healthz",
    "/metrics",
    "/",
    "/nowhere",
    "http://127.0.0.1/health",
  ];
  for (const headers of foreign) {
    const requests = paths.flatMap((path) =>
      ["GET", "POST", "DELETE", "OPTIONS", "PUT"].map((method) => {
        const all = { Host: "127.0.0.1", "Content-Length": "0", ...session, ...headers };
        const head = [`${method} ${path} HTTP/1.1`, ...Object.entries(all).map((pair) => pair.join(": "))];
        return { method, bytes: Buffer.from(`${head.join("\r\n")}\r\n\r\n`) };
      }),
    );
    for (const { status } of await wire.ask(requests)) assert.equal(status, 403, JSON.stringify(headers));
  }
  wire.drop();
  const again = await askTogether(server.url, [post(server.url, toolCall(1, "health_check", {}), session)]);
  assert.equal(again[0]?.status, 200, "the session was ended from a foreign page");
});

const cancelled = (requestId: unknown) =>
  JSON.stringify({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId } });

test("a batch with a call and its own cancellation is refused, and does nothing", async (t) => {
  const { server, sandbox } = await serve(t);
  const batch = `[${toolCall(1, "track_session_start", startArguments())},${cancelled(1)}]`;
  const session = await openSession(server.url);
  for (const headers of [{}, session]) {
    const [answer] = await askTogether(server.url, [post(server.url, batch, headers)]);
    assert.deepEqual([answer?.status, JSON.parse(answer?.body ?? "").error.code], [400, -32600]);
  }
  assert.deepEqual(await allRows(sandbox), []);
});

test("a cancellation that names the request of another client has no effect on it", async (t) => {
  const { server } = await serve(t);
  const [mine, other] = [await openSession(server.url), await openSession(server.url)];
  // Inside, requests without a session are counted from 1: those numbers are tried too.
  const cancellations = Array.from({ length: 3 * clientCount }, (_, index) => index).flatMap((id) => [
    post(server.url, cancelled(id)),
    post(server.url, cancelled(id), other),
  ]);
  const calls = (headers: Headers) =>
    clients.map((index) => post(server.url, toolCall(index, "track_session_start", startArguments()), headers));
  const [answers] = await Promise.all([
    Promise.all([
      askTogether(server.url, calls({})),
      askApart(server.url, calls({})),
      askApart(server.url, calls(mine)),
    ]),
    askTogether(server.url, cancellations),
  ]);
  for (const some of answers) {
    for (const [index, answer] of some.entries()) {
      const { id, result } = messageOf(answer);
      assert.deepEqual([id, result?.structuredContent.status], [index, "tracked"]);
    }
  }
});

test("a call of a session that its own client cancels is on record once, and the session goes on", async (t) => {
  const { server, sandbox } = await serve(t);
  const session = await openSession(server.url);
  const call = toolCall(7, "track_session_start", startArguments());
  const wire = await openWire(server.url);
  const other = await openWire(server.url);
  wire.send(post(server.url, call, session).bytes);
  assert.equal((await other.ask([post(server.url, cancelled(7), session)]))[0]?.status, 202);
  wire.drop();
  other.drop();
  const [again] = await askTogether(server.url, [post(server.url, call.replace('"id":7', '"id":8'), session)]);
  const { session_id, status } = messageOf(again as never).result?.structuredContent ?? {};
  assert.equal(status, "tracked");
  assert.deepEqual(
    (await allRows(sandbox)).map((row) => row.session_id),
    [session_id],
  );
});

test("10,000 clients that ask for no session leave nothing behind", async (t) => {
  const { server } = await serve(t);
  const wire = await openWire(server.url);
  const knock = async (count: number) => {
    for (let done = 0; done < count; done += 50) {
      const answers = await wire.ask(Array.from({ length: 50 }, () => post(server.url, initialize)));
      for (const { status, headers } of answers)
        assert.deepEqual([status, headers.has("mcp-session-id")], [200, false]);
    }
  };
  await knock(2_000);
  const before = await memoryOf(server);
  await knock(10_000);
  const after = await memoryOf(server);
  wire.drop();
  t.diagnostic(`heap ${before.heap} -> ${after.heap} MiB`);
  // One small object that is kept for each would be 2 MiB.
  assert.ok(after.heap - before.heap < 1.5, `${before.heap} -> ${after.heap} MiB`);
});

test("there are only so many sessions, and one that ends makes room", async (t) => {
  const { server } = await serve(t, { SESSION_BUDDY_MAX_MCP_SESSIONS: "5" });
  const sessions = await Promise.all(Array.from({ length: 5 }, () => openSession(server.url)));
  const full = await askApart(
    server.url,
    Array.from({ length: 20 }, () => post(`${server.url}?session=true`, initialize)),
  );
  for (const { status, headers } of full) assert.deepEqual([status, headers.has("retry-after")], [503, true]);
  assert.equal((await ask(server.url, { method: "DELETE", headers: { ...sessions[0] } })).status, 200);
  await eventually(() => openSession(server.url));
});

test("nothing is answered with a redirection, which could carry a token elsewhere", async (t) => {
  const { server } = await serve(t);
  const headers = {
    Authorization: "Bearer x",
    "X-Forwarded-Host": "evil.example",
    "X-Original-URL": "//evil.example",
    "X-Forwarded-Proto": "https",
  };
  for (const path of [
    "/",
    "/mcp/",
    "/MCP",
    "//evil.example",
    "//evil.example/%2e%2e",
    "/\\evil.example",
    "/mcp?next=//evil.example",
    "/health/",
    "/sse",
    "/.well-known/oauth-protected-resource",
  ]) {
    for (const method of ["GET", "POST", "HEAD", "OPTIONS"]) {
      const answer = await ask(new URL(server.url).origin + path, { method, headers });
      assert.ok(
        answer.status >= 400 || (answer.status === 200 && path.startsWith("/health")),
        `${answer.status} ${path}`,
      );
      assert.deepEqual(
        [answer.headers.location, answer.headers["content-location"], answer.headers.refresh],
        [undefined, undefined, undefined],
      );
    }
  }
});
