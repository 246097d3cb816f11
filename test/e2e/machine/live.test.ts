/** Proves that watch follows the record of a machine, that a shell finds its session there, and who and last. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type TestContext, test } from "node:test";
import { startArguments } from "../../support/events.ts";
import { eventually } from "../../support/eventually.ts";
import { createAskedMachine, type Machine, type Service } from "../../support/machine.ts";
import { followChild } from "../../support/running-child.ts";
import { launcher, type Outcome } from "../../support/sandbox.ts";
import { claims, secret, tokenMakers } from "../../support/server/jwt.ts";
import { ask, toolCall } from "../../support/server/raw-http.ts";
import { openShell } from "../../support/shells/spool.ts";
import { createUser, type User } from "../../support/users.ts";

async function start(service: Service, changes: Readonly<Record<string, unknown>>): Promise<string> {
  const Authorization = `Bearer ${await tokenMakers.jose(claims())}`;
  const body = toolCall(1, "track_session_start", startArguments(changes));
  const answer = await ask(new URL("mcp", service.url).href, { headers: { Authorization }, body });
  const { session_id: id, error } = JSON.parse(answer.body).result.structuredContent;
  assert.equal(error, null);
  return id;
}

const by = ({ name }: User, component_name: string) => ({ user: { username: name, home: "" }, component_name });

/** A command of a user that goes on until the test is done. */
function follow(t: TestContext, machine: Machine, user: User, args: readonly string[]) {
  const [program = "", ...rest] = [...user.under, launcher, ...args];
  const child = spawn(program, rest, {
    env: { PATH: machine.sandbox.env.PATH ?? "", HOME: user.home, LANG: "C.UTF-8", ...machine.env },
    cwd: user.home,
    stdio: ["pipe", "pipe", "pipe"],
  });
  return followChild(t, child);
}

test("watch tells one's own events as they come, also those of a service that was started again", async (t) => {
  const machine = createAskedMachine(t);
  const [ann, bob] = [createUser(t, machine.sandbox), createUser(t, machine.sandbox)];
  const env = { SESSION_BUDDY_SECRET: secret };
  let service = await machine.serve(env);
  const first = await start(service, by(ann, "first"));
  await start(service, by(bob, "other"));
  const { lines, errors, child, ended } = follow(t, machine, ann, ["watch", "--format", "ndjson", "--from", "0"]);
  const ids = () => lines.map((line) => JSON.parse(line).session_id);
  await eventually(() => assert.deepEqual(ids(), [first], errors()));
  const second = await start(service, by(ann, "second"));
  await eventually(() => assert.deepEqual(ids(), [first, second]));
  await service.stop();
  service = await machine.serve(env);
  const third = await start(service, by(ann, "third"));
  await eventually(() => assert.deepEqual(ids(), [first, second, third]));
  child.kill("SIGINT");
  assert.deepEqual(await ended, [0, null]);
  assert.equal(errors(), "");
});

test("a shell finds its session in the machine's record, whoever's others are open", async (t) => {
  const machine = createAskedMachine(t);
  const [ann, bob] = [createUser(t, machine.sandbox), createUser(t, machine.sandbox)];
  const service = await machine.serve({ SESSION_BUDDY_SECRET: secret });
  const line = `echo $$; read -r x; '${launcher}' current; read -r x`;
  const [program = "", ...rest] = [...ann.under, "sh", "-c", line];
  const shell = spawn(program, rest, {
    env: { PATH: machine.sandbox.env.PATH ?? "", HOME: ann.home, ...machine.env },
    cwd: ann.home,
    stdio: ["pipe", "pipe", "inherit"],
  });
  const ended = once(shell, "exit");
  t.after(async () => {
    shell.kill("SIGKILL");
    await ended;
  });
  const lines: string[] = [];
  createInterface({ input: shell.stdout }).on("line", (text) => lines.push(text));
  await eventually(() => assert.equal(lines.length, 1));
  const environment = { python_version: "", platform: "", cwd: "/" };
  const here = { pid: Number(lines[0]), hostname: hostname(), environment };
  await start(service, { ...by(bob, "not-mine"), ...here });
  const own = await start(service, { ...by(ann, "mine"), ...here });
  shell.stdin.write("\n");
  await eventually(() => assert.deepEqual(lines.slice(1), [own]));
});

