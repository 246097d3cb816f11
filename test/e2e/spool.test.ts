/** Proves that a service without privileges brings everybody's shells on record from their files, once and with their true ends. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { existsSync, lstatSync, readFileSync, renameSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { eventually } from "../support/eventually.ts";
import { createSandbox } from "../support/sandbox.ts";
import { createSpoolService, type ManyShell, openMany, openShell, type SpoolService } from "../support/shells/spool.ts";
import { createUser } from "../support/users.ts";

const shellsOfStorm = Number(process.env.SESSION_BUDDY_STORM ?? 60);
const bootId = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();

test("a shell of any user is on record while it is open, with its user, and with its end when it has told it", async (t) => {
  const sandbox = createSandbox(t);
  const service = createSpoolService(t, sandbox);
  const [alice, bob] = [createUser(t, sandbox), createUser(t, sandbox)];
  await service.serve();
  const shells = [await openShell(t, service.folder, alice), await openShell(t, service.folder, bob)] as const;
  await eventually(async () => assert.equal((await service.sessions()).length, 2));
  const open = await service.sessions();
  assert.deepEqual(new Set(open.map(({ username }) => username)), new Set([alice.name, bob.name]));
  assert.ok(open.every(({ state }) => state === "active"));
  await shells[0].exit(3);
  await eventually(() => assert.deepEqual(service.names(), [shells[1].name]));
  const [ended] = (await service.sessions()).filter(({ username }) => username === alice.name);
  assert.deepEqual([ended?.state, ended?.exit_code, ended?.end_reason, ended?.ended_by], ["ended", 3, "exit", "hook"]);
});

test("the session id is written into the file, which stays its owner's, and its owner alone reads it", async (t) => {
  const sandbox = createSandbox(t);
  const service = createSpoolService(t, sandbox);
  const [alice, bob] = [createUser(t, sandbox), createUser(t, sandbox)];
  await service.serve();
  const { file } = await openShell(t, service.folder, alice);
  const text = await eventually(() => {
    const read = readFileSync(file, "latin1");
    assert.match(read, /\0session\/1\0id=[^\0]+\0\.\0$/);
    return read;
  });
  const { uid, mode } = statSync(file);
  assert.deepEqual([uid, mode & 0o777], [alice.uid, 0o660]);
  const [session] = await service.sessions();
  assert.ok(text.includes(`id=${session?.session_id}`));
  await alice.shell(`grep -q session/1 '${file}'`);
  await assert.rejects(bob.shell(`cat '${file}'`), /Permission denied/);
});

test("a shell that is replaced, and one that is killed, are closed as what they are", async (t) => {
  const sandbox = createSandbox(t);
  const service = createSpoolService(t, sandbox);
  const user = createUser(t, sandbox);
  await service.serve();
  const [replaced, killed, again] = [
    await openShell(t, service.folder, user),
    await openShell(t, service.folder, user),
    await openShell(t, service.folder, user),
  ];
  await eventually(async () => assert.equal((await service.sessions()).length, 3));
  replaced.tell("exec sleep 600");
  again.tell("file+=.1; start; exec bash --norc");
  await killed.kill();
  const stateOf = async (pid: number) =>
    (await service.sessions())
      .filter((session) => session.pid === pid)
      .map(({ state, end_reason }) => [state, end_reason]);
  await eventually(async () => {
    assert.deepEqual(await stateOf(replaced.pid), [["replaced", "executable_replaced"]]);
    assert.deepEqual(await stateOf(killed.pid), [["orphaned", "pid_gone"]]);
  });
  await eventually(async () =>
    assert.deepEqual(await stateOf(again.pid), [
      ["active", null],
      ["replaced", "executable_replaced"],
    ]),
  );
});

test("hooks are told to write down addresses while the service keeps them, whatever users put in that place", async (t) => {
  const sandbox = createSandbox(t);
  const service = createSpoolService(t, sandbox);
  const user = createUser(t, sandbox);
  const mark = join(service.folder, ".remote");
  await user.shell(`: > '${mark}'`);
  const without = await service.serve();
  await eventually(() => assert.ok(!existsSync(mark)));
  await without.stop();
  await user.shell(`ln -s /etc/passwd '${mark}'`);
  await service.serve([], { SESSION_BUDDY_REMOTE: "yes" });
  await eventually(() => assert.equal(lstatSync(mark).uid, service.user.uid));
  assert.ok(lstatSync(mark).isFile());
});

test("the service is killed five times in a storm of shells of three users: each is on record once, with its true end", async (t) => {
  const sandbox = createSandbox(t);
  const service = createSpoolService(t, sandbox);
  const users = [createUser(t, sandbox), createUser(t, sandbox), createUser(t, sandbox)];
  let server = await service.serve();
  let isOver = false;
  const storm = Promise.all(users.map((user) => openMany(service.folder, user, shellsOfStorm, 400))).finally(() => {
    isOver = true;
  });
  let kills = 0;
  for (; kills < 5 || !isOver; kills += 1) {
    await server.stop("SIGKILL");
    server = await service.serve();
    // So that it is in the midst of what was left, or of what comes, when it is killed.
    await eventually(async () => assert.ok(isOver || (await service.sessions()).length > 0));
  }
  assert.ok(kills >= 5);
  await assertRecorded(service, (await storm).flat());
});

test("shells that lived while the service was down, of this boot and of one before, are all on record when it is up", async (t) => {
  const sandbox = createSandbox(t);
  const service = createSpoolService(t, sandbox);
  const [alice, bob] = [createUser(t, sandbox), createUser(t, sandbox)];
  const before = await openMany(service.folder, alice, 200, 0);
  const earlierBoot = randomUUID();
  for (const name of service.names()) {
    renameSync(join(service.folder, name), join(service.folder, name.replace(bootId, earlierBoot)));
  }
  const now = await openMany(service.folder, bob, 30, 0);
  assert.equal(service.names().length, 230);
  await service.serve();
  await assertRecorded(service, [...before, ...now]);
  const rebooted = (await service.sessions()).filter(({ end_reason }) => end_reason === "rebooted");
  assert.deepEqual(new Set(rebooted.map(({ username }) => username)), new Set([alice.name]));
  assert.equal(rebooted.length, before.filter(({ exitCode }) => exitCode === null).length);
  const numbers = new Map((await service.sessions()).map(({ username, uid }) => [username, uid]));
  assert.deepEqual(
    [alice, bob].map(({ name }) => numbers.get(name)),
    [alice.uid, bob.uid],
    "the file's owner is known when its shell has gone",
  );
  assert.ok(
    rebooted.every(({ ended_at, ended_after, ended_before }) => ended_at === null && ended_after && ended_before),
  );
});

/** Waits until all of them are on record and their files are gone: once each, with the end that it had. */
async function assertRecorded(service: SpoolService, shells: readonly ManyShell[]): Promise<void> {
  // A service that is killed in its turn keeps the next one from its own for 30 s.
  await eventually(() => assert.deepEqual(service.names(), []), 60_000);
  const key = ({ username, pid }: { readonly username?: unknown; readonly pid?: unknown }) => `${username} ${pid}`;
  const expected = shells.map((shell) => [key(shell), shell.exitCode === null ? "orphaned" : "ended", shell.exitCode]);
  const found = (await service.sessions()).map((session) => [key(session), session.state, session.exit_code]);
  assert.deepEqual(new Set(found.map(String)), new Set(expected.map(String)));
  assert.equal(found.length, shells.length);
}
