/** Proves that nothing is installed for everybody that somebody else could change, and nothing in a place of somebody's. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createTestMachine, differences, type TestMachine } from "../../support/installed-machine.ts";
import { assertRefused } from "../../support/rows.ts";

const install = ["install", "--system"];

test("who is not root is told how to call it", async (t) => {
  const machine = await createTestMachine(t);
  const before = machine.tree();
  const as = ["setpriv", "--reuid=4711", "--regid=4711", "--clear-groups"];
  for (const args of [install, ["uninstall", "--system"], ["hook", "install", "--system"]]) {
    const outcome = await machine.run([...as, machine.launcher, ...args]);
    assertRefused(outcome, 2, new RegExp(`only root may change; run: sudo ${machine.launcher} ${args.join(" ")}\n$`));
  }
  assert.deepEqual(differences(before, machine.tree()), []);
});

test("without --system, it says what there is", async (t) => {
  const machine = await createTestMachine(t);
  assertRefused(
    await machine.buddy(["install"]),
    2,
    /'install --system' installs .* 'hook install' for your own shells/,
  );
  assertRefused(await machine.buddy(["uninstall"]), 2, /'uninstall --system' takes back/);
});

/** How somebody else may have a hand in the program; `P` stands for its folder. */
const foreign: readonly (readonly [name: string, lay: string, words: RegExp])[] = [
  ["a file of a user's", "chown 4711 P/dist/list.cjs", /P\/dist\/list\.cjs belongs to user id 4711/],
  [
    "a file that others may write",
    "chmod o+w P/shell-hooks/session-buddy.zsh",
    /other users may write to P\/shell-hooks\/session-buddy\.zsh/,
  ],
  ["a folder that a group may write", "chgrp 4711 P/dist; chmod g+w P/dist", /other users may write to P\/dist\)/],
  ["a checkout of a user's", "chown -R 4711 P", /lies below P, which belongs to user id 4711/],
  ["a link in it", "mv P/dist/why.cjs P/x; ln -s ../x P/dist/why.cjs", /P\/dist\/why\.cjs is not a regular file/],
  [
    "a Node.js of a user's",
    "rm /usr/local/bin/node; chown 4711 P/node_modules/node/bin/node",
    /bin\/node belongs to user id 4711/,
  ],
  [
    "a part that is missing",
    "rm -r P/shell-hooks",
    /the program is not whole: there is no P\/shell-hooks; run 'npm ci'/,
  ],
];

for (const [name, lay, words] of foreign) {
  test(`a program that root and everybody would run must be root's alone: ${name}`, async (t) => {
    const machine = await createTestMachine(t);
    const program = `${machine.folder}/program`;
    await machine.shell(lay.replaceAll("P", program));
    const { status, stdout, stderr } = await machine.buddy(install);
    assert.equal(status, 1);
    assert.match(stderr, new RegExp(words.source.replaceAll("P", program)));
    assert.match(stderr, /^session-buddy: program: [^\n]+\n$/);
    assert.doesNotMatch(stdout, /hook|unit|command/, "nothing that needs the program is done");
    await machine.buddy(["uninstall", "--system", "--purge"]);
  });
}

