/** Proves that an installation for the machine may be killed at every step, and that the next run completes it. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { createTestMachine, differences, type TestMachine } from "../../support/installed-machine.ts";
import { type Outcome, root } from "../../support/sandbox.ts";

const killer = join(root, "test/support/kill-at-step.ts");
const install = ["install", "--system"];
const uninstall = ["uninstall", "--system", "--purge"];
const startupFiles = ["/etc/bash.bashrc", "/etc/zsh/zshrc", "/etc/profile", "/etc/fish/conf.d/session-buddy.fish"];

function killedAt(machine: TestMachine, step: number, args: readonly string[]): Promise<Outcome> {
  const entry = join(machine.launcher, "../../dist/entry.cjs");
  return machine.run([process.execPath, "--import", killer, entry, ...args], { env: { STEP: String(step) } });
}

async function runWell(machine: TestMachine, args: readonly string[]): Promise<void> {
  const { status, stderr } = await machine.buddy(args);
  assert.deepEqual([status, stderr], [0, ""], args.join(" "));
}

/** @returns the startup files that are neither as they were nor as they become */
function tornFiles(machine: TestMachine, ...good: readonly ReadonlyMap<string, string>[]): string[] {
  const now = machine.tree();
  return startupFiles.filter((path) => good.every((tree) => tree.get(path) !== now.get(path)));
}

function isKilled({ signal, status }: Outcome): boolean {
  return signal === "SIGKILL" || status === 128 + 9;
}

test("killed at any step, an installation is completed by the next run, and so is its removal", async (t) => {
  const machine = await createTestMachine(t);
  // So that folders have to be made for files of ours.
  await machine.shell("rm -r /etc/fish /usr/local/lib /etc/systemd/system");
  const before = machine.tree();
  await runWell(machine, install);
  const installed = machine.tree();
  let [kills, isOver] = [0, false];
  for (let step = 1; !isOver; step += 1) {
    isOver = true;
    for (const [command, from, to] of [
      [uninstall, installed, before],
      [install, before, installed],
    ] as const) {
      const outcome = await killedAt(machine, step, command);
      if (isKilled(outcome)) {
        [kills, isOver] = [kills + 1, false];
        assert.deepEqual(tornFiles(machine, from, to), [], `${command[0]}, at step ${step}`);
        await runWell(machine, command);
      } else assert.deepEqual([outcome.status, outcome.stderr], [0, ""]);
      assert.deepEqual(differences(to, machine.tree()), [], `${command[0]}, after step ${step}`);
    }
  }
  assert.ok(kills > 80, `it was killed ${kills} times`);
});
