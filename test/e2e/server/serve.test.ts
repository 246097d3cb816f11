/** Proves how an HTTP server begins and ends: addresses, taken ports, servers side by side, and signals during calls. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { connect as connectSocket, createServer } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { startArguments } from "../../support/events.ts";
import { eventually } from "../../support/eventually.ts";
import { allRows, assertRefused, runWell } from "../../support/rows.ts";
import { createSandbox, type RunningServer, type Sandbox } from "../../support/sandbox.ts";
import { secret } from "../../support/server/jwt.ts";
import { holdLock } from "../../support/server/lock.ts";
import { ask, type HttpAnswer, toolCall } from "../../support/server/raw-http.ts";
import { call } from "../../support/server/transports.ts";

interface BusyServer {
  readonly sandbox: Sandbox;
  readonly server: RunningServer;
  readonly answers: readonly Promise<HttpAnswer>[];
  /** Lets the calls go on. */
  readonly release: () => Promise<void>;
}

/** A server with calls that it has begun and cannot finish, because another program holds the database. */
async function createBusyServer(t: TestContext, callCount: number): Promise<BusyServer> {
  const sandbox = createSandbox(t);
  const server = await sandbox.serve();
  const { release } = await holdLock(t, join(sandbox.home, "sessions.db"));
  const answers: Promise<HttpAnswer>[] = [];
  const begun = Array.from({ length: callCount }, (_, index) => {
    const body = toolCall(index, "track_session_start", startArguments());
    return new Promise<void>((resolve) => answers.push(ask(server.url, { body, beforeBody: resolve })));
  });
  await Promise.all(begun);
  return { sandbox, server, answers, release };
}

/** Waits until nobody is let in any more, which is the first thing a server does that is told to stop. */
async function closedDoor({ url }: RunningServer): Promise<void> {
  const { hostname, port } = new URL(url);
  await eventually(async () => {
    const socket = connectSocket(Number(port), hostname);
    const wasLetIn = await once(socket, "connect").then(
      () => true,
      () => false,
    );
    socket.destroy();
    assert.ok(!wasLetIn, "the server still lets clients in");
  });
}

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  test(`${signal} lets running calls be answered, closes the store and ends with 0`, async (t) => {
    const { sandbox, server, answers, release } = await createBusyServer(t, 5);
    const outcome = server.stop(signal);
    await closedDoor(server);
    await release();
    for (const answer of await Promise.all(answers)) {
      assert.equal(answer.status, 200);
      assert.equal(JSON.parse(answer.body).result.structuredContent.status, "tracked");
    }
    assert.equal((await outcome).status, 0);
    assert.deepEqual(
      readdirSync(sandbox.home).filter((name) => /-(wal|shm)$/.test(name)),
      [],
    );
    assert.equal((await allRows(sandbox)).length, 5);
  });
}

for (const [first, second] of [
  ["SIGTERM", "SIGTERM"],
  ["SIGINT", "SIGINT"],
  ["SIGINT", "SIGTERM"],
] as const) {
  test(`after ${first}, ${second} ends a server that is still busy at once, and nothing is half recorded`, async (t) => {
    const { sandbox, server, answers, release } = await createBusyServer(t, 2);
    const outcomes = Promise.allSettled(answers);
    server.child.kill(first);
    await closedDoor(server);
    const outcome = server.stop(second);
    // A signal that comes right behind the first is taken for the same one.
    await eventually(() => {
      server.child.kill(second);
      assert.ok(server.child.signalCode !== null || server.child.exitCode !== null, "the server goes on");
    });
    assert.equal((await outcome).signal, second);
    await release();
    assert.deepEqual(
      (await outcomes).map(({ status }) => status),
      ["rejected", "rejected"],
    );
    assert.deepEqual(await allRows(sandbox), []);
  });
}

test("a signal that comes twice at once, as from timeout(1), is one: running calls are answered", async (t) => {
  const { server, answers, release } = await createBusyServer(t, 2);
  server.child.kill("SIGTERM");
  // Two of the same kind could be one before they arrive.
  server.child.kill("SIGINT");
  await closedDoor(server);
  await release();
  for (const answer of await Promise.all(answers)) assert.equal(answer.status, 200);
  // It ends by itself: another signal, a while later, would end it by force.
  await eventually(() => assert.equal(server.child.exitCode, 0));
});

test("a server without calls ends at once, whether its clients are still connected or not", async (t) => {
  const sandbox = createSandbox(t);
  const server = await sandbox.serve();
  const client = await sandbox.httpClient(server);
  await call(client, "track_session_start", startArguments());
  const { status, stdout } = await server.stop();
  assert.deepEqual([status, stdout], [0, ""]);
});

test("an address that other machines reach needs a secret", async (t) => {
  const sandbox = createSandbox(t);
  for (const host of ["0.0.0.0", "::", "192.0.2.1"]) {
    const refused = await sandbox.run(["serve", "--host", host, "--port", "0"]);
    assertRefused(refused, 5, /can be reached from other machines.*session-buddy token secret.*127\.0\.0\.1/);
  }
  const env = { SESSION_BUDDY_SECRET: secret, SESSION_BUDDY_HOST: "0.0.0.0" };
  const server = await sandbox.serve(env);
  assert.match(
    server.log(),
    /^INFO - Serving MCP: url=http:\/\/0\.0\.0\.0:\d+\/mcp, store=\S+\/sessions\.db, authentication=on\n/,
  );
  const url = server.url.replace("0.0.0.0", "127.0.0.1");
  const headers = { Host: "any-name.example" };
  const answer = await ask(url, { headers, body: toolCall(1, "track_session_start", startArguments()) });
  assert.match(answer.body, /Authentication failed: Token required/);
});

test("an address that is not this machine's, or no address at all, is refused in words", async (t) => {
  const sandbox = createSandbox(t);
  const env = { SESSION_BUDDY_SECRET: secret };
  const foreign = await sandbox.run(["serve", "--host", "192.0.2.1", "--port", "0"], { env });
  assertRefused(foreign, 5, /192\.0\.2\.1 is not an address of this machine/);
  assertRefused(await sandbox.run(["serve", "--port", "65536"]), 2, /a port is a whole number from 0 to 65535/);
});

test("a port that is taken is refused in words", async (t) => {
  const other = createServer().listen(0, "127.0.0.1");
  await once(other, "listening");
  t.after(() => other.close());
  const { port } = other.address() as { port: number };
  const outcome = await createSandbox(t).run(["serve", "--port", String(port)]);
  assertRefused(outcome, 5, new RegExp(`port ${port} on 127\\.0\\.0\\.1 is in use; .*--port`));
});

test("two servers and the command line write one store at the same time and lose nothing", async (t) => {
  const sandbox = createSandbox(t);
  const servers = await Promise.all([sandbox.serve(), sandbox.serve()]);
  const clients = await Promise.all(servers.map((server) => sandbox.httpClient(server)));
  const starts = clients.flatMap((client) =>
    Array.from({ length: 15 }, async () => {
      const { session_id: id } = await call(client, "track_session_start", startArguments());
      return String(id);
    }),
  );
  const commands = Array.from({ length: 5 }, async (_, index) =>
    (await runWell(sandbox, ["start", "--component", `c${index}`])).trim(),
  );
  const ids = await Promise.all([...starts, ...commands]);
  const rows = await allRows(sandbox);
  assert.deepEqual(rows.map((row) => row.session_id).sort(), ids.sort());
  assert.equal(new Set(ids).size, 35);
});
