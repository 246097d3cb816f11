/** Proves that processes are found by the pid that they have in a namespace of their own, and that who cannot see says so. */
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { createNestedProcesses } from "../../../src/host/nested.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

function process(root: string, pid: number, pids: readonly number[], uid: number, ticks: number): void {
  const folder = join(root, "proc", String(pid));
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(folder, "status"),
    `Name:\tbash\nUid:\t${[0, uid, 0, 0].join("\t")}\nNSpid:\t${pids.join("\t")}\nVmPeak:\t1\n`,
  );
  writeFileSync(join(folder, "stat"), `${pid} (a) (b) S 1 ${Array(17).fill(0).join(" ")} ${ticks} 0\n`);
}

test("a process is found by what it calls itself in its innermost namespace, and by its user", (t) => {
  const root = temporaryFolder(t);
  process(root, 1, [1], 0, 1);
  process(root, 900, [900, 40, 7], 1000, 55);
  process(root, 901, [901, 7], 1000, 66);
  process(root, 902, [902, 7], 1001, 77);
  process(root, 7, [7], 1000, 88);
  const nested = createNestedProcesses(root);
  const found = nested.find(7, 1000, 0);
  assert.ok(Array.isArray(found));
  assert.deepEqual(found.map(({ pid, startTicks }) => `${pid} ${startTicks}`).sort(), ["900 55", "901 66"]);
  assert.deepEqual(nested.find(40, 1000, 0), []);
});

test("one that came since is looked for again, not as often as somebody wants", (t) => {
  const root = temporaryFolder(t);
  process(root, 1, [1], 0, 1);
  // Each look takes a millisecond.
  let now = 0;
  const nested = createNestedProcesses(root, () => {
    now += 1;
    return now;
  });
  assert.deepEqual(nested.find(7, 1000, 0), []);
  process(root, 900, [900, 7], 1000, 55);
  assert.deepEqual(nested.find(7, 1000, 0), []);
  const since = Date.now() + 60_000;
  assert.equal(nested.find(7, 1000, since), "later");
  now += 20;
  assert.deepEqual(nested.find(7, 1000, since), [{ pid: 900, startTicks: "55" }]);
});

test("where other users' processes are hidden, nothing is said to be missing", (t) => {
  const root = temporaryFolder(t);
  process(root, 900, [900, 7], 1000, 55);
  assert.equal(createNestedProcesses(root).find(7, 1000, 0), "hidden");
});