test("a checkout in somebody's home is refused with what to do, which then works", async (t) => {
  const machine = await createTestMachine(t);
  await machine.shell(
    `mkdir -p /home/eve /usr/local/src; cp -R ${machine.folder}/program /home/eve/sb; chown 4711 /home/eve`,
  );
  const { status, stderr } = await machine.run(["/home/eve/sb/bin/session-buddy", ...install]);
  assert.equal(status, 1);
  assert.match(stderr, /is not root's alone \(lies below \/home\/eve, which belongs to user id 4711, not to 0\)/);
  const advice = /; copy it .*: (cp -R .*)\n$/.exec(stderr)?.[1] ?? "";
  // There is no registry to build from in a test; what was built is copied.
  await machine.shell(advice.replace("npm ci && ", ""));
  assert.equal((await machine.run(["session-buddy", "--version"])).status, 0);
});

/** What somebody may have laid where ours goes. */
const traps: readonly (readonly [name: string, lay: string, words: RegExp])[] = [
  [
    "a link as the spool",
    "mkdir -p /var/spool/session-buddy; ln -s /etc /var/spool/session-buddy/shells",
    /spool: \S+shells: is not a folder; move it away/,
  ],
  [
    "a link as the state folder",
    "ln -s /etc /var/lib/session-buddy",
    /record: \/var\/lib\/session-buddy: is not a folder/,
  ],
  [
    "a spool of a user's above",
    "chown 4711 /var/spool",
    /spool: \S+: lies in \/var\/spool, which belongs to user id 4711/,
  ],
  [
    "a folder that everybody may write",
    "chmod 777 /usr/local/lib",
    /program: \S+: lies in \/usr\/local\/lib, where other users may write/,
  ],
  [
    "another program",
    "mkdir /usr/local/lib/session-buddy",
    /program: \S+: is not a link to a version of this program; move it away/,
  ],
  ["another command", "echo x > /usr/local/bin/session-buddy", /command: \S+: is not ours; move it away, or use/],
  [
    "another unit",
    "echo '[Unit]' > /etc/systemd/system/session-buddy.service",
    /unit: \S+: is another unit, or was changed by hand; /,
  ],
  [
    "a user who can log in",
    "useradd -s /bin/sh session-buddy",
    /system user: session-buddy: is a user who can log in \(user id \d+, shell \/bin\/sh\); /,
  ],
  [
    "root by another name",
    "useradd -o -u 0 -s /bin/false session-buddy",
    /system user: session-buddy: is root by another name; /,
  ],
];

for (const [name, lay, words] of traps) {
  test(`what is not ours is neither followed nor changed: ${name}`, async (t) => {
    const machine = await createTestMachine(t);
    await machine.shell(lay);
    const before = machine.tree();
    const { status, stderr } = await machine.buddy(install);
    assert.equal(status, 1);
    assert.match(stderr, words);
    await removeWell(machine);
    const left = differences(before, machine.tree()).filter(
      (line) => !/^(?:changed \/etc\/(?:passwd|shadow|group|gshadow))$/.test(line),
    );
    assert.deepEqual(left, []);
  });
}

/** What was not ours may be told of again. */
async function removeWell(machine: TestMachine): Promise<void> {
  const { status, stderr } = await machine.buddy(["uninstall", "--system", "--purge"]);
  assert.ok(status === 0 || status === 1, stderr);
}

test("a record and a spool that users wrote into are removed without following a link of theirs", async (t) => {
  const machine = await createTestMachine(t);
  assert.equal((await machine.buddy(install)).status, 0);
  await machine.shell("mkdir /var/tmp/precious; echo 1 > /var/tmp/precious/file");
  const before = machine.tree().get("/var/tmp/precious/file");
  const spool = "/var/spool/session-buddy/shells";
  const as = (id: string, line: string) =>
    machine.shell(`setpriv --reuid=${id} --regid=${id} --clear-groups sh -euc '${line}'`);
  await as(
    "4711",
    `cd ${spool}; ln -s /var/tmp/precious link; mkdir -p deep/er; ln -s /var/tmp/precious deep/er/link; mkfifo fifo; : > a`,
  );
  await as("session-buddy", "cd /var/lib/session-buddy; ln -s /var/tmp/precious link; : > b");

  const kept = await machine.rows(["uninstall", "--system"]);
  assert.deepEqual(
    kept.filter(({ action }) => action === "kept").map(({ subject, reason }) => `${subject}: ${reason}`),
    [
      `${spool}: 4 files of shells in it`,
      "/var/lib/session-buddy: what is on record cannot be counted",
      "session-buddy: files of its may be left",
    ],
  );
  await machine.rows(["uninstall", "--system", "--purge"]);
  assert.equal(machine.tree().get("/var/tmp/precious/file"), before);
  assert.equal(machine.tree().has(spool), false);
  assert.equal(machine.tree().has("/var/lib/session-buddy"), false);
});

test("what a purge removes is counted", async (t) => {
  const machine = await createTestMachine(t);
  assert.equal((await machine.buddy(install)).status, 0);
  const record = [
    "setpriv",
    "--reuid=session-buddy",
    "--regid=session-buddy",
    "--clear-groups",
    "sh",
    "-c",
    "session-buddy start; :",
  ];
  const env = { SESSION_BUDDY_HOME: "/var/lib/session-buddy" };
  for (const _ of [1, 2]) assert.equal((await machine.run(record, { env })).status, 0);
  const words = /^2 sessions on record, \d of them open$/;
  const reasonOf = async (args: readonly string[]) =>
    (await machine.rows(args)).find(({ subject }) => subject === "/var/lib/session-buddy")?.reason ?? "";
  const before = machine.tree();
  assert.match(await reasonOf(["uninstall", "--system", "--purge", "--dry-run"]), words);
  assert.deepEqual(differences(before, machine.tree()), []);
  assert.match(await reasonOf(["uninstall", "--system"]), words);
  assert.match(await reasonOf(["uninstall", "--system", "--purge"]), words);
});
