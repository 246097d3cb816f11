/** Proves that a user's own record comes into the machine's: whole, once, as what it is, and without touching the own one. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { eventually } from "../../support/eventually.ts";
import { createAskedMachine, type Machine } from "../../support/machine.ts";
import { assertRefused, type SessionRow } from "../../support/rows.ts";
import { launcher, type Outcome } from "../../support/sandbox.ts";
import { manyOwn, type OwnSession, ownFolder, recordEvents, recordOwn } from "../../support/store/own-record.ts";
import { at } from "../../support/store/session-events.ts";
import { createUser, type User } from "../../support/users.ts";

interface Place {
  readonly machine: Machine;
  readonly ann: User;
  readonly bob: User;
}

function createPlace(t: TestContext): Place {
  const machine = createAskedMachine(t);
  const [ann, bob] = [createUser(t, machine.sandbox), createUser(t, machine.sandbox)];
  return { machine, ann, bob };
}

const command = ["import", "--personal"];

interface Report {
  readonly dry_run: boolean;
  readonly sessions: number;
  readonly imported: number;
  readonly known: number;
  readonly open: number;
  readonly new_events: number;
  readonly refused: readonly { readonly reason: string; readonly sessions: number; readonly example: string }[];
}

function reportOf(outcome: Outcome): Report {
  assert.equal(outcome.stderr, "");
  return JSON.parse(outcome.stdout);
}

async function importAs({ machine }: Place, user: User, args: readonly string[] = []): Promise<Report> {
  return reportOf(await machine.as(user, [...command, "--json", ...args]));
}

async function rowsFor({ machine }: Place, user: User): Promise<readonly SessionRow[]> {
  const { stdout, stderr } = await machine.as(user, ["list", "--all", "--json"]);
  assert.equal(stderr, "");
  return JSON.parse(stdout);
}

/** Everything of the own record but what only says when it was read. */
function contentOf(user: User): readonly (readonly [string, string])[] {
  const folder = ownFolder(user);
  return readdirSync(folder)
    .filter((name) => !/-(?:wal|shm)$/.test(name))
    .map((name) => [name, readFileSync(join(folder, name), "latin1")]);
}

const three: readonly OwnSession[] = [
  { id: "shell-20260310-080000", from: "2026-03-10T08:00:00Z", to: "2026-03-10T09:00:00Z", end: { exitCode: 7 } },
  { id: "shell-20260311-080000", from: "2026-03-11T08:00:00Z", to: "2026-03-11T09:00:00Z" },
  { id: "shell-20260312-080000", from: "2026-03-12T08:00:00Z" },
];

test("a user's ended sessions are in the record of the machine with their ids, once, and the own record is as it was", async (t) => {
  const place = createPlace(t);
  const { machine, ann, bob } = place;
  await recordOwn(ann, three);
  await machine.serve();
  const before = contentOf(ann);

  const tried = await importAs(place, ann, ["--dry-run"]);
  const counts = { sessions: 3, imported: 2, known: 0, open: 1, new_events: 4, refused: [] };
  assert.deepEqual(tried, { dry_run: true, ...counts });
  assert.deepEqual(await rowsFor(place, ann), []);

  assert.deepEqual(await importAs(place, ann), { dry_run: false, ...counts });
  assert.deepEqual(await importAs(place, ann), { dry_run: false, ...counts, imported: 0, known: 2, new_events: 0 });
  assert.deepEqual(contentOf(ann), before);

  const rows = await rowsFor(place, ann);
  assert.deepEqual(
    rows.map((row) => [row.session_id, row.state, row.exit_code, row.ended_by, row.username]),
    [
      ["shell-20260311-080000", "ended", 0, "import", ann.name],
      ["shell-20260310-080000", "ended", 7, "import", ann.name],
    ],
  );
  assert.deepEqual(await rowsFor(place, bob), []);
  const { stdout } = await machine.asRoot(["list", "--all", "--user", ann.name, "--json"]);
  assert.equal(JSON.parse(stdout).length, 2);
});

