/** Proves that an installation for the whole machine is whole, is made once, and is taken back byte for byte. */
import assert from "node:assert/strict";
import { lstatSync, readFileSync } from "node:fs";
import { type TestContext, test } from "node:test";
import { createTestMachine, differences, type TestMachine } from "../../support/installed-machine.ts";
import type { Outcome } from "../../support/sandbox.ts";
import { openTerminal } from "../../support/shells/pty.ts";

const install = ["install", "--system"];
const uninstall = ["uninstall", "--system"];
/** Where users are kept. */
const userFiles = ["group", "gshadow", "passwd", "shadow"].map((name) => `changed /etc/${name}`);

function assertWell({ status, stderr }: Outcome): void {
  assert.deepEqual([status, stderr], [0, ""]);
}

test("installed, it is in its places; uninstalled, the machine is as it was", async (t) => {
  const machine = await createTestMachine(t);
  const before = machine.tree();

  const planned = await machine.rows([...install, "--dry-run"]);
  assert.deepEqual(differences(before, machine.tree()), [], "a dry run changes nothing");
  const made = await machine.rows(install);
  assert.deepEqual(made, planned);
  assert.deepEqual(new Set(made.map(({ action }) => action)), new Set(["added", "told"]));
  const installed = machine.tree();
  assert.deepEqual(
    differences(before, installed).filter((line) => !line.includes("/usr/local/lib/session-buddy-")),
    [
      "changed /etc/bash.bashrc",
      "new /etc/fish/completions/session-buddy.fish",
      "new /etc/fish/conf.d/session-buddy.fish",
      ...userFiles.slice(0, 3),
      "new /etc/session-buddy",
      "new /etc/session-buddy/.made-folders.json",
      userFiles[3],
      "new /etc/systemd/system/multi-user.target.wants/session-buddy.service",
      "new /etc/systemd/system/session-buddy.service",
      "changed /etc/zsh/zshrc",
      "new /usr/local/bin/session-buddy",
      "new /usr/local/lib/session-buddy",
      "new /usr/local/share",
      "new /usr/local/share/bash-completion",
      "new /usr/local/share/bash-completion/completions",
      "new /usr/local/share/bash-completion/completions/session-buddy",
      "new /usr/local/share/zsh",
      "new /usr/local/share/zsh/site-functions",
      "new /usr/local/share/zsh/site-functions/_session-buddy",
      "new /var/lib/session-buddy",
      "new /var/spool/session-buddy",
      "new /var/spool/session-buddy/shells",
    ],
  );

  const again = await machine.rows(install);
  assert.deepEqual(new Set(again.map(({ action }) => action)), new Set(["unchanged", "told"]));
  assert.deepEqual(differences(installed, machine.tree()), [], "a second run has nothing to do");

  // By the program that is installed, which removes itself.
  const dry = await machine.run(["session-buddy", ...uninstall, "--purge", "--dry-run", "--json"]);
  assert.deepEqual(differences(installed, machine.tree()), []);
  assertWell(await machine.run(["session-buddy", ...uninstall]));
  assert.deepEqual(differences(before, machine.tree()), userFiles, "the user stays, and is named");
  const removed = await machine.rows([...uninstall, "--purge"]);
  assert.deepEqual(
    removed.map(({ part, action }) => `${part} ${action}`),
    ["system user removed"],
  );
  assert.deepEqual(differences(before, machine.tree()), []);
  assert.ok(JSON.parse(dry.stdout).some(({ part }: { part: string }) => part === "program"));
  assert.match((await machine.buddy(uninstall)).stdout, /^nothing to remove: /);
});

test("folders and the program have their owners and modes, whatever the caller's umask", async (t) => {
  const machine = await createTestMachine(t);
  await machine.shell(`umask 077; ${machine.launcher} install --system`);
  const [uid, gid] = (await machine.shell("id -u session-buddy; id -g session-buddy")).trim().split("\n").map(Number);
  const of = (path: string) => {
    const stats = lstatSync(machine.at(path));
    return [stats.uid, stats.gid, (stats.mode & 0o7777).toString(8)];
  };
  assert.ok(uid !== undefined && uid > 0 && uid < 1000);
  assert.deepEqual(of("/var/spool/session-buddy"), [0, 0, "755"]);
  assert.deepEqual(of("/var/spool/session-buddy/shells"), [uid, gid, "3733"]);
  assert.deepEqual(of("/var/lib/session-buddy"), [uid, gid, "700"]);
  assert.deepEqual(of("/etc/session-buddy"), [0, 0, "755"]);
  assert.deepEqual(of("/etc/fish/conf.d/session-buddy.fish"), [0, 0, "644"]);
  assert.deepEqual(of("/etc/systemd/system/session-buddy.service"), [0, 0, "644"]);
  const closed = await machine.shell(
    "find -L /usr/local/lib/session-buddy/ ! -perm -o=r -o -type d ! -perm -o=x -o ! -user 0",
  );
  assert.equal(closed, "", "everybody may read all of the program, and only root may change it");
  assert.match(await machine.shell("getent passwd session-buddy"), /:\/var\/lib\/session-buddy:\/\S*nologin\n$/);

  await machine.shell("chmod 777 /var/spool/session-buddy/shells; chown 0:0 /var/lib/session-buddy");
  const mended = await machine.rows(install);
  assert.deepEqual(
    mended.filter(({ action }) => action === "updated").map(({ subject }) => subject),
    ["/var/lib/session-buddy", "/var/spool/session-buddy/shells"],
  );
  assert.deepEqual(of("/var/spool/session-buddy/shells"), [uid, gid, "3733"]);
});

