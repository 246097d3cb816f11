/** Proves who sees what in the record of a machine: each user their own, root and the administrators' group everybody's. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { type TestContext, test } from "node:test";
import { createAskedMachine, type Machine } from "../../support/machine.ts";
import { assertRefused } from "../../support/rows.ts";
import type { Outcome } from "../../support/sandbox.ts";
import type { Story } from "../../support/store/history.ts";
import { createUser, type User } from "../../support/users.ts";

interface Place {
  readonly machine: Machine;
  readonly ann: User;
  readonly bob: User;
  /** Of the administrators' group. */
  readonly eve: User;
}

let groups = 0;

/** A machine of three users with two sessions each, one open; root has one. */
async function createPlace(t: TestContext, more: readonly Story[] = []): Promise<Place & { readonly group: string }> {
  const machine = createAskedMachine(t);
  const [ann, bob, eve] = [1, 2, 3].map(() => createUser(t, machine.sandbox)) as [User, User, User];
  groups += 1;
  const group = `sb-test-adm-${process.pid}-${groups}`;
  execFileSync("groupadd", [group]);
  t.after(() => execFileSync("groupdel", [group]));
  execFileSync("usermod", ["--append", "--groups", group, eve.name]);
  await machine.record([
    ...[ann, bob, eve].flatMap(({ name: username }, at) => [
      {
        id: `closed-${at}`,
        from: `2026-03-1${at}T08:00:00Z`,
        to: `2026-03-1${at}T09:00:00Z`,
        start: { username },
        end: { exitCode: 0, reason: "exit" },
      },
      { id: `open-${at}`, from: `2026-03-1${at}T10:00:00Z`, start: { username } },
    ]),
    { id: "open-root", from: "2026-03-20T10:00:00Z", start: { username: "root" } },
    ...more,
  ]);
  return { machine, ann, bob, eve, group };
}

const everybodys = ["closed-0", "closed-1", "closed-2", "open-0", "open-1", "open-2", "open-root"];

function idsIn({ stdout, stderr }: Outcome): string[] {
  assert.equal(stderr, "");
  return JSON.parse(stdout)
    .map((row: { session_id: string }) => row.session_id)
    .sort();
}

test("each user sees their own sessions, root and the administrators' group everybody's, in every question", async (t) => {
  const { machine, ann, bob, eve, group } = await createPlace(t);
  await machine.serve({ SESSION_BUDDY_ADMIN_GROUP: group });
  const asked: readonly (readonly [who: string, ask: (args: readonly string[]) => Promise<Outcome>, ids: string[]])[] =
    [
      ["ann", (args) => machine.as(ann, args), ["closed-0", "open-0"]],
      ["bob", (args) => machine.as(bob, args), ["closed-1", "open-1"]],
      ["eve", (args) => machine.as(eve, args), everybodys],
      ["root", (args) => machine.asRoot(args), everybodys],
    ];
  for (const [who, ask, ids] of asked) {
    assert.deepEqual(idsIn(await ask(["list", "--all", "--json"])), ids, who);
    const open = ids.filter((id) => id.startsWith("open"));
    assert.deepEqual(idsIn(await ask(["list", "--json"])), open, who);
    assert.equal((await ask(["list"])).stdout.trimEnd().split("\n").length, 1 + open.length, who);
    const ndjson = await ask(["list", "--all", "--format", "ndjson"]);
    assert.equal(ndjson.stdout.trimEnd().split("\n").length, ids.length, who);
    const stats = JSON.parse((await ask(["stats", "--by", "state", "--json"])).stdout);
    const counted = stats.reduce((sum: number, row: { sessions: number }) => sum + row.sessions, 0);
    assert.equal(counted, ids.length, who);
    const window = ["--since", "2026-03-01T00:00:00Z", "--until", "2026-03-31T00:00:00Z"];
    const { lines } = JSON.parse((await ask(["timeline", ...window, "--json"])).stdout);
    assert.deepEqual(lines.map(({ key }: { key: string }) => key).sort(), ids, who);
    for (const id of ["open-0", "closed-1", "nothing"]) {
      const isSeen = ids.includes(id);
      for (const verb of ["show", "why"]) {
        const outcome = await ask([verb, id]);
        if (isSeen) assert.deepEqual([outcome.status, outcome.stderr], [0, ""], `${who} ${verb} ${id}`);
        else assertRefused(outcome, 1, new RegExp(`^session-buddy: no session ${id} is on record; `));
      }
    }
  }
});

test("a user's own filters restrict further, and others' sessions are as if there were none", async (t) => {
  const { machine, ann, bob } = await createPlace(t);
  await machine.serve();
  const ask = (...args: string[]) => machine.as(ann, args);
  assert.deepEqual(idsIn(await ask("list", "--all", "--json", "--user", ann.name)), ["closed-0", "open-0"]);
  for (const name of [bob.name, "root", "nobody-at-all"]) {
    const outcome = await ask("list", "--all", "--user", name);
    assert.deepEqual([outcome.status, outcome.stdout, outcome.stderr], [0, "", "No sessions match.\n"], name);
    assert.equal((await ask("stats", "--json", "--user", name)).stdout, "[]\n");
  }
});

