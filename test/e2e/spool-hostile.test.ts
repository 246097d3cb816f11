/** Proves, as real users, who may do what in the spool, and that what they leave there harms nobody. */
import assert from "node:assert/strict";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { eventually } from "../support/eventually.ts";
import { setProtectedRegular } from "../support/protected-regular.ts";
import { createSandbox, type Sandbox } from "../support/sandbox.ts";
import { createSpoolService, openShell, type SpoolService, type SpoolShell } from "../support/shells/spool.ts";
import { recordBytes } from "../support/shells/state-files.ts";
import { createUser, type User } from "../support/users.ts";

const bootId = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();

interface Place {
  readonly sandbox: Sandbox;
  readonly service: SpoolService;
  readonly alice: User;
  readonly bob: User;
}

function createPlace(t: Parameters<typeof createUser>[0]): Place {
  const sandbox = createSandbox(t);
  const service = createSpoolService(t, sandbox);
  return { sandbox, service, alice: createUser(t, sandbox), bob: createUser(t, sandbox) };
}

/** What each may do with a file of alice's, as a line of shell with the folder in `$1` and the file in `$2`. */
const cells: readonly (readonly [line: string, alice: boolean, bob: boolean, service: boolean])[] = [
  ['ls "$1"', false, false, true],
  ['cat "$2"', true, false, true],
  // An append that would make the file where it is missing is refused to all but its owner, by fs.protected_regular.
  ['printf x | dd of="$2" oflag=append conv=notrunc,nocreat', true, false, true],
  ['ln "$2" "$1/second.$$"', true, false, true],
  [`(set -C; umask 007; : > "$1/${bootId}.1.$$")`, true, true, true],
  ['ln -s /etc/passwd "$1/link.$$"', true, true, true],
  ['mv "$2" "$2.moved" && mv "$2.moved" "$2"', true, false, true],
  ['rm -f "$2"', true, false, true],
];

for (const value of ["0", "2"]) {
  test(`who may list, read, append, link, create, rename and remove in the spool, with fs.protected_regular=${value}`, async (t) => {
    await setProtectedRegular(t, value);
    const { service, alice, bob } = createPlace(t);
    const may = (user: User, line: string, file: string) =>
      user.shell(`set -- '${service.folder}' '${file}'; ${line}`).then(
        () => true,
        () => false,
      );
    for (const [line, byAlice, byBob, byService] of cells) {
      const expected = [byAlice, byBob, byService] as const;
      for (const [index, user] of [alice, bob, service.user].entries()) {
        const { file } = await openShell(t, service.folder, alice);
        assert.equal(
          await may(user, line, file),
          expected[index],
          `${line} by ${["the owner", "another", "the service"][index]}`,
        );
      }
    }
  });

  test(`the service appends the session id and removes the file, with fs.protected_regular=${value}`, async (t) => {
    await setProtectedRegular(t, value);
    const { service, alice } = createPlace(t);
    await service.serve();
    const shell = await openShell(t, service.folder, alice);
    await eventually(() => assert.match(readFileSync(shell.file, "latin1"), /session\/1/));
    await shell.exit();
    await eventually(() => assert.deepEqual(service.names(), []));
  });
}

const start = (id: string, more: Readonly<Record<string, string>> = {}) =>
  recordBytes("start/1", { id, time: String(Date.now() / 1000), shell: "bash", cwd: "/", ...more });

/** What bob leaves under a name that a shell may have, in the spool; `$1` is the name, `$2` alice's file. */
const hostile: readonly (readonly [what: string, line: string])[] = [
  ["a link to the file of another's shell", 'ln -s "$2" "$1"'],
  ["a link to a file of the system", 'ln -s /etc/passwd "$1"'],
  ["a link to nowhere", 'ln -s /nonexistent "$1"'],
  ["a folder", 'mkdir "$1"'],
  ["a full folder", 'mkdir full; : > full/x; mv full "$1"'],
  ["a FIFO", 'mkfifo "$1"'],
  ["a file of a gigabyte", 'umask 007; truncate -s 1G "$1"'],
  ["a file with two names", 'umask 007; : > x.1; ln x.1 "$1"'],
  ["a hundred kilobytes", 'umask 007; head -c 100000 /dev/zero > "$1"'],
];

