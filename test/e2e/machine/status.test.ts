/** Proves that `status` tells of the places that the settings name, and judges them as doctor does. */
import assert from "node:assert/strict";
import { chmodSync } from "node:fs";
import { test } from "node:test";
import { eventually } from "../../support/eventually.ts";
import { createSandbox } from "../../support/sandbox.ts";
import { createSpoolService, openShell } from "../../support/shells/spool.ts";
import { createUser } from "../../support/users.ts";

test("status names the spool and the socket of the settings, whether somebody answers, and how many shells are open", async (t) => {
  const sandbox = createSandbox(t);
  const service = createSpoolService(t, sandbox);
  const user = createUser(t, sandbox);
  const { folder, socket } = service;
  const env = { SESSION_BUDDY_SPOOL: folder, SESSION_BUDDY_SOCKET: socket };
  const status = async () => {
    const { stdout, stderr } = await user.run(["status", "--json"], { env });
    assert.equal(stderr, "");
    return JSON.parse(stdout);
  };
  const before = await status();
  assert.deepEqual([before.service.socket, before.service.answers], [socket, false]);
  assert.deepEqual(before.spool, { path: folder, state: "in order", reason: null, remedy: null });
  await service.serve();
  await openShell(t, folder, user);
  assert.equal((await status()).service.answers, true);
  await eventually(async () => {
    const { stdout } = await sandbox.run(["status", "--json"], { env });
    assert.equal(JSON.parse(stdout).machine.open_shells, 1);
  });
  chmodSync(folder, 0o1777);
  const reason = "has mode 1777, not 3733";
  assert.deepEqual((await status()).spool, { path: folder, state: "wrong", reason, remedy: null });
});