test("what a command prints of the machine's record is what it prints of the same record as its own", async (t) => {
  const { machine, eve, group } = await createPlace(t);
  const window = ["--since", "2026-03-01T00:00:00Z", "--until", "2026-03-31T00:00:00Z"];
  const commands = [
    ["list", "--all", "--json"],
    ["list", "--all"],
    ["list", "--all", "--format", "csv"],
    ["list", "--all", "--format", "ndjson"],
    ["list", "--all", "--json", "--limit", "2"],
    ["list", "--at", "2026-03-10T08:30:00Z", "--json"],
    ["list", "--state", "ended", "--started-since", "2026-03-11", "--cwd", "/", "--json"],
    ["show", "closed-0", "--json"],
    ["show", "open-root"],
    ["why", "closed-1", "--json"],
    ["why", "open-2"],
    ["stats", "--by", "day", "--json"],
    ["stats", "--by", "user"],
    ["timeline", ...window, "--by", "user", "--json"],
    ["timeline", ...window, "--by", "session", "--limit", "3"],
  ];
  const keeper = (args: readonly string[]) =>
    machine.as(machine.service, args, { env: { SESSION_BUDDY_HOME: machine.sandbox.home } });
  await machine.serve({ SESSION_BUDDY_ADMIN_GROUP: group });
  for (const args of commands) {
    assert.deepEqual(await machine.as(eve, args), await keeper(args), args.join(" "));
  }
});

test("pages of the machine's record follow each other, and its cursors go on", async (t) => {
  const stories = Array.from({ length: 450 }, (_, at) => ({
    id: `many-${String(at).padStart(3, "0")}`,
    from: new Date(Date.parse("2026-04-01T00:00:00Z") + at * 60_000).toISOString(),
    start: { username: "many" },
  }));
  const { machine } = await createPlace(t, stories);
  await machine.serve();
  const ask = async (...args: string[]) => machine.asRoot(["list", "--user", "many", "--json", ...args]);
  assert.equal(idsIn(await ask()).length, 450);
  const first = await ask("--limit", "201");
  const next = /^next: (\S+)\n$/.exec(first.stderr)?.[1] ?? "";
  const rest = await ask("--after", next);
  const all = [...JSON.parse(first.stdout), ...JSON.parse(rest.stdout)].map(({ session_id }) => session_id);
  assert.deepEqual([all.length, new Set(all).size, rest.stderr], [450, 450, ""]);
  assertRefused(await ask("--after", "AAAA"), 3, /cursor: Input should be a cursor that a page gave/);
});

test("--personal asks the own record, which is there beside the machine's", async (t) => {
  const { machine, ann } = await createPlace(t);
  const started = await machine.as(ann, ["start"]);
  assert.equal(started.status, 0, started.stderr);
  const own = started.stdout.trim();
  await machine.serve();
  for (const args of [["list", "--all"], ["list"]]) {
    assert.ok(!idsIn(await machine.as(ann, [...args, "--json"])).includes(own));
    assert.deepEqual(idsIn(await machine.as(ann, [...args, "--all", "--personal", "--json"])), [own]);
  }
  assert.equal((await machine.as(ann, ["show", own, "--personal"])).status, 0);
  assert.equal((await machine.as(ann, ["why", own, "--personal"])).status, 0);
  assertRefused(await machine.as(ann, ["show", own]), 1, /no session/);
  const stats = JSON.parse((await machine.as(ann, ["stats", "--personal", "--json"])).stdout);
  assert.equal(stats[0].sessions, 1);
});

test("where the service is down, a sentence says so and how to ask the own record", async (t) => {
  const { machine, ann } = await createPlace(t);
  const service = await machine.serve();
  assert.equal((await machine.as(ann, ["list"])).status, 0);
  // Its socket stays behind.
  await service.stop("SIGKILL");
  for (const args of [["list"], ["show", "x"], ["why", "x"], ["stats"], ["timeline"], ["current"]]) {
    assertRefused(
      await machine.as(ann, args),
      5,
      /^session-buddy: the record of this machine does not answer at \S+: its service is not running; your own record is asked with --personal$/m,
    );
  }
  assert.equal((await machine.as(ann, ["list", "--personal"])).status, 0);
  // Whoever comes next takes the place of the one that was killed.
  await machine.serve();
  assert.equal((await machine.as(ann, ["list"])).status, 0);
});

test("whoever has the port of the service keeps it neither from running nor from answering over its socket", async (t) => {
  const { machine, ann } = await createPlace(t);
  const squatter = createServer().listen(0, "127.0.0.1");
  t.after(() => squatter.close());
  await once(squatter, "listening");
  const { port } = squatter.address() as AddressInfo;
  const service = await machine.serve({}, port);
  assert.equal(service.url, "");
  assert.match(service.log(), new RegExp(`Not served over TCP.*port ${port} on 127\\.0\\.0\\.1 is in use`));
  assert.deepEqual(idsIn(await machine.as(ann, ["list", "--json"])), ["open-0"]);
});
