/** Proves that every revision of the protocol that the SDK speaks is spoken over both transports, and no other is taken for one. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { LATEST_PROTOCOL_VERSION, SUPPORTED_PROTOCOL_VERSIONS } from "@modelcontextprotocol/sdk/types.js";
import packageJson from "../../package.json" with { type: "json" };
import { createSandbox, type Sandbox } from "../support/sandbox.ts";
import { toolNames } from "../support/server/client-exchange.ts";
import { ask, toolCall } from "../support/server/raw-http.ts";

const unknown = ["2023-01-01", "2099-12-31", "2026-07-28", "1.0", "", "latest"];
const listTools = JSON.stringify({ jsonrpc: "2.0", id: 2, method: "tools/list" });
const initialized = JSON.stringify({ jsonrpc: "2.0", method: "notifications/initialized" });
const healthy = { status: "ok", service: "session-buddy", version: packageJson.version };

function initialize(protocolVersion: unknown): string {
  const params = { protocolVersion, capabilities: {}, clientInfo: { name: "test", version: "1" } };
  return JSON.stringify({ jsonrpc: "2.0", id: 1, method: "initialize", params });
}

interface Reply {
  readonly id: number;
  readonly result: Readonly<Record<string, unknown>>;
}

function assertInitialized({ result }: Reply, protocolVersion: string): void {
  const { name, version } = result.serverInfo as Record<string, unknown>;
  assert.deepEqual([result.protocolVersion, name, version], [protocolVersion, "session-buddy", packageJson.version]);
  for (const capability of ["tools", "resources"]) assert.ok(capability in (result.capabilities as object), capability);
}

function namesIn({ result }: Reply): unknown[] {
  return (result.tools as { name: string }[]).map(({ name }) => name);
}

/** Everything that a client would say, at once; the server answers it all before it ends. */
async function overStdio(sandbox: Sandbox, revision: string): Promise<readonly Reply[]> {
  const input = `${[initialize(revision), initialized, listTools, toolCall(3, "health_check", {})].join("\n")}\n`;
  const { status, stdout } = await sandbox.run(["serve", "--stdio"], { input });
  assert.equal(status, 0);
  const replies = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Reply);
  return replies.sort((one, other) => one.id - other.id);
}

for (const revision of SUPPORTED_PROTOCOL_VERSIONS) {
  test(`revision ${revision} is spoken over HTTP`, async (t) => {
    const { url } = await createSandbox(t).serve();
    const headers = { "MCP-Protocol-Version": revision };
    const first = await ask(url, { body: initialize(revision) });
    assert.equal(first.status, 200);
    assertInitialized(JSON.parse(first.body), revision);
    const notified = await ask(url, { headers, body: initialized });
    assert.deepEqual([notified.status, notified.body], [202, ""]);
    assert.deepEqual(namesIn(JSON.parse((await ask(url, { headers, body: listTools })).body)), toolNames);
    const called = JSON.parse((await ask(url, { headers, body: toolCall(3, "health_check", {}) })).body);
    assert.deepEqual(called.result.structuredContent, healthy);
  });

  test(`revision ${revision} is spoken over stdio`, async (t) => {
    const [first, listed, called, ...more] = await overStdio(createSandbox(t), revision);
    assert.ok(first && listed && called);
    assertInitialized(first, revision);
    assert.deepEqual(namesIn(listed), toolNames);
    assert.deepEqual([called.result.structuredContent, more], [healthy, []]);
  });
}

test("a client that asks for a revision nobody knows is offered the latest", async (t) => {
  const sandbox = createSandbox(t);
  const { url } = await sandbox.serve();
  for (const revision of unknown) {
    const { status, body } = await ask(url, { body: initialize(revision) });
    assert.equal(status, 200, revision);
    assertInitialized(JSON.parse(body), LATEST_PROTOCOL_VERSION);
  }
  const [first] = await overStdio(sandbox, "2099-12-31");
  assert.ok(first);
  assertInitialized(first, LATEST_PROTOCOL_VERSION);
});

test("a request of a revision that is not spoken is refused in JSON-RPC; one that names none is served", async (t) => {
  const { url } = await createSandbox(t).serve();
  for (const revision of [...unknown, ` ${LATEST_PROTOCOL_VERSION} x`, `${LATEST_PROTOCOL_VERSION}, 2025-06-18`]) {
    const headers = { "MCP-Protocol-Version": revision };
    const { status, body, headers: answered } = await ask(url, { headers, body: listTools });
    assert.equal(status, 400, revision);
    assert.match(String(answered["content-type"]), /^application\/json/);
    const { jsonrpc, error } = JSON.parse(body);
    assert.deepEqual([jsonrpc, error.code], ["2.0", -32000], revision);
    assert.match(
      error.message,
      new RegExp(`MCP-Protocol-Version is not supported; use one of .*${LATEST_PROTOCOL_VERSION}`),
    );
  }
  assert.deepEqual(namesIn(JSON.parse((await ask(url, { body: listTools })).body)), toolNames);
});

test("the probe of a client of a later revision is told that its method or revision is unknown, at once", async (t) => {
  const sandbox = createSandbox(t);
  const { url } = await sandbox.serve();
  const _meta = { "io.modelcontextprotocol/protocolVersion": "2026-07-28" };
  const probe = JSON.stringify({ jsonrpc: "2.0", id: "p", method: "server/discover", params: { _meta } });
  const headers = { "MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "server/discover" };
  const answer = await ask(url, { headers, body: probe });
  // 401 and 403 would start a login, and anything from 500 on is taken for an outage.
  assert.equal(answer.status, 400);
  assert.ok(JSON.parse(answer.body).error.code < 0);
  const { stdout } = await sandbox.run(["serve", "--stdio"], { input: `${probe}\n` });
  const { id, error } = JSON.parse(stdout);
  assert.deepEqual([id, error.code], ["p", -32601]);
});