test("shells of three users and root in the spool: each finds its own in who, in why and from inside, root all of them", async (t) => {
  const machine = createAskedMachine(t);
  const users = [1, 2, 3].map(() => createUser(t, machine.sandbox));
  await machine.serve();
  const root = { name: "root", uid: 0, under: [], home: machine.sandbox.folder };
  const shells = [];
  for (const user of [...users, root]) shells.push({ user, shell: await openShell(t, machine.spool, user) });
  const pids = async (asked: Promise<Outcome>) => {
    const { stdout, stderr } = await asked;
    assert.equal(stderr, "");
    return JSON.parse(stdout).map((row: { pid: number }) => row.pid);
  };
  const all = shells.map(({ shell }) => shell.pid).sort();
  await eventually(async () => assert.deepEqual((await pids(machine.asRoot(["who", "--json"]))).sort(), all));
  for (const { user, shell } of shells.slice(0, -1)) {
    const asUser = users.find(({ uid }) => uid === user.uid) as User;
    assert.deepEqual(await pids(machine.as(asUser, ["who", "--json"])), [shell.pid]);
    const [row] = JSON.parse((await machine.as(asUser, ["who", "--json"])).stdout);
    assert.deepEqual([row.username, row.uid], [user.name, user.uid]);
    const why = JSON.parse((await machine.as(asUser, ["why", row.session_id, "--json"])).stdout);
    assert.equal(why.process_now.state, "alive");
    const variables = Object.entries(machine.env).map(([name, value]) => `${name}='${value}'`);
    shell.tell(`${variables.join(" ")} HOME='${user.home}' '${launcher}' current > '${user.home}/found'`);
    const found = join(user.home, "found");
    await eventually(() => assert.equal(readFileSync(found, "utf8"), `${row.session_id}\n`));
    await shell.exit(7);
    await eventually(async () => {
      const [ended] = JSON.parse((await machine.as(asUser, ["last", "--json"])).stdout);
      assert.deepEqual([ended.pid, ended.state, ended.exit_code], [shell.pid, "ended", 7]);
    });
  }
});

test("who has those who are on, the first first, and last those who were, the last first", async (t) => {
  const machine = createAskedMachine(t);
  const ann = createUser(t, machine.sandbox);
  const user = { username: ann.name };
  await machine.record([
    { id: "closed", from: "2026-03-10T08:00:00Z", to: "2026-03-10T09:00:00Z", start: user, end: { exitCode: 0 } },
    { id: "early", from: "2026-03-11T08:00:00Z", start: user },
    { id: "late", from: "2026-03-12T08:00:00Z", start: user },
    { id: "other", from: "2026-03-12T09:00:00Z", start: { username: "bob" } },
  ]);
  const idsOf = async (args: readonly string[], env = {}) => {
    const { stdout, stderr } = await machine.as(ann, args, { env });
    assert.equal(stderr, "");
    return JSON.parse(stdout).map((row: { session_id: string }) => row.session_id);
  };
  await machine.serve();
  assert.deepEqual(await idsOf(["who", "--json"]), ["early", "late"]);
  assert.deepEqual(await idsOf(["last", "--json"]), ["late", "early", "closed"]);
  assert.deepEqual(await idsOf(["last", "--json", "--until", "2026-03-10T12:00:00Z"]), ["closed"]);
  const who = await machine.as(ann, ["who"]);
  assert.match(who.stdout, /^LOGIN +USER +TTY +FROM +SINCE +IDLE +DIRECTORY +HOST +SESSION\n/);
  const last = await machine.as(ann, ["last", "--limit", "1"]);
  assert.match(last.stdout, /^LOGIN +USER +TTY +FROM +SINCE +UNTIL +LENGTH +EXIT +DIRECTORY +HOST +SESSION\n/);
  assert.match(last.stdout, /still on/);
  assert.match(last.stderr, /^next: \S+\n$/);
  assert.equal((await machine.as(ann, ["who", "--user", "nobody"])).stderr, "No sessions match.\n");
  assert.equal((await machine.as(ann, ["who", "--personal"])).stderr, "Nobody is on.\n");
  const help = await machine.as(ann, ["who", "--help"]);
  assert.match(help.stdout, /Examples?:\n {2}\$ session-buddy who/);
});
