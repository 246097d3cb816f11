/** Counts the files and rooms that the two commonest runs pass, and holds that they do not become more. */
import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { compileCache } from "../support/packages.ts";
import { createSandbox, root, runToEnd, type Sandbox } from "../support/sandbox.ts";
import { killed, sleeper } from "../support/shells/processes.ts";
import { leftBehind, recordBytes } from "../support/shells/state-files.ts";
import { type Passed, passedBy, type TracedRun, traceCalls } from "./trace.ts";

const main = join(root, "src/cli/main.ts");
const source = join(root, "src");

interface Shell {
  readonly sandbox: Sandbox;
  readonly child: ChildProcess;
  /** The state file that its hook has written. */
  readonly file: string;
  run(args: readonly string[]): Promise<void>;
  traced(args: readonly string[]): TracedRun;
}

function openShell(t: TestContext): Shell {
  const sandbox = createSandbox(t);
  const child = sleeper(t);
  // One moment for all that is run here: however slow the machine is, the same things are due.
  const clock = `Date.now=()=>${Date.now()}`;
  const env = {
    ...sandbox.env,
    NODE_OPTIONS: `--import=data:text/javascript,${clock}`,
    // Each run loads a hundred files of the source, which need not be stripped of their types each time.
    NODE_COMPILE_CACHE: compileCache,
  };
  const fields = { time: `${Date.now() / 1000}`, pid: String(child.pid), shell: "bash", cwd: "/" };
  const file = leftBehind(sandbox).file(child, [recordBytes("start/1", fields)]);
  return {
    sandbox,
    child,
    file,
    async run(args) {
      const { status, stderr } = await runToEnd(process.execPath, [main, ...args], { env });
      assert.equal(status, 0, stderr);
    },
    traced: (args) => ({ main, source, args, env }),
  };
}

function assertWithin(t: TestContext, passed: Passed, most: Passed): void {
  t.diagnostic(`${passed.files} files, ${passed.rooms} rooms, ${passed.changesOfRoom} changes of room`);
  for (const key of ["files", "rooms", "changesOfRoom"] as const) {
    assert.ok(passed[key] > 1 && passed[key] <= most[key], `${passed[key]} ${key}; there were ${most[key]} at most`);
  }
}

test("the start of a shell, when nothing was left behind, passes no more rooms than it did", async (t) => {
  const files = await traceCalls(async () => {
    const shell = openShell(t);
    // Reconciling in passing is not due again so soon.
    await shell.run(["reconcile"]);
    return shell.traced(["start", "--state-file", shell.file]);
  });
  assertWithin(t, passedBy(files), { files: 47, rooms: 9, changesOfRoom: 49 });
});

test("reconciling a dead shell passes no more rooms than it did", async (t) => {
  const files = await traceCalls(async () => {
    const shell = openShell(t);
    await shell.run(["start", "--state-file", shell.file]);
    await killed(shell.child);
    return shell.traced(["reconcile"]);
  });
  assertWithin(t, passedBy(files), { files: 45, rooms: 9, changesOfRoom: 62 });
});

test("a change of room is a call that is in another one than the call before it", () => {
  const files = [
    "cli/main.ts",
    "cli/commands/start.ts",
    "app/app.ts",
    "store/a.ts",
    "store/b/c.ts",
    "app/app.ts",
    "log.ts",
  ];
  assert.deepEqual(passedBy(files), { files: 6, rooms: 4, changesOfRoom: 4 });
});
