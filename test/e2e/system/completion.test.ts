/** Proves that the shells of all users complete the command line where it is installed for the machine, by the files where they look. */
import assert from "node:assert/strict";
import { lstatSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { createTestMachine } from "../../support/installed-machine.ts";

const install = ["install", "--system"];
const uninstall = ["uninstall", "--system"];
const bash = "/usr/local/share/bash-completion/completions/session-buddy";
const zsh = "/usr/local/share/zsh/site-functions/_session-buddy";

test("bash, zsh and fish find their completions, which go with the program", async (t) => {
  const machine = await createTestMachine(t);
  await machine.rows(install);
  assert.match(await machine.shell("fish -c 'complete -C \"session-buddy timel\"'"), /^timeline\t/);
  assert.equal(
    await machine.shell("zsh -fc 'autoload -Uz compinit; compinit -D; print $_comps[session-buddy]'"),
    "_session-buddy\n",
  );
  const line = `. ${bash}; complete -p session-buddy`;
  assert.match(
    await machine.shell(`bash --norc -c '${line}'`),
    /^complete .*-F __session_buddy_complete session-buddy$/m,
  );
  await machine.rows(uninstall);
  assert.equal(await machine.shell("fish -c 'complete -C \"session-buddy timel\"'"), "");
});

test("a file of another program in the place of a completion stays", async (t) => {
  const machine = await createTestMachine(t);
  await machine.shell(`mkdir -p ${zsh.slice(0, zsh.lastIndexOf("/"))}; echo 'of another' > ${zsh}`);
  const made = await machine.rows(install);
  const row = made.find(({ subject }) => subject === zsh);
  assert.deepEqual([row?.action, row?.reason], ["kept", "is not ours"]);
  assert.ok(lstatSync(machine.at(bash)).isSymbolicLink());
  await machine.rows(uninstall);
  assert.equal(readFileSync(machine.at(zsh), "utf8"), "of another\n");
});
