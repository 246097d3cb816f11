/** Proves that an installation for the machine may be killed at every step, and that the next run completes it. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { createTestMachine, differences, type TestMachine } from "../../support/machine.ts";
import { type Outcome, root } from "../../support/sandbox.ts";

const killer = join(root, "test/support/kill-at-step.ts");
const startupFiles = ["/etc/bash.bashrc", "/etc/zsh/zshrc", "/etc/profile"];

function killedAt(machine: TestMachine, step: number, args: readonly string[]): Promise<Outcome> {
  const entry = join(machine.launcher, "../../dist/entry.cjs");
  return machine.run([process.execPath, "--import", killer, entry, ...args], { env: { STEP: String(step) } });
}

async function runWell(machine: TestMachine, args: readonly string[]): Promise<void> {
  const { status, stderr } = await machine.buddy(args);
  assert.deepEqual([status, stderr], [0, ""], args.join(" "));
}

/** @returns each startup file as it is, but for those that hold one of two contents */
function tornFiles(machine: TestMachine, good: readonly ReadonlyMap<string, string>[]): string[] {
  return startupFiles.filter((path) => {
    const text = readFileSync(machine.at(path), "latin1");
    return !good.some((tree) => tree.get(path)?.endsWith(text));
  });
}

test("killed at any step, an installation is completed by the next run, and an uninstallation too", async (t) => {
  const machine = await createTestMachine(t);
  // A folder that has to be made, and more than one.
  await machine.shell("rm -r /etc/fish /usr/local/lib");
  const before = machine.tree();
  await runWell(machine, ["install", "--system"]);
  const installed = machine.tree();
  await runWell(machine, ["uninstall", "--system", "--purge"]);
  assert.deepEqual(differences(before, machine.tree()), []);
  let step = 1;
  for (; ; step += 1) {
    const { signal, status, stderr } = await killedAt(machine, step, ["install", "--system"]);
    if (signal === null && status !== 137) {
      assert.deepEqual([status, stderr], [0, ""]);
      break;
    }
    assert.deepEqual(tornFiles(machine, [before, installed]), [], `at step ${step}`);
    await runWell(machine, ["install", "--system"]);
    assert.deepEqual(differences(installed, machine.tree()), [], `after step ${step}`);
    await runWell(machine, ["uninstall", "--system", "--purge"]);
    assert.deepEqual(differences(before, machine.tree()), [], `uninstalled after step ${step}`);
  }
  assert.ok(step > 40, `it has ${step} steps`);
  console.log(step);
  for (step = 1; ; step += 1) {
    const { signal, status, stderr } = await killedAt(machine, step, ["uninstall", "--system", "--purge"]);
    if (signal === null && status !== 137) {
      assert.deepEqual([status, stderr], [0, ""]);
      break;
    }
    assert.deepEqual(tornFiles(machine, [before, installed]), [], `at step ${step}`);
    await runWell(machine, ["uninstall", "--system", "--purge"]);
    assert.deepEqual(differences(before, machine.tree()), [], `after step ${step}`);
    await runWell(machine, ["install", "--system"]);
    assert.deepEqual(differences(installed, machine.tree()), [], `installed after step ${step}`);
  }
  console.log(step);
});