/** What administrators have made of a startup file. */
const oddFiles: readonly (readonly [name: string, lay: string])[] = [
  ["without a final line end", "printf 'PS1=x\\ny=1' > F"],
  ["ending with a backslash", "printf 'a=1\\\\' > F"],
  ["with CRLF", "printf 'a=1\\r\\n:\\r\\n' > F"],
  ["empty", ": > F"],
  ["of bytes that are no text", "printf '# \\377\\376\\n\\n\\n' > F"],
  ["read-only, as macOS ships it", "chmod 444 F"],
  ["of another group, with an odd mode", "chgrp adm F; chmod 4640 F"],
  ["missing", "rm F"],
];

for (const [name, lay] of oddFiles) {
  test(`startup files are taken back byte for byte: ${name}`, async (t) => {
    const machine = await createTestMachine(t);
    for (const path of ["/etc/bash.bashrc", "/etc/zsh/zshrc"]) await machine.shell(lay.replaceAll("F", path));
    const before = machine.tree();
    assertWell(await machine.buddy(install));
    for (const path of ["/etc/bash.bashrc", "/etc/zsh/zshrc"]) {
      assert.match(readFileSync(machine.at(path), "latin1"), /session-buddy\/shell-hooks/);
      const modeOf = (tree: ReadonlyMap<string, string>) => tree.get(path)?.split(" ").slice(0, 3);
      assert.deepEqual(modeOf(machine.tree()), modeOf(before) ?? ["0", "0", "100644"]);
    }
    assertWell(await machine.buddy([...uninstall, "--purge"]));
    assert.deepEqual(differences(before, machine.tree()), []);
  });
}

test("a startup file keeps its access control list and its attributes, there and back", async (t) => {
  const machine = await createTestMachine(t);
  const path = "/etc/bash.bashrc";
  await machine.shell(`setfattr -n user.kept -v yes ${path}; setfacl -m u:4711:r ${path}`);
  const look = () => machine.shell(`getfattr -d ${path}; getfacl -cn ${path}`);
  const before = await look();
  assert.match(before, /user\.kept="yes"\n.*user:4711:r--/s);
  await machine.rows(install);
  assert.match(readFileSync(machine.at(path), "utf8"), /session-buddy/);
  assert.equal(await look(), before);
  await machine.rows(uninstall);
  assert.equal(await look(), before);
});

/** What is left to a person, in words, while the rest is done. */
const refusals: readonly (readonly [name: string, lay: string, words: RegExp])[] = [
  ["a link", "mv F F.real; ln -s F.real F", /\/etc\/bash\.bashrc: is a symbolic link; add this line by hand: case /],
  ["a hard link", "ln F /etc/other", /is a hard link, and would lose its other names; add/],
  [
    "another program's",
    "printf '# Ansible managed\\n' > F",
    /is written by another program, .*; add this line by hand/,
  ],
  ["a user's", "chown 4711 F", /belongs to user id 4711, not to 0; add this line by hand/],
  ["a folder", "rm F; mkdir F", /is not a regular file; add/],
  [
    "half a block",
    "echo '# >>> session-buddy >>>' >> F",
    /has half a session-buddy block at line \d+; remove its lines by hand/,
  ],
];

for (const [name, lay, words] of refusals) {
  test(`a startup file that is not to be changed is left as it is, and the rest is done: ${name}`, async (t) => {
    const machine = await createTestMachine(t);
    await machine.shell(lay.replaceAll("F", "/etc/bash.bashrc"));
    const before = machine.tree();
    const { status, stdout, stderr } = await machine.buddy(install);
    assert.equal(status, 1);
    assert.match(stderr, words);
    assert.match(stdout, /^zsh hook: \/etc\/zsh\/zshrc: was added/m);
    assert.equal(machine.tree().get("/etc/bash.bashrc"), before.get("/etc/bash.bashrc"));
    await machine.buddy([...uninstall, "--purge"]);
    assert.deepEqual(differences(before, machine.tree()), []);
  });
}

