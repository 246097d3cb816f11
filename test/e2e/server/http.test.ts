/** Proves the HTTP entrance of a running server: routes, methods, limits, and who may come in. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import packageJson from "../../../package.json" with { type: "json" };
import { hostsFor, isLoopback } from "../../../src/server/http/caller.ts";
import { startArguments } from "../../support/events.ts";
import { createSandbox } from "../../support/sandbox.ts";
import { ask, toolCall } from "../../support/server/raw-http.ts";

const largestBodyBytes = 256 * 1024;

async function startServer(t: TestContext) {
  const { url } = await createSandbox(t).serve();
  return { url, at: (path: string) => new URL(path, url).href };
}

/** A start, padded with spaces to so many bytes. */
function callOf(bytes: number): string {
  return toolCall(1, "track_session_start", startArguments()).padEnd(bytes);
}

test("GET /health and /healthz answer, HEAD too, and nothing else may be done there", async (t) => {
  const { at } = await startServer(t);
  const bodies = {
    "/health": { status: "ok", service: "session-buddy", version: packageJson.version },
    "/healthz": { status: "ok" },
    "/health?verbose=1": { status: "ok", service: "session-buddy", version: packageJson.version },
  };
  for (const [path, body] of Object.entries(bodies)) {
    const answer = await ask(at(path), { method: "GET" });
    assert.equal(answer.status, 200);
    assert.match(String(answer.headers["content-type"]), /^application\/json/);
    assert.deepEqual(JSON.parse(answer.body), body);
    assert.deepEqual([(await ask(at(path), { method: "HEAD" })).body], [""]);
    const refused = await ask(at(path), { method: "POST" });
    assert.deepEqual([refused.status, refused.headers.allow], [405, "GET, HEAD"]);
  }
});

test("any other path is not found, in JSON", async (t) => {
  const { at } = await startServer(t);
  for (const path of ["/", "/mcp/", "/MCP", "/mcpx", "/../etc/passwd", "/%00", "/health/x", "//mcp"]) {
    const answer = await ask(at("/") + path.slice(1), { method: "GET" });
    assert.equal(answer.status, 404, path);
    assert.match(JSON.parse(answer.body).error, /^Not found/);
  }
});

test("/mcp serves POST alone", async (t) => {
  const { url } = await startServer(t);
  for (const method of ["GET", "DELETE", "PUT", "PATCH", "OPTIONS"]) {
    const answer = await ask(url, { method });
    assert.deepEqual([answer.status, answer.headers.allow], [405, "POST"], method);
    assert.equal(JSON.parse(answer.body).error.code, -32000);
  }
});

test("a body that is no single JSON-RPC message is refused in JSON-RPC", async (t) => {
  const { url } = await startServer(t);
  const bodies: readonly (readonly [body: string, code: number])[] = [
    ["", -32700],
    ["{", -32700],
    ["\u0000", -32700],
    ["null", -32600],
    ["5", -32600],
    ['"text"', -32600],
    ["{}", -32600],
    ["[]", -32600],
    [`[${callOf(0)}]`, -32600],
  ];
  for (const [body, code] of bodies) {
    const answer = await ask(url, { body });
    assert.equal(answer.status, 400, body.slice(0, 20));
    const { jsonrpc, id, error } = JSON.parse(answer.body);
    assert.deepEqual([jsonrpc, id, error.code], ["2.0", null, code], body.slice(0, 20));
  }
  assert.match((await ask(url, { body: "[]" })).body, /Batches are not supported/);
  assert.equal((await ask(url, { body: callOf(0) })).status, 200);
});

test("a body of 256 KiB is read, a larger one is answered 413, however large", async (t) => {
  const { url } = await startServer(t);
  assert.equal((await ask(url, { body: callOf(largestBodyBytes) })).status, 200);
  for (const bytes of [largestBodyBytes + 1, 10_000_000]) {
    const answer = await ask(url, { body: callOf(bytes) });
    assert.equal(answer.status, 413);
    assert.match(JSON.parse(answer.body).error.message, /larger than 262144 bytes/);
  }
  assert.equal((await ask(url, { body: callOf(0) })).status, 200);
});

