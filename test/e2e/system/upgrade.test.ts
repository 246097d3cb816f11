/** Proves that a newer program takes the place of the old one in one step, while shells and other processes use it. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, lstatSync, readdirSync, readlinkSync, statSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { eventually } from "../../support/eventually.ts";
import { createTestMachine, type TestMachine } from "../../support/installed-machine.ts";
import { root } from "../../support/sandbox.ts";
import { openTerminal } from "../../support/shells/pty.ts";

const install = ["install", "--system"];
const library = "/usr/local/lib";
const env = { SESSION_BUDDY_HOME: "/var/tmp/record", SESSION_BUDDY_SPOOL: "", TERM: "dumb" };

const steps = join(root, "test/support/kill-at-step.ts");

function entryOf({ launcher }: TestMachine): string {
  return join(launcher, "../../dist/entry.cjs");
}

/** The copy that is installed from becomes a newer program. */
function makeNewer(machine: TestMachine): void {
  for (const part of ["dist/list.cjs", "shell-hooks/session-buddy.bash", "shell-hooks/session-buddy.fish"]) {
    appendFileSync(join(machine.folder, "program", part), part.endsWith(".cjs") ? "\n//\n" : "\n#\n");
  }
}

function versionsOf(machine: TestMachine): string[] {
  return readdirSync(machine.at(library)).filter((name) => name.startsWith("session-buddy-"));
}

function currentOf(machine: TestMachine): string {
  return readlinkSync(machine.at(`${library}/session-buddy`));
}

/** A process of the program that goes on until it is killed. */
async function startWatch(t: TestContext, machine: TestMachine): Promise<{ stop(): Promise<void> }> {
  const [program = "", ...args] = [...machine.under, "session-buddy", "watch", "--format", "ndjson"];
  const child = spawn(program, args, {
    env: { ...machine.env, ...env },
    cwd: "/",
    stdio: ["ignore", "ignore", "inherit"],
  });
  const stop = async () => {
    child.kill("SIGKILL");
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  };
  t.after(stop);
  // From here on it loads what it needs, and is known by its name.
  await eventually(() => assert.ok(statSync(machine.at("/var/tmp/record/sessions.db")).isFile()));
  return { stop };
}

for (const hasNode of [true, false]) {
  const whose = hasNode ? "the machine's Node.js" : "its own Node.js";
  test(`an old version stays as long as a process uses it, with ${whose}`, async (t) => {
    const machine = await createTestMachine(t, { hasNode });
    await machine.rows(install);
    const first = currentOf(machine);
    const runtime = (version: string) => machine.at(`${library}/${version}/node_modules/node/bin/node`);
    assert.equal(lstatSync(runtime(first)).isSymbolicLink(), hasNode);
    const watch = await startWatch(t, machine);

    makeNewer(machine);
    const rows = await machine.rows(install);
    const second = currentOf(machine);
    assert.notEqual(second, first);
    assert.deepEqual(versionsOf(machine).sort(), [first, second].sort());
    const kept = rows.find(({ subject }) => subject === `${library}/${first}`);
    assert.equal(kept?.action, "kept");
    assert.match(kept?.reason ?? "", /^process \d+ still uses it$/);
    if (!hasNode) assert.equal(statSync(runtime(second)).ino, statSync(runtime(first)).ino, "Node.js is there once");

    await watch.stop();
    const after = await machine.rows(install);
    assert.deepEqual(
      after.filter(({ action }) => action === "removed").map(({ subject }) => subject),
      [`${library}/${first}`],
    );
    assert.deepEqual(versionsOf(machine), [second]);
    assert.match(await machine.shell("session-buddy --version"), /^\d+\.\d+\.\d+\n$/);
  });
}

test("hooks can be read at every moment of an update, and shells that are open end on record", async (t) => {
  const machine = await createTestMachine(t);
  await machine.rows(install);
  await machine.shell("mkdir -p /home/admin/.local/share/fish/generated_completions; : > /home/admin/.zshrc");
  const shells = ["bash", "zsh", "fish"];
  const terminals = shells.map((shell) => {
    const [program = "", ...args] = [...machine.under, shell, "-i"];
    return openTerminal(t, program, args, { env: { ...machine.env, ...env }, cwd: "/" });
  });
  for (const terminal of terminals) {
    terminal.type("echo i-am-r''eady\r");
    await terminal.find("i-am-ready");
  }
  const steady = [
    ...shells.map((shell) => `${library}/session-buddy/shell-hooks/session-buddy.${shell}`),
    `${library}/session-buddy/dist/start.cjs`,
    "/usr/local/bin/session-buddy",
  ];
  makeNewer(machine);
  const before = currentOf(machine);
  const updated = await machine.run([process.execPath, "--import", steps, entryOf(machine), ...install], {
    env: { STEADY: steady.join(":") },
  });
  assert.deepEqual([updated.status, updated.stderr], [0, ""]);
  assert.notEqual(currentOf(machine), before);
  for (const terminal of terminals) {
    terminal.type("exit 3\r");
    await terminal.ended();
  }
  await eventually(async () => {
    const { stdout } = await machine.run(["session-buddy", "list", "--all", "--json"], { env });
    const rows: { state: string; exit_code: number }[] = JSON.parse(stdout);
    assert.deepEqual(
      rows.map(({ state, exit_code }) => `${state} ${exit_code}`),
      shells.map(() => "ended 3"),
    );
  });
  assert.equal(versionsOf(machine).length, 1);
});

test("a version that was damaged gives way to a whole one", async (t) => {
  const machine = await createTestMachine(t);
  await machine.rows(install);
  const first = currentOf(machine);
  await machine.shell(`rm ${library}/${first}/dist/list.cjs`);
  const rows = await machine.rows(install);
  assert.equal(rows.find(({ part }) => part === "program")?.action, "updated");
  assert.equal(currentOf(machine), `${first}.2`);
  assert.deepEqual(versionsOf(machine), [`${first}.2`]);
  await machine.rows(install);
  assert.equal(currentOf(machine), `${first}.2`);
});

test("a process of a container, with a program of its own at the same place, keeps no old version", async (t) => {
  const [machine, container] = [await createTestMachine(t), await createTestMachine(t)];
  await container.rows(install);
  await machine.rows(install);
  await startWatch(t, container);
  makeNewer(machine);
  await machine.rows(install);
  assert.deepEqual(versionsOf(machine), [currentOf(machine)]);
});
