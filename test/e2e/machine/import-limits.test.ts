/** Proves that one user's imports are limited to a day's worth, and what is said where a service knows no imports yet. */
import assert from "node:assert/strict";
import { chmodSync, chownSync, mkdirSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { Log } from "../../../src/log.ts";
import { createImportEntrance } from "../../../src/server/web/import.ts";
import { runWell } from "../../support/rows.ts";
import { createSandbox } from "../../support/sandbox.ts";

/** Any user but root, whose spool this is. */
const service = 65_534;
const silent: Log = { info() {}, warning() {}, error() {} };

async function listening(t: TestContext, listener: RequestListener, path?: string): Promise<Server> {
  const server = createServer(listener);
  t.after(() => server.close().closeAllConnections());
  await new Promise<void>((resolve) => {
    if (path === undefined) server.listen(0, "127.0.0.1", resolve);
    else server.listen(path, resolve);
  });
  return server;
}

test("more than a day's worth of one user waits; another user's does not", async (t) => {
  const taken: number[] = [];
  const takeOver = {
    async take({ localUid }: { readonly localUid: number }) {
      taken.push(localUid);
      return [];
    },
  };
  const gate = async (token: unknown) => ({
    userId: String(token),
    localUid: Number(token),
    scope: { reads: { of: "user", username: String(token) } as const, mayRecord: false },
    expiresAtMs: 0,
  });
  const entrance = createImportEntrance(takeOver, gate, silent, 2);
  const server = await listening(t, (request, response) => {
    const token = request.headers.authorization?.slice("Bearer ".length) ?? "";
    void entrance(request, response, { token, onRefused: () => assert.fail("the gate lets everybody in") });
  });
  const { port } = server.address() as AddressInfo;
  const send = (uid: number) =>
    fetch(`http://127.0.0.1:${port}/`, {
      method: "POST",
      headers: { Authorization: `Bearer ${uid}`, "Content-Type": "application/json" },
      body: "{}",
    });
  const statuses: number[] = [];
  for (const uid of [1001, 1001, 1001, 1002]) statuses.push((await send(uid)).status);
  assert.deepEqual(statuses, [200, 200, 429, 200]);
  assert.deepEqual(taken, [1001, 1001, 1002]);
  const refused = await send(1001);
  const waitSeconds = Number(refused.headers.get("Retry-After"));
  assert.ok(waitSeconds > 80_000 && waitSeconds <= 86_400, String(waitSeconds));
  assert.deepEqual(await refused.json(), {
    status: "error",
    error: `Too much was imported today; try again in ${waitSeconds} s`,
  });
});

test("a service of an earlier version takes nothing over, and it is said what to do", async (t) => {
  const sandbox = createSandbox(t);
  const spool = join(sandbox.folder, "spool");
  mkdirSync(spool);
  chownSync(spool, service, service);
  chmodSync(spool, 0o3733);
  const socket = join(sandbox.folder, "socket");
  await listening(
    t,
    (request, response) => {
      const isLogin = request.url === "/v1/login";
      const answer = { status: "ok", error: null, token: "t", expires_at: "2026-03-10T08:00:00Z", scope: "read:all" };
      response.writeHead(isLogin ? 200 : 404, { "Content-Type": "application/json" });
      response.end(JSON.stringify(isLogin ? answer : { status: "error", error: "There is no such question" }));
    },
    socket,
  );
  chownSync(socket, service, service);
  const env = { SESSION_BUDDY_SPOOL: spool, SESSION_BUDDY_SOCKET: socket };
  const start = ["start", "--pid", String(process.pid), "--shell-type", "bash", "--json"];
  const { session_id: id } = JSON.parse(await runWell(sandbox, start));
  await runWell(sandbox, ["end", id, "--force"]);
  const { status, stderr } = await sandbox.run(["import", "--personal"], { env });
  assert.match(
    stderr,
    / is of an earlier version, which does not know this; update it with 'session-buddy install --system'; your own /,
  );
  assert.equal(status, 5);
});
