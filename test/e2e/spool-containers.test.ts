/** Proves that a shell whose pid is another one here, as in a container, is the process that it is, and is closed by no look at another. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { eventually } from "../support/eventually.ts";
import { createSandbox } from "../support/sandbox.ts";
import { createSpoolService, openShell, type SpoolService } from "../support/shells/spool.ts";
import { createUser, type User } from "../support/users.ts";

const namespace = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"];

/** Runs what comes after it as the first process of a container. */
const inside = (user: User, ...flags: readonly string[]) => ({
  home: user.home,
  under: [...namespace, ...flags, ...user.under],
});

async function only(service: SpoolService): Promise<Readonly<Record<string, unknown>>> {
  const sessions = await service.sessions();
  assert.equal(sessions.length, 1);
  return sessions[0] ?? {};
}

/** Another process looks at all that is open, and closes what is dead. */
async function reconcile(service: SpoolService): Promise<void> {
  const { status, stderr } = await service.ask(["reconcile"]);
  assert.equal(status, 0, stderr);
}

async function why(service: SpoolService, sessionId: unknown): Promise<Readonly<Record<string, unknown>>> {
  const { status, stdout, stderr } = await service.ask(["why", String(sessionId), "--json"]);
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout);
}

function childOf(pid: number): number {
  return Number(execFileSync("ps", ["-o", "pid=", "--ppid", String(pid)], { encoding: "utf8" }));
}

test("a shell in a pid namespace of its own is on record with its pid here, and open until it has gone", async (t) => {
  const sandbox = createSandbox(t);
  const service = createSpoolService(t, sandbox);
  const user = createUser(t, sandbox);
  const first = await service.serve();
  const shell = await openShell(t, service.folder, inside(user));
  assert.match(shell.name, /\.1\.\d+$/);
  await eventually(async () => assert.equal((await service.sessions()).length, 1));
  const { session_id, pid, container } = await only(service);
  assert.deepEqual([pid, container], [childOf(shell.pid), "namespace"]);
  assert.equal((await why(service, session_id)).verified, true);
  await reconcile(service);
  assert.equal((await only(service)).state, "active");
  await first.stop();
  await service.serve();
  await reconcile(service);
  assert.equal((await only(service)).state, "active");
  await shell.kill();
  await eventually(async () => {
    await reconcile(service);
    const { state, end_reason } = await only(service);
    assert.deepEqual([state, end_reason], ["orphaned", "pid_gone"]);
  });
});

test("a shell in a pid namespace of its own tells its end, also behind an exec", async (t) => {
  const sandbox = createSandbox(t);
  const service = createSpoolService(t, sandbox);
  const user = createUser(t, sandbox);
  await service.serve();
  const shell = await openShell(t, service.folder, inside(user));
  await eventually(async () => assert.equal((await service.sessions()).length, 1));
  shell.tell("file+=.1; start");
  await eventually(async () => {
    const states = (await service.sessions()).map(({ state, end_reason }) => [state, end_reason]);
    assert.deepEqual(states, [
      ["active", null],
      ["replaced", "executable_replaced"],
    ]);
  });
  await shell.exit(4);
  await eventually(async () => {
    const [last] = await service.sessions();
    assert.deepEqual([last?.state, last?.exit_code], ["ended", 4]);
    assert.deepEqual(service.names(), []);
  });
});

test("a shell whose start time cannot be compared here is not verified, and stays open until it tells its end", async (t) => {
  const sandbox = createSandbox(t);
  const service = createSpoolService(t, sandbox);
  const user = createUser(t, sandbox);
  await service.serve();
  const shell = await openShell(t, service.folder, inside(user, "--time", "--boottime", "100000"));
  await eventually(async () => assert.equal((await service.sessions()).length, 1));
  await reconcile(service);
  const { session_id, state } = await only(service);
  assert.equal(state, "active");
  const { verified, process_now } = await why(service, session_id);
  assert.deepEqual([verified, process_now], [false, { state: "unknown", reason: "not_identified" }]);
  await shell.exit(2);
  await eventually(async () =>
    assert.deepEqual([(await only(service)).state, (await only(service)).exit_code], ["ended", 2]),
  );
});