test("who said it first, who brought it, and what that is worth are shown", async (t) => {
  const place = createPlace(t);
  const { machine, ann } = place;
  await recordOwn(ann, three);
  await machine.serve();
  const words = await machine.as(ann, command);
  assert.deepEqual(
    [words.status, words.stdout.trimEnd().split("\n")],
    [
      0,
      [
        "Imported 2 of 3 sessions, 4 events; 0 were there already.",
        "1 are open and stay behind: 'session-buddy reconcile' closes those whose shell is gone; import again then.",
        "Your own record was only read.",
      ],
    ],
  );
  const why = JSON.parse((await machine.as(ann, ["why", "shell-20260310-080000", "--json"])).stdout);
  assert.deepEqual([why.rank, why.ended_by, why.owner_uid, why.verified], [2, "import", ann.uid, false]);
  const { kind, uid, original } = why.events[1].source;
  assert.deepEqual([kind, uid, original.kind], ["import", ann.uid, "hook"]);
  const text = (await machine.as(ann, ["why", "shell-20260310-080000"])).stdout.replaceAll(/\s+/g, " ");
  assert.match(text, new RegExp(`told by another record, brought by uid ${ann.uid}; there by the shell, at `));
  assert.match(text, /who brought it from another record; not verified/);
});

test("shells that were really recorded before are taken over, and those that end later are taken the next time", async (t) => {
  const place = createPlace(t);
  const { machine, ann } = place;
  await machine.serve();
  const lived = `id=$('${launcher}' start); '${launcher}' end "$id" --exit-code 3 --reason exit; '${launcher}' start --component long --pid $$ > /dev/null`;
  await ann.shell(lived);
  const first = await importAs(place, ann);
  assert.deepEqual([first.imported, first.open, first.refused], [1, 1, []]);
  const [row] = await rowsFor(place, ann);
  assert.deepEqual([row?.exit_code, row?.end_reason, row?.ended_by], [3, "exit", "import"]);
  const { status } = await ann.run(["reconcile"]);
  assert.equal(status, 0);
  const second = await importAs(place, ann);
  assert.deepEqual([second.imported, second.known, second.open], [1, 1, 0]);
  assert.deepEqual(
    (await rowsFor(place, ann)).map(({ component_name, state }) => [component_name, state]),
    [
      ["long", "orphaned"],
      ["shell", "ended"],
    ],
  );
  const { stdout } = await machine.as(ann, ["why", String((await rowsFor(place, ann))[0]?.session_id)]);
  assert.match(stdout, /rank 1 of 3/);
});

test("a stronger end that came later in the own record comes with the next import", async (t) => {
  const place = createPlace(t);
  const { machine, ann } = place;
  const [story] = await recordOwn(ann, [three[0] as OwnSession]);
  await machine.serve();
  await importAs(place, ann);
  const told = story?.[1];
  assert.ok(told?.kind === "end");
  const content = { ...told.content, exitCode: 9, timestamp: at("2026-03-10T08:30:00Z") };
  await recordEvents(ann, [[{ ...told, eventId: randomUUID(), content }]]);
  const report = await importAs(place, ann);
  assert.deepEqual([report.imported, report.known, report.new_events], [0, 1, 1]);
  assert.equal((await rowsFor(place, ann))[0]?.exit_code, 9);
});

test("two users who opened a shell in the same second each keep theirs", async (t) => {
  const place = createPlace(t);
  const { ann, bob, machine } = place;
  await recordOwn(ann, three);
  await recordOwn(bob, three);
  await machine.serve();
  await importAs(place, ann);
  assert.equal((await importAs(place, bob)).imported, 2);
  const ids = (await rowsFor(place, bob)).map(({ session_id }) => String(session_id));
  assert.ok(
    ids.every((id) => /^shell-2026031[01]-080000-[0-9a-f]{4}$/.test(id)),
    ids.join(),
  );
  assert.equal((await rowsFor(place, ann)).length, 2);
  assert.equal((await importAs(place, bob)).known, 2);
});

test("what the own record says of others is refused with the reason, and the rest is taken", async (t) => {
  const place = createPlace(t);
  const { machine, ann, bob } = place;
  await recordOwn(ann, [
    ...three,
    {
      id: "a-20260313-080000",
      from: "2026-03-13T08:00:00Z",
      to: "2026-03-13T09:00:00Z",
      start: { username: bob.name, componentName: "a" },
    },
    {
      id: "b-20260313-080000",
      from: "2026-03-13T08:00:00Z",
      to: "2026-03-13T09:00:00Z",
      start: { hostname: "elsewhere", componentName: "b" },
    },
  ]);
  await machine.serve();
  const { status, stdout } = await machine.as(ann, [...command, "--json"]);
  const { imported, refused } = JSON.parse(stdout) as Report;
  assert.deepEqual(
    [status, imported, refused],
    [
      1,
      2,
      [
        { reason: `it is of user '${bob.name}'`, sessions: 1, example: "a-20260313-080000" },
        { reason: "it is of host 'elsewhere'", sessions: 1, example: "b-20260313-080000" },
      ],
    ],
  );
  assert.deepEqual(await rowsFor(place, bob), []);
  assert.match((await machine.as(ann, command)).stdout, /^1 refused: it is of host 'elsewhere', such as b-2026/m);
});