test("what the system refuses even root is told with what to do, and everything else is done", async (t) => {
  const machine = await createTestMachine(t);
  await machine.shell(
    "mount -t tmpfs -o mode=755 tmpfs /usr/local/bin && mount -o remount,ro /usr/local/bin && chattr +i /etc/zsh/zshrc",
  );
  const { status, stdout, stderr } = await machine.buddy(install);
  assert.equal(status, 1);
  assert.match(
    stderr,
    /^session-buddy: command: \/usr\/local\/bin\/session-buddy: .*EROFS.*; the file system is mounted read-only; /m,
  );
  assert.match(stderr, /^session-buddy: zsh hook: \/etc\/zsh\/zshrc: .*; see 'lsattr/m);
  assert.match(stdout, /^fish hook: .*: was added/m);
});

interface Distribution {
  readonly name: string;
  readonly lay: string;
  /** The files that get a line. */
  readonly files: readonly string[];
}

const bare = "rm -rf /etc/bash.bashrc /etc/zsh /etc/profile /etc/profile.d /etc/os-release";
const loop = `for i in /etc/profile.d/*.sh; do [ -r "$i" ] && . "$i"; done`;
const fish = "/etc/fish/conf.d/session-buddy.fish";
const distributions: readonly Distribution[] = [
  {
    name: "Fedora",
    lay: `${bare}; echo 'ID=fedora' > /etc/os-release; echo : > /etc/bashrc; echo : > /etc/zshrc; mkdir /etc/profile.d
      echo '${loop}
      if [ -n "$BASH_VERSION" ]; then . /etc/bashrc; fi' > /etc/profile`,
    files: ["/etc/bashrc", "/etc/zshrc", fish],
  },
  {
    name: "Arch",
    lay: `${bare}; echo 'ID=arch' > /etc/os-release; echo : > /etc/bash.bashrc
      echo 'test -r /etc/bash.bashrc && . /etc/bash.bashrc' > /etc/profile`,
    files: ["/etc/bash.bashrc", "/etc/zsh/zshrc", fish],
  },
  {
    name: "Alpine",
    lay: `${bare}; echo 'ID=alpine' > /etc/os-release; echo '${loop}' > /etc/profile; mkdir /etc/profile.d`,
    files: ["/etc/bash/bashrc", "/etc/profile.d/session-buddy.sh", "/etc/zsh/zshrc", fish],
  },
  {
    name: "a later Alpine",
    lay: `${bare}; echo 'ID=alpine' > /etc/os-release; echo '${loop}' > /etc/profile; mkdir /etc/profile.d
      echo '[ -n "$BASH_VERSION" ] && . /etc/bash/bashrc' > /etc/profile.d/00-bashrc.sh`,
    files: ["/etc/bash/bashrc", "/etc/zsh/zshrc", fish],
  },
  {
    name: "one that nobody knows",
    lay: `${bare}; echo : > /etc/bash.bashrc`,
    files: ["/etc/bash.bashrc", "/etc/profile", "/etc/zsh/zshrc", fish],
  },
];

for (const { name, lay, files } of distributions) {
  test(`the files of ${name} get the line, and are taken back byte for byte`, async (t) => {
    const machine = await createTestMachine(t);
    await machine.shell(lay);
    const before = machine.tree();
    const rows = await machine.rows(install);
    assert.deepEqual(
      rows.filter(({ part }) => part.endsWith(" hook")).map(({ subject }) => subject),
      files,
    );
    const status = JSON.parse((await machine.buddy(["status", "--json"])).stdout);
    assert.deepEqual(
      status.hooks.map((one: { file: string; state: string }) => [one.file, one.state]),
      files.map((file) => [file, "installed"]),
    );
    assertWell(await machine.buddy([...uninstall, "--purge"]));
    assert.deepEqual(differences(before, machine.tree()), []);
  });
}

/** Runs a shell in a terminal as a person does. @returns how often it is on record */
async function sessionsOf(t: TestContext, machine: TestMachine, words: readonly string[]): Promise<number> {
  const env = { ...machine.env, SESSION_BUDDY_HOME: "/var/tmp/record", SESSION_BUDDY_SPOOL: "", TERM: "dumb" };
  // Else a new fish reads every manual page in the background.
  await machine.shell(
    "mkdir -p /home/admin/.local/share/fish/generated_completions /home/admin/.cache/fish; : > /home/admin/.zshrc",
  );
  const [program = "", ...args] = [...machine.under, ...words];
  const terminal = openTerminal(t, program, args, { env, cwd: "/" });
  terminal.type("echo i-am-r''eady\r");
  await terminal.find("i-am-ready");
  terminal.type("exit 3\r");
  await terminal.ended();
  const { stdout } = await machine.run(["session-buddy", "list", "--all", "--json"], { env });
  return JSON.parse(stdout).length;
}

const hookedShells: readonly (readonly [words: readonly string[], lay?: string | undefined])[] = [
  [["bash", "-i"]],
  [["bash", "-i", "-l"]],
  [["zsh", "-i"]],
  [["zsh", "-i", "-l"]],
  [["fish", "-i"]],
  [["fish", "-i", "-l"]],
  [["bash", "-i", "-l"], distributions.find(({ name }) => name === "Alpine")?.lay],
  [["bash", "-i", "-l"], distributions.find(({ name }) => name === "Fedora")?.lay],
];

for (const [words, lay] of hookedShells) {
  test(`a shell of anybody is on record once: ${words.join(" ")}${lay === undefined ? "" : " elsewhere"}`, async (t) => {
    const machine = await createTestMachine(t);
    if (lay !== undefined) await machine.shell(lay);
    assertWell(await machine.buddy(install));
    assert.equal(await sessionsOf(t, machine, words), 1);
  });
}