test("a request under a foreign name, or from a foreign page, is forbidden on every path", async (t) => {
  const { url, at } = await startServer(t);
  const { port } = new URL(url);
  const foreign = [
    { Host: "evil.example" },
    { Host: `evil.example:${port}` },
    { Host: "127.0.0.1.evil.example" },
    { Host: "localhost@evil.example" },
    { Origin: "http://evil.example" },
    { Origin: `https://localhost.evil.example:${port}` },
    { Origin: "null" },
    { Origin: "" },
    { Origin: "file://" },
  ];
  for (const headers of foreign) {
    for (const [path, method] of [
      ["/mcp", "POST"],
      ["/health", "GET"],
      ["/nowhere", "GET"],
    ] as const) {
      const answer = await ask(at(path), { method, headers, body: method === "POST" ? callOf(0) : "" });
      assert.equal(answer.status, 403, `${JSON.stringify(headers)} ${path}`);
      assert.match(JSON.parse(answer.body).error.message, /Host or Origin is not allowed/);
    }
  }
});

test("a request under each name of the loopback address is served", async (t) => {
  const { url } = await startServer(t);
  const names = ["localhost", "LOCALHOST", "127.0.0.1", "[::1]"];
  for (const name of names) {
    for (const headers of [{ Host: `${name}:1` }, { Host: name }, { Origin: `http://${name}:3000` }]) {
      assert.equal((await ask(url, { headers, body: callOf(0) })).status, 200, JSON.stringify(headers));
    }
  }
});

test("a pid sent as 12345.0 is an integer", async (t) => {
  const { url } = await startServer(t);
  const body = callOf(0).replace('"pid":12345,', '"pid":12345.0,');
  assert.notEqual(body, callOf(0));
  assert.match((await ask(url, { body })).body, /"status":"tracked"/);
});

test("clients that use the same request id at once get each its own answer", async (t) => {
  const { url } = await startServer(t);
  const components = Array.from({ length: 20 }, (_, index) => `client-${index}`);
  const answers = await Promise.all(
    components.map((component_name) =>
      ask(url, { body: toolCall(1, "track_session_start", startArguments({ component_name })) }),
    ),
  );
  const ids = answers.map(({ body }) => JSON.parse(body).result.structuredContent.session_id);
  assert.deepEqual(
    ids,
    components.map((component) => `${component}-20260206-123456`),
  );
});

test("loopback is told by the whole address, and names are limited on it alone", () => {
  for (const address of ["127.0.0.1", "127.9.9.9", "localhost", "::1"]) {
    assert.ok(isLoopback(address), address);
    assert.ok(hostsFor(address)?.has("localhost"));
  }
  for (const address of ["0.0.0.0", "::", "10.0.0.1", "127.evil.example", "127.0.0.1.evil.example", "", "128.0.0.1"]) {
    assert.ok(!isLoopback(address), address);
    assert.equal(hostsFor(address), null);
  }
});

test("every request is answered, also one of which the protocol's library makes nothing", async (t) => {
  const { url } = await startServer(t);
  const pings = ['"extra":1', '"result":{}', '"error":{}', '"__proto__":{"polluted":1}', '"params":{}'];
  for (const more of pings) {
    const answer = await ask(url, { body: `{"jsonrpc":"2.0","id":1,"method":"ping",${more}}` });
    assert.deepEqual(JSON.parse(answer.body), { jsonrpc: "2.0", id: 1, result: {} }, more);
  }
  const refused: readonly (readonly [method: string, params: unknown])[] = [
    ["ping", { _meta: 5 }],
    ["ping", { _meta: { progressToken: {} } }],
    ["tools/call", {}],
    ["tools/call", { name: 5 }],
    ["tools/call", { name: "health_check", arguments: [] }],
    ["resources/read", {}],
    ["initialize", {}],
  ];
  for (const [method, params] of refused) {
    const answer = await ask(url, { body: JSON.stringify({ jsonrpc: "2.0", id: "a", method, params }) });
    assert.deepEqual(
      [answer.status, JSON.parse(answer.body)],
      [200, { jsonrpc: "2.0", id: "a", error: { code: -32602, message: "Invalid params" } }],
    );
  }
});
