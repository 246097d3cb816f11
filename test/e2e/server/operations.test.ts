/** Proves what a server does for those who run it: signals, connections that are open when it stops, the log, systemd. */
import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import type { Socket } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import { startArguments } from "../../support/events.ts";
import { eventually } from "../../support/eventually.ts";
import { allRows, runWell } from "../../support/rows.ts";
import { createSandbox, type RunningServer, type Sandbox } from "../../support/sandbox.ts";
import { dial, head, heardUntilClosed, openSession, rpc } from "../../support/server/door.ts";
import { claims, secret, tokenMakers } from "../../support/server/jwt.ts";
import { holdLock } from "../../support/server/lock.ts";
import { ask, toolCall } from "../../support/server/raw-http.ts";

const ping = rpc("another", "ping");

/** Sends a call on a connection that is to be kept for the next one. */
async function dialCall(
  { url }: RunningServer,
  body: string,
  session: Readonly<Record<string, string>> = {},
): Promise<Socket> {
  const lines = Object.entries(session).map(([name, value]) => `${name}: ${value}`);
  const socket = await dial(url);
  const text = head(url, `Content-Length: ${Buffer.byteLength(body)}`, ...lines) + body;
  socket.write(
    text
      .replace("Connection: close\r\n", "")
      .replace("application/json\r\nCont", "application/json, text/event-stream\r\nCont"),
  );
  return socket;
}

/** The stop must come before Node.js itself gives up on a connection, which takes a minute. */
async function assertEnds(stopped: Promise<{ status: number | null }>): Promise<void> {
  const late = AbortSignal.timeout(30_000);
  const tooLate = new Promise<never>((_, reject) => late.addEventListener("abort", () => reject(late.reason)));
  assert.equal((await Promise.race([stopped, tooLate])).status, 0);
}

for (const mode of ["without a session", "in a session"] as const) {
  test(`${mode}, a running call on a connection that is kept is answered, then the server ends`, async (t) => {
    const sandbox = createSandbox(t);
    const server = await sandbox.serve();
    const session = mode === "in a session" ? await openSession(server.url) : {};
    const { release } = await holdLock(t, join(sandbox.home, "sessions.db"));
    const socket = await dialCall(server, toolCall(1, "track_session_start", startArguments()), session);
    const heard = heardUntilClosed(socket);
    // Answered while the call before it waits: that one has begun.
    const second = await dialCall(server, ping, session);
    await eventually(() => assert.ok(second.bytesRead > 0));
    const stopped = server.stop();
    await release();
    assert.match(await heard, /"status":"tracked"/);
    await assertEnds(stopped);
    assert.equal((await allRows(sandbox)).length, 1);
  });
}

test("streams of sessions are closed when the server stops", async (t) => {
  const server = await createSandbox(t).serve();
  const transport = new StreamableHTTPClientTransport(new URL(`${server.url}?session=true`));
  const client = new Client({ name: "test", version: "1" });
  await client.connect(transport as Transport);
  t.after(() => client.close());
  const session = await openSession(server.url);
  const stream = await fetch(server.url, { headers: { ...session, Accept: "text/event-stream" } });
  const text = stream.text();
  await assertEnds(server.stop());
  assert.doesNotMatch(await text, /data:/);
});

test("clients that never send the rest of a request do not hold up the end", async (t) => {
  const server = await createSandbox(t).serve();
  const kept = await dialCall(server, ping);
  await eventually(() => assert.ok(kept.bytesRead > 0));
  for (const text of [
    "",
    "POST /mcp HTT",
    head(server.url, "Content-Length: 100"),
    `${head(server.url, "Content-Length: 9")}{`,
  ]) {
    (await dial(server.url)).write(text);
  }
  await ask(server.url, { body: ping });
  await assertEnds(server.stop());
});

test("SIGHUP says that the log file is a new one, when the old one was moved away", async (t) => {
  const sandbox = createSandbox(t);
  const log = join(sandbox.folder, "log");
  const server = await sandbox.serve({ SESSION_BUDDY_LOG_FILE: log });
  await eventually(() => assert.ok(existsSync(log)));
  for (const name of ["log.1", "log.2"]) {
    renameSync(log, join(sandbox.folder, name));
    server.child.kill("SIGHUP");
    await eventually(() => assert.equal(readFileSync(log, "utf8"), `INFO - Log file reopened: file=${log}\n`));
    assert.equal(statSync(log).mode & 0o777, 0o600);
  }
  assert.doesNotMatch(readFileSync(join(sandbox.folder, "log.1"), "utf8"), /reopened/);
  await ask(server.url, { body: toolCall(1, "track_session_start", startArguments()) });
  assert.match(readFileSync(log, "utf8"), /\nINFO - Session start tracked: /);
  await assertEnds(server.stop());
});

test("SIGHUP without a log file stops the server as SIGTERM does", async (t) => {
  const sandbox = createSandbox(t);
  const server = await sandbox.serve();
  await assertEnds(server.stop("SIGHUP"));
  assert.ok(!existsSync(join(sandbox.home, "sessions.db-wal")));
});