test("root imports for a user with the rights of that user alone", async (t) => {
  const place = createPlace(t);
  const { machine, ann, bob } = place;
  await recordOwn(ann, three);
  await machine.serve();
  const report = reportOf(await machine.asRoot([...command, "--user", ann.name, "--json"]));
  assert.deepEqual([report.imported, report.open, report.refused], [2, 1, []]);
  const why = JSON.parse((await machine.as(ann, ["why", "shell-20260310-080000", "--json"])).stdout);
  assert.deepEqual([why.owner_uid, why.events[0].source.uid], [ann.uid, ann.uid]);
  const again = await machine.asRoot([...command, "--user", ann.name]);
  assert.match(again.stdout, /^Imported 0 of 3 sessions, 0 events; 2 were there already\.\n/);
  assert.match(again.stdout, new RegExp(`The record of ${ann.name} was only read\\.\n$`));
  // A link to what only root may read leads that user nowhere.
  const secret = join(machine.sandbox.folder, "root/sessions.db");
  mkdirSync(ownFolder(bob), { recursive: true });
  copyFileSync(join(ownFolder(ann), "sessions.db"), secret);
  symlinkSync(secret, join(ownFolder(bob), "sessions.db"));
  const led = await machine.asRoot([...command, "--user", bob.name]);
  assertRefused(led, 5, /^session-buddy: as sb-test-\S+: the database \S+ cannot be read: /);
  unlinkSync(join(ownFolder(bob), "sessions.db"));
  rmSync(secret);
  assertRefused(await machine.asRoot([...command, "--user", bob.name]), 1, /there is no record at /);
  assertRefused(await machine.asRoot([...command, "--user", "nobody-of-here"]), 2, /there is no user 'nobody-of-here'/);
  assertRefused(await machine.as(bob, [...command, "--user", ann.name]), 2, /only root imports the record of another/);
  assert.equal((await importAs(place, ann, ["--user", ann.name])).known, 2);
});

for (const who of ["user", "root"] as const) {
  test(`killed in the middle and done again by ${who}, it is complete and nothing is there twice`, async (t) => {
    const place = createPlace(t);
    const { machine, ann } = place;
    const count = 1_500;
    await recordOwn(ann, manyOwn(count));
    await machine.serve();
    const [under, env, args] =
      who === "user"
        ? [ann.under, { HOME: ann.home, PATH: machine.sandbox.env.PATH ?? "" }, []]
        : [[], { ...machine.sandbox.env, HOME: join(machine.sandbox.folder, "root") }, ["--user", ann.name]];
    const [program = "", ...rest] = [
      ...under,
      launcher,
      ...command,
      ...args,
      ...(who === "user" ? ["--tell-progress"] : []),
    ];
    const child = spawn(program, rest, { env: { ...env, ...machine.env }, stdio: ["ignore", "ignore", "pipe"] });
    if (who === "user") await once(child.stderr, "data");
    else await eventually(async () => assert.ok((await rowsFor(place, ann)).length > 0));
    child.kill("SIGKILL");
    await once(child, "exit");
    const report = await importAs(place, ann);
    assert.equal(report.imported + report.known, count);
    assert.ok(report.known > 0);
    const ids = (await rowsFor(place, ann)).map(({ session_id }) => session_id);
    assert.deepEqual([ids.length, new Set(ids).size], [count, count]);
    assert.equal((await importAs(place, ann)).known, count);
  });
}

test("whatever keeps it from being done is said with what to do", async (t) => {
  const place = createPlace(t);
  const { machine, ann } = place;
  assertRefused(await machine.as(ann, ["import"]), 2, /import needs --personal/);
  assertRefused(await ann.run(command), 2, /no record of this machine is installed/);
  const service = await machine.serve();
  assertRefused(await machine.as(ann, command), 1, /there is no record at .*sessions\.db.*; SESSION_BUDDY_HOME/);
  await recordOwn(ann, three);
  await service.stop("SIGKILL");
  const words = /its service is not running|there is no such socket/;
  assertRefused(await machine.as(ann, command), 5, words);
  assertRefused(await machine.asRoot([...command, "--user", ann.name]), 5, words);
  await ann.shell(
    `printf 'no database at all, but a text of more than one hundred bytes%100s' > .local/share/session-buddy/sessions.db; rm -f .local/share/session-buddy/*-wal`,
  );
  await machine.serve();
  assertRefused(await machine.as(ann, command), 5, /is not a database/);
});