test("what is no file of a shell is put aside, and another's shell is on record", async (t) => {
  const { service, alice, bob } = createPlace(t);
  const server = await service.serve();
  const first = await openShell(t, service.folder, alice);
  const names: string[] = [];
  for (const [index, [, line]] of hostile.entries()) {
    const name = `${bootId}.${4_000_000 + index}.1`;
    names.push(name);
    await bob.shell(`cd '${service.folder}'; set -- '${name}' '${first.file}'; ${line}`);
  }
  const second = await openShell(t, service.folder, alice);
  await eventually(() => {
    assert.deepEqual(
      service.names().filter((name) => names.includes(name)),
      [],
    );
    assert.match(readFileSync(second.file, "latin1"), /session\/1/);
  });
  for (const name of names) assert.ok(service.names().includes(`${name}.rejected`), name);
  assert.deepEqual(new Set((await service.sessions()).map(({ username }) => username)), new Set([alice.name]));
  assert.equal((await service.sessions()).length, 2);
  assert.equal(server.log().match(/State file set aside/g)?.length, hostile.length);
});

test("garbage is put aside when its writer has had time, names that no hook gives are left alone", async (t) => {
  const { service, bob } = createPlace(t);
  await service.serve();
  const name = `${bootId}.4000001.1`;
  const foreign = ["x", "login.x", `${bootId}.1`, `${bootId}.1.1.100`, `${bootId}.1.1.rejected`, "..x", "é\n.1.1"];
  await bob.shell(`cd '${service.folder}'; umask 007; echo garbage > '${name}'`);
  for (const other of foreign) await bob.shell(`cd '${service.folder}'; echo x > '${other}'`);
  await eventually(() => assert.ok(service.names().includes(`${name}.rejected`)));
  for (const other of foreign) assert.equal(statSync(join(service.folder, other)).uid, bob.uid, other);
  assert.deepEqual(await service.sessions(), []);
});

/** What bob says in files of his own about alice's shell, whose name, session id and event id he knows. */
const forgeries: readonly (readonly [
  what: string,
  forge: (shell: SpoolShell, session: string, event: string) => Readonly<Record<string, readonly Buffer[]>>,
])[] = [
  ["a file named after her process", ({ name }, _, event) => ({ [`${name}.7`]: [start(event), end()] })],
  [
    "her event id, and an end",
    (_, __, event) => ({ [`${bootId}.4000001.1`]: [start(event, { pid: "1", boot: bootId, ticks: "1" }), end()] }),
  ],
  [
    "her session id, replaced by another shell",
    (_, session) => ({
      [`${bootId}.4000002.1`]: [start(""), sessionRecord(session)],
      [`${bootId}.4000002.1.1`]: [start("")],
    }),
  ],
  [
    "her pid, boot and start in place of his",
    ({ name, pid }, session) => ({
      [`${bootId}.4000003.1`]: [
        start("", { pid: String(pid), boot: bootId, ticks: name.split(".")[2] ?? "" }),
        sessionRecord(session),
        end(),
      ],
    }),
  ],
];

function end(): Buffer {
  return recordBytes("end/1", { time: String(Date.now() / 1000), code: "9", reason: "exit", signal: "" });
}

function sessionRecord(id: string): Buffer {
  return recordBytes("session/1", { id });
}

for (const [what, forge] of forgeries) {
  test(`nobody speaks of another's shell: ${what}`, async (t) => {
    const { service, alice, bob } = createPlace(t);
    await service.serve();
    const shell = await openShell(t, service.folder, alice);
    const session = await eventually(async () => {
      const [found] = await service.sessions();
      assert.ok(found);
      return String(found.session_id);
    });
    const { events } = JSON.parse((await service.ask(["show", session, "--json"])).stdout);
    const files = forge(shell, session, events[0].event_id);
    for (const [name, records] of Object.entries(files)) {
      const text = Buffer.concat(records).toString("base64");
      await bob.shell(`umask 007; printf %s '${text}' | base64 -d > '${service.folder}/${name}'`);
    }
    // When this one is on record, and everything was looked at once more, those before it were read.
    const last = await openShell(t, service.folder, bob);
    await last.exit();
    await eventually(() => assert.ok(!service.names().includes(last.name)));
    await eventually(() => assert.equal(service.names().filter((name) => name in files).length, 0));
    const all = await service.sessions();
    assert.deepEqual(
      all.filter(({ username, pid }) => username === bob.name && pid === shell.pid),
      [],
    );
    const mine = all.filter(({ username }) => username === alice.name);
    assert.deepEqual(
      mine.map(({ session_id, state, exit_code }) => [session_id, state, exit_code]),
      [[session, "active", null]],
    );
    await shell.exit(4);
    await eventually(async () => {
      const told = (await service.sessions()).filter(({ username }) => username === alice.name);
      assert.deepEqual(
        told.map(({ session_id, state, exit_code }) => [session_id, state, exit_code]),
        [[session, "ended", 4]],
      );
    });
    await eventually(() => assert.ok(!service.names().includes(shell.name)));
  });
}