test("SIGHUP has a server read its secrets and keys again; where they are bad, those it has stay", async (t) => {
  const sandbox = createSandbox(t);
  const keys = join(sandbox.folder, "keys.json");
  const previous = join(sandbox.folder, "previous");
  const env = { SESSION_BUDDY_KEYS_FILE: keys, SESSION_BUDDY_PREVIOUS_SECRETS_FILE: previous };
  const keysCommand = (...args: string[]) => runWell(sandbox, ["token", "keys", ...args], { env });
  const token = async () => (await runWell(sandbox, ["token"], { env })).trimEnd();
  writeFileSync(previous, `${secret}\n`, { mode: 0o600 });
  await keysCommand("create");
  const [first, ofSecret] = [await token(), await tokenMakers.hand(claims())];

  const log = join(sandbox.folder, "log");
  const server = await sandbox.serve({ ...env, SESSION_BUDDY_LOG_FILE: log });
  const accepted = async (...tokens: string[]) => {
    const answers = tokens.map((one) => toolCall(1, "track_session_start", startArguments({ token: one })));
    return Promise.all(
      answers.map(async (body) => String((await ask(server.url, { body })).body).includes('"tracked"')),
    );
  };
  const reloaded = async (line: RegExp) => {
    writeFileSync(log, "");
    server.child.kill("SIGHUP");
    await eventually(() => assert.match(readFileSync(log, "utf8"), line));
  };
  await keysCommand("rotate", "--drop");
  const second = await token();
  assert.deepEqual(await accepted(first, second, ofSecret), [true, false, true]);
  await reloaded(/^INFO - Secrets and keys reloaded$/m);
  assert.deepEqual(await accepted(first, second, ofSecret), [false, true, true]);

  const good = readFileSync(keys, "utf8");
  for (const [bad, mode, words] of [
    [good, 0o644, /reason=.*open to other users/],
    ["{", 0o600, /reason=.*keys file/],
    ['{"keys":[]}', 0o600, /reason=.*keys/],
  ] as const) {
    writeFileSync(keys, bad);
    chmodSync(keys, mode);
    await reloaded(new RegExp(`^WARNING - Secrets and keys not reloaded: code=auth.secret, ${words.source}`, "m"));
    assert.deepEqual(await accepted(first, second, ofSecret), [false, true, true], bad);
  }
  writeFileSync(keys, good, { mode: 0o600 });
  chmodSync(keys, 0o600);
  writeFileSync(previous, "");
  await reloaded(/^INFO - Secrets and keys reloaded$/m);
  assert.deepEqual(await accepted(first, second, ofSecret), [false, true, false]);
  await assertEnds(server.stop());
});

test("SIGHUP does not stop a server that systemd has started, although it has no log file", async (t) => {
  const sandbox = createSandbox(t);
  const { env } = createStandIn(sandbox);
  const server = await sandbox.serve({ ...env, NOTIFY_SOCKET: "/run/x", SESSION_BUDDY_SECRET: secret });
  server.child.kill("SIGHUP");
  await eventually(() => assert.match(server.log(), /^INFO - Secrets and keys reloaded$/m));
  await assertEnds(server.stop());
});

/** A folder for PATH with a program in place of systemd's, which writes down what it was told; and the file it writes. */
function createStandIn(
  sandbox: Sandbox,
  { status = 0 } = {},
): { readonly env: Record<string, string>; readonly file: string } {
  const folder = join(sandbox.folder, "bin");
  const file = join(sandbox.folder, "told");
  mkdirSync(folder);
  const program = join(folder, "systemd-notify");
  writeFileSync(program, `#!/bin/sh\necho "$NOTIFY_SOCKET $*" >> '${file}'\nexit ${status}\n`);
  chmodSync(program, 0o755);
  return { env: { PATH: `${folder}:${sandbox.env.PATH}` }, file };
}

function toldIn(file: string): string {
  return existsSync(file) ? readFileSync(file, "utf8") : "";
}

async function assertServesAndEnds(server: RunningServer): Promise<string> {
  assert.equal((await ask(server.url, { body: ping })).status, 200);
  const stopped = server.stop();
  await assertEnds(stopped);
  return (await stopped).stderr;
}

test("systemd is told when the server is ready and when it stops, and only where it listens", async (t) => {
  const sandbox = createSandbox(t);
  const { env, file } = createStandIn(sandbox);
  for (const NOTIFY_SOCKET of ["/run/some socket", "@abstract"]) {
    const server = await sandbox.serve({ ...env, NOTIFY_SOCKET });
    await eventually(() => assert.ok(toldIn(file).endsWith(`${NOTIFY_SOCKET} READY=1\n`)));
    assert.doesNotMatch(await assertServesAndEnds(server), /systemd/);
    assert.ok(toldIn(file).endsWith(`${NOTIFY_SOCKET} READY=1\n${NOTIFY_SOCKET} STOPPING=1\n`));
  }
  const told = toldIn(file);
  for (const nobody of [{}, { NOTIFY_SOCKET: "" }]) {
    assert.doesNotMatch(await assertServesAndEnds(await sandbox.serve({ ...env, ...nobody })), /systemd/);
  }
  assert.equal(toldIn(file), told);
});

test("a server that cannot tell systemd says so in the log, and serves", async (t) => {
  const sandbox = createSandbox(t);
  const { env } = createStandIn(sandbox, { status: 1 });
  const failing = await assertServesAndEnds(await sandbox.serve({ ...env, NOTIFY_SOCKET: "/run/x" }));
  const words = (state: string) => new RegExp(`^WARNING - systemd could not be notified: state=${state}, reason=`, "m");
  for (const state of ["ready", "stopping"]) assert.match(failing, words(state));
  const nothing = { PATH: join(sandbox.folder, "nowhere"), NOTIFY_SOCKET: "/run/x" };
  const missing = await assertServesAndEnds(await sandbox.serve(nothing));
  assert.match(missing, /state=ready, reason=systemd-notify was not found$/m);
});
