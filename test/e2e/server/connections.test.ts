/** Proves that no client takes a server for itself: how many connections an address may have, and which one goes for another. */
import assert from "node:assert/strict";
import { once } from "node:events";
import type { Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { eventually } from "../../support/eventually.ts";
import { createSandbox } from "../../support/sandbox.ts";
import { dial, head, heardUntilClosed, rpc } from "../../support/server/door.ts";
import { openEntrance } from "../../support/server/entrance.ts";
import { ask } from "../../support/server/raw-http.ts";

const body = rpc(1, "ping");

/** Sends one small request and reads its answer, so that the server knows of the connection. */
async function touch(socket: Socket, url: string): Promise<void> {
  socket.write(`GET /healthz HTTP/1.1\r\nHost: ${new URL(url).host}\r\n\r\n`);
  assert.match(String(await once(socket, "data")), /^HTTP\/1\.1 200 /);
}

async function openIdle(url: string, count: number): Promise<readonly Socket[]> {
  const sockets = await Promise.all(Array.from({ length: count }, () => dial(url)));
  for (const socket of sockets) await touch(socket, url);
  return sockets;
}

/** Connections on which a body is awaited, so that none is idle. */
async function openBusy(url: string, count: number): Promise<readonly Socket[]> {
  const sockets = await Promise.all(Array.from({ length: count }, () => dial(url)));
  for (const socket of sockets) {
    socket.write(
      head(url, "Expect: 100-continue", `Content-Length: ${body.length}`).replace("Connection: close\r\n", ""),
    );
    assert.match(String(await once(socket, "data")), /^HTTP\/1\.1 100 /);
  }
  return sockets;
}

async function finish(socket: Socket): Promise<void> {
  socket.write(body);
  assert.match(String(await once(socket, "data")), /^HTTP\/1\.1 200 /);
}

function hangUp(t: TestContext, sockets: readonly Socket[]): void {
  t.after(() => {
    for (const socket of sockets) socket.destroy();
  });
}

for (const [name, limits] of [
  ["all that there may be", { SESSION_BUDDY_MAX_CONNECTIONS: "3" }],
  ["all that its address may have", { SESSION_BUDDY_MAX_CONNECTIONS_PER_ADDRESS: "3" }],
] as const) {
  test(`a client that holds ${name} and asks for nothing loses the idlest of them to whoever comes`, async (t) => {
    const { url } = await createSandbox(t).serve(limits);
    const idle = await openIdle(url, 3);
    hangUp(t, idle);
    const [first, second, third] = idle as [Socket, Socket, Socket];
    await touch(first, url);
    const gone = heardUntilClosed(second);
    assert.equal((await ask(url, { body })).status, 200);
    assert.equal(await gone, "");
    await touch(first, url);
    await touch(third, url);
  });

  test(`where ${name} are busy, one more is closed, and a place is free again`, async (t) => {
    const { url } = await createSandbox(t).serve(limits);
    const busy = await openBusy(url, 3);
    hangUp(t, busy);
    assert.equal(await heardUntilClosed(await dial(url)), "");
    await Promise.all(busy.map(finish));
    await eventually(async () => assert.equal((await ask(url, { body })).status, 200));
  });
}

test("a thousand idle connections keep nobody out", async (t) => {
  const { url } = await createSandbox(t).serve();
  const idle = await Promise.all(Array.from({ length: 1_000 }, () => dial(url)));
  hangUp(t, idle);
  const asked = Array.from({ length: 20 }, () => ask(url, { body }));
  for (const { status } of await Promise.all(asked)) assert.equal(status, 200);
});

/** @returns a server that takes each connection for one of the address that comes next, and how to come from one */
async function openForAddresses(t: TestContext, connections: number, connectionsPerAddress: number) {
  const { url, entrance } = await openEntrance(t, { limits: { connections, connectionsPerAddress } });
  let next = "";
  entrance.server.prependListener("connection", (socket: Socket) => {
    Object.defineProperty(socket, "remoteAddress", { value: next });
  });
  const from = async (address: string): Promise<Socket> => {
    next = address;
    const socket = await dial(url);
    hangUp(t, [socket]);
    await touch(socket, url);
    return socket;
  };
  return { url, from };
}

test("an address at its limit makes room of its own, and one that needs room takes the idlest of all", async (t) => {
  const { url, from } = await openForAddresses(t, 3, 2);
  const other = await from("192.0.2.9");
  const [first, second] = [await from("192.0.2.1"), await from("192.0.2.1")];
  const firstGone = heardUntilClosed(first);
  const third = await from("192.0.2.1");
  await firstGone;
  await touch(other, url);
  const secondGone = heardUntilClosed(second);
  const stranger = await from("198.51.100.1");
  await secondGone;
  for (const socket of [other, third, stranger]) await touch(socket, url);
});

test("all addresses of this machine's loopback are one, in every form", async (t) => {
  const { from } = await openForAddresses(t, 0, 2);
  const loopback = ["127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.2", "127.255.255.254"];
  let before: Promise<string>[] = [];
  for (const address of loopback) {
    const socket = await from(address);
    before.push(heardUntilClosed(socket));
    if (before.length > 2) {
      await before[0];
      before = before.slice(1);
    }
  }
  await from("192.0.2.1");
});
