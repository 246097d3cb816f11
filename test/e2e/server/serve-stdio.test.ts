/** Proves that over standard input and output nothing but JSON-RPC is ever written, and that the server ends with its client. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { startArguments } from "../../support/events.ts";
import { eventually } from "../../support/eventually.ts";
import { allRows } from "../../support/rows.ts";
import { createSandbox, launcher, type Sandbox } from "../../support/sandbox.ts";
import { holdLock } from "../../support/server/lock.ts";
import { toolCall } from "../../support/server/raw-http.ts";

interface Reply {
  readonly id: number | string | null;
  readonly result?: { readonly structuredContent: Readonly<Record<string, unknown>> };
  readonly error?: { readonly code: number };
}

/** Runs the server on this input to its end. @returns what it wrote, every line of which must be JSON-RPC */
async function repliesTo(sandbox: Sandbox, input: string): Promise<readonly Reply[]> {
  const { status, stdout } = await sandbox.run(["serve", "--stdio"], { input });
  assert.equal(status, 0);
  return parsedLines(stdout);
}

function parsedLines(text: string): readonly Reply[] {
  const lines = text.split("\n");
  assert.equal(lines.pop(), "");
  return lines.map((line) => {
    const reply = JSON.parse(line);
    assert.equal(reply.jsonrpc, "2.0", line);
    return reply;
  });
}

function startCall(id: number, changes: Readonly<Record<string, unknown>> = {}): string {
  return `${toolCall(id, "track_session_start", startArguments(changes))}\n`;
}

function statusOf(reply: Reply | undefined): unknown {
  return reply?.result?.structuredContent.status;
}

/** A server whose pipes the test holds itself. */
async function startStdio(t: TestContext, sandbox: Sandbox): Promise<{ child: ChildProcess; stdout: () => string }> {
  const child = spawn(launcher, ["serve", "--stdio"], { env: sandbox.env, stdio: "pipe" });
  t.after(() => child.kill("SIGKILL"));
  let stdout = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stdin.on("error", () => {});
  await once(child.stderr, "data");
  return { child, stdout: () => stdout };
}

function storeFiles(sandbox: Sandbox): readonly string[] {
  return readdirSync(sandbox.home).filter((name) => name.startsWith("sessions.db"));
}

test("lines that are no JSON-RPC are passed over, and the ones between them answered", async (t) => {
  const garbage = [
    "",
    "   ",
    "{",
    "null",
    "5",
    "[]",
    "{}",
    '{"jsonrpc":"1.0"}',
    "\u0000\u001b[2J",
    "é".repeat(1000),
    "\r",
  ];
  const input = garbage.map((line, index) => `${line}\n${startCall(index)}`).join("");
  const replies = await repliesTo(createSandbox(t), input);
  assert.deepEqual(
    replies.map(({ id }) => id),
    garbage.map((_, index) => index),
  );
  for (const reply of replies) assert.equal(statusOf(reply), "tracked");
});

test("methods that do not exist are protocol errors, notifications get no answer", async (t) => {
  const methods = ["nothing", "", "tools/call/x", "__proto__", "prompts/list", "\u001b[31m"];
  const requests = methods.map((method, id) => JSON.stringify({ jsonrpc: "2.0", id, method }));
  const silent = [{ method: "notifications/initialized" }, { method: "notifications/nothing" }, { id: 99, result: {} }];
  const notifications = silent.map((message) => JSON.stringify({ jsonrpc: "2.0", ...message }));
  const replies = await repliesTo(createSandbox(t), `${[...notifications, ...requests].join("\n")}\n${startCall(50)}`);
  assert.deepEqual(
    replies.slice(0, -1).map(({ id, error }) => [id, error?.code]),
    methods.map((_, id) => [id, -32601]),
  );
  assert.equal(statusOf(replies.at(-1)), "tracked");
});

