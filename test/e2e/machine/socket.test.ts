/** Proves that the service takes away no socket but one that it left behind itself, and says what to do about others. */
import assert from "node:assert/strict";
import { chmodSync, chownSync, lstatSync } from "node:fs";
import { createServer } from "node:net";
import { dirname } from "node:path";
import { type TestContext, test } from "node:test";
import { createAskedMachine, type Machine } from "../../support/machine.ts";
import type { Outcome } from "../../support/sandbox.ts";

/** Puts a socket in the place of the service's, on which this process listens. */
async function occupy(t: TestContext, { socket }: Machine): Promise<number> {
  const server = createServer((connection) => connection.destroy());
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  t.after(() => server.close());
  return lstatSync(socket).ino;
}

/** Starts the service where it cannot start. */
function serve({ service, spool, socket, sandbox }: Machine): Promise<Outcome> {
  return service.run(["serve", "--port", "0", "--spool", spool], {
    env: { SESSION_BUDDY_HOME: sandbox.home, SESSION_BUDDY_SOCKET: socket },
  });
}

test("the socket of another user stays, and it is said whose it is", async (t) => {
  const machine = createAskedMachine(t);
  const inode = await occupy(t, machine);
  const { status, stderr } = await serve(machine);
  assert.match(stderr, /belongs to user id 0, not to \d+; stop its server and remove it with: rm '/);
  assert.notEqual(status, 0);
  assert.equal(lstatSync(machine.socket).ino, inode);
});

test("a socket of its own on which somebody listens stays, also where it cannot be asked", async (t) => {
  const machine = createAskedMachine(t);
  const inode = await occupy(t, machine);
  chownSync(machine.socket, machine.service.uid, machine.service.gid);
  assert.match((await serve(machine)).stderr, /another server answers at the socket/);
  chmodSync(machine.socket, 0o000);
  assert.match(
    (await serve(machine)).stderr,
    /cannot be seen whether a server listens at the socket .* \(EACCES\); stop it/,
  );
  assert.equal(lstatSync(machine.socket).ino, inode);
});

test("in a folder that others may write to, nothing is taken away", async (t) => {
  const machine = createAskedMachine(t);
  const service = await machine.serve();
  await service.stop("SIGKILL");
  const { ino } = lstatSync(machine.socket);
  chmodSync(dirname(machine.socket), 0o777);
  const { status, stderr } = await serve(machine);
  assert.match(stderr, /where other users may write \(mode 0777\); close it with: chmod go-w '/);
  assert.notEqual(status, 0);
  assert.equal(lstatSync(machine.socket).ino, ino);
  chmodSync(dirname(machine.socket), 0o755);
  await machine.serve();
});