test("hostile text comes back as JSON on one line, and is recorded as it was sent", async (t) => {
  const sandbox = createSandbox(t);
  const hostile = '\u001b[2J\r\n\0{"jsonrpc":"2.0"}\u2028\u2029\u202e';
  const input =
    startCall(1, { shell_type: hostile }) +
    startCall(2, { component_name: hostile }) +
    `${toolCall(3, "track_session_end", { session_id: hostile, timestamp: "2026-02-06T12:34:56Z" })}\n`;
  const replies = new Map((await repliesTo(sandbox, input)).map((reply) => [reply.id, reply]));
  assert.equal(replies.size, 3);
  assert.equal(statusOf(replies.get(1)), "tracked");
  assert.equal(statusOf(replies.get(2)), "error");
  assert.equal(replies.get(3)?.result?.structuredContent.session_id, hostile);
  assert.deepEqual(
    (await allRows(sandbox)).map((row) => row.shell_type),
    [hostile],
  );
});

test("metadata of 10 MB is refused in words, and the next call is answered", async (t) => {
  const input = startCall(1, { metadata: { a: "x".repeat(10_000_000) } }) + startCall(2);
  const replies = await repliesTo(createSandbox(t), input);
  assert.deepEqual(replies.map(statusOf).sort(), ["error", "tracked"]);
});

// Just over the limit nothing more arrives that could wake a server which has stopped reading.
for (const tooMany of [10 * 1024 * 1024 + 10, 12 * 1024 * 1024]) {
  test(`a message of ${tooMany} bytes without an end fills no memory: the server ends, its store closed`, async (t) => {
    const sandbox = createSandbox(t);
    const { child, stdout } = await startStdio(t, sandbox);
    const closed = once(child, "close");
    child.stdin?.write("x".repeat(tooMany));
    assert.deepEqual(await closed, [0, null]);
    assert.equal(stdout(), "");
    assert.deepEqual(storeFiles(sandbox), ["sessions.db"]);
  });
}

test("everything that was asked before standard input ended is answered", async (t) => {
  const sandbox = createSandbox(t);
  const count = 200;
  const replies = await repliesTo(sandbox, Array.from({ length: count }, (_, id) => startCall(id)).join(""));
  assert.deepEqual(new Set(replies.map(statusOf)), new Set(["tracked"]));
  assert.equal(new Set(replies.map(({ id }) => id)).size, count);
  assert.equal((await allRows(sandbox)).length, count);
  assert.deepEqual(storeFiles(sandbox), ["sessions.db"]);
});

for (const how of ["the end of standard input", "SIGTERM", "SIGINT"] as const) {
  test(`${how} waits for a call that the database holds up`, async (t) => {
    const sandbox = createSandbox(t);
    const { child, stdout } = await startStdio(t, sandbox);
    const closed = once(child, "close");
    const { release } = await holdLock(t, join(sandbox.home, "sessions.db"));
    child.stdin?.write(`${startCall(1)}${toolCall(2, "health_check", {})}\n`);
    // Messages are begun in their order: when the second has its answer, the first is running.
    await eventually(() =>
      assert.deepEqual(
        parsedLines(stdout()).map(({ id }) => id),
        [2],
      ),
    );
    if (how === "the end of standard input") child.stdin?.end();
    else child.kill(how);
    await release();
    assert.deepEqual(await closed, [0, null]);
    assert.deepEqual(parsedLines(stdout()).map(statusOf), ["ok", "tracked"]);
    assert.deepEqual(storeFiles(sandbox), ["sessions.db"]);
  });
}

test("a client that reads no more ends the server, and what it asked for is on record", async (t) => {
  const sandbox = createSandbox(t);
  const { child } = await startStdio(t, sandbox);
  const closed = once(child, "exit");
  child.stdout?.destroy();
  child.stdin?.write(startCall(1));
  assert.deepEqual(await closed, [0, null]);
  assert.equal((await allRows(sandbox)).length, 1);
  assert.deepEqual(storeFiles(sandbox), ["sessions.db"]);
});
