/** Proves that a state folder which is missing, full, forbidden or not ours is never noticed at the prompt. */
import assert from "node:assert/strict";
import { chmodSync, chownSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { eventually } from "../support/eventually.ts";
import type { SessionRow } from "../support/rows.ts";
import type { Sandbox } from "../support/sandbox.ts";
import type { Terminal } from "../support/shells/pty.ts";
import {
  assertRecord,
  createUsedSandbox,
  driveBoth,
  type ShellPlan,
  shellKinds,
  told,
} from "../support/shells/shells.ts";
import { createSmallDisk, type SmallDisk } from "../support/store/disk.ts";

const nobody = 65534;
const leave = (terminal: Terminal) => terminal.type("exit 3\r");

/** What is wrong with a disk, and with how many sessions the record may come out of it. */
const disks: readonly [
  name: string,
  spoil: (disk: SmallDisk) => Promise<unknown>,
  mend: (disk: SmallDisk) => Promise<unknown>,
][] = [
  ["a read-only disk", (disk) => disk.setReadOnly(true), (disk) => disk.setReadOnly(false)],
  ["a full disk", (disk) => disk.fill(0), (disk) => disk.free()],
  [
    "a disk without inodes",
    (disk) => disk.shell(`mount -o remount,nr_inodes=$(df --output=iused "$DISK" | tail -1) "$DISK"`),
    (disk) => disk.shell(`mount -o remount,nr_inodes=10000 "$DISK"`),
  ],
];

const folders: readonly [name: string, spoil: (sandbox: Sandbox) => void][] = [
  ["a file in its place", (sandbox) => replaceByFile(join(sandbox.home, "shells"))],
  ["a file in place of the folder above it", (sandbox) => replaceByFile(sandbox.home)],
  ["another owner", (sandbox) => chownSync(join(sandbox.home, "shells"), nobody, nobody)],
  ["another owner of all", (sandbox) => chownAll(sandbox.home)],
];

function replaceByFile(path: string): void {
  rmSync(path, { recursive: true });
  writeFileSync(path, "");
}

function chownAll(home: string): void {
  chownSync(join(home, "shells"), nobody, nobody);
  chownSync(home, nobody, nobody);
}

describe("broken state folder", { concurrency: 4 }, () => {
  for (const kind of shellKinds) {
    test(`row 38: without a state folder the first shell has its session (${kind})`, async (t) => {
      const sandbox = createUsedSandbox(t);
      rmSync(sandbox.home, { recursive: true });
      const { ending } = await driveBoth(t, sandbox, kind, {}, async (terminal) => {
        if (!terminal.output().includes("never")) await eventually(() => statSync(join(sandbox.home, "shells")));
        leave(terminal);
      });
      assert.equal(ending.code, 3);
      await eventually(async () => {
        const rows: SessionRow[] = JSON.parse((await sandbox.run(["list", "--all", "--json"])).stdout);
        assert.deepEqual(
          rows.map((row) => [row.shell_type, row.state === "active", row.cwd]),
          [[kind, false, sandbox.folder]],
        );
      });
    });

    for (const [name, spoil, mend] of disks) {
      test(`row 38: ${name} is not noticed, and no session is invented (${kind})`, async (t) => {
        const sandbox = createUsedSandbox(t);
        const disk = await createSmallDisk(t, sandbox);
        assert.equal((await disk.run(["list"])).status, 0);
        const plan: ShellPlan = { under: disk.under, env: { SESSION_BUDDY_HOME: join(disk.folder, "sb") } };
        await spoil(disk);
        const { ending } = await driveBoth(t, sandbox, kind, plan, leave);
        assert.deepEqual(ending, { code: 3, signal: 0 });
        await mend(disk);
        const { status, stdout } = await disk.run(["list", "--all", "--json"]);
        assert.equal(status, 0);
        assert.ok((JSON.parse(stdout) as unknown[]).length <= 1, stdout);
      });
    }

    for (const [name, spoil] of folders) {
      test(`row 38: a state folder with ${name} is not noticed, and nothing of ours is left in it (${kind})`, async (t) => {
        const sandbox = createUsedSandbox(t);
        spoil(sandbox);
        const { ending } = await driveBoth(t, sandbox, kind, {}, leave);
        assert.deepEqual(ending, { code: 3, signal: 0 });
        assert.deepEqual(ownFiles(join(sandbox.home, "shells")), []);
      });
    }

    test(`row 41: a shell of another user does not touch the state folder that its environment names (${kind})`, async (t) => {
      const sandbox = createUsedSandbox(t);
      chmodSync(sandbox.folder, 0o755);
      chmodSync(sandbox.home, 0o777);
      chmodSync(join(sandbox.home, "shells"), 0o777);
      mkdirSync(join(sandbox.folder, "tmp"));
      const under = ["setpriv", `--reuid=${nobody}`, `--regid=${nobody}`, "--clear-groups"];
      const { ending } = await driveBoth(t, sandbox, kind, { under, openHome: true }, leave);
      assert.deepEqual(ending, { code: 3, signal: 0 });
      chmodSync(sandbox.home, 0o700);
      chmodSync(join(sandbox.home, "shells"), 0o700);
      await assertRecord(sandbox, []);
    });
  }

  for (const [name, spoil] of disks) {
    test(`rows 11, 38: on ${name} the user's EXIT trap stays (bash)`, async (t) => {
      const sandbox = createUsedSandbox(t);
      const disk = await createSmallDisk(t, sandbox);
      assert.equal((await disk.run(["list"])).status, 0);
      const env = { SESSION_BUDDY_HOME: join(disk.folder, "sb") };
      await spoil(disk);
      // What it prints is compared with a run without the hook.
      const before = `trap 'echo "theirs: $?"' EXIT`;
      const { ending } = await driveBoth(t, sandbox, "bash", { under: disk.under, env, before }, leave);
      assert.deepEqual(ending, { code: 3, signal: 0 });
    });
  }

  test("row 38: a folder that comes back is used by the next shell", async (t) => {
    const sandbox = createUsedSandbox(t);
    rmSync(join(sandbox.home, "shells"), { recursive: true });
    for (const round of [1, 2]) {
      await driveBoth(t, sandbox, "bash", {}, leave);
      mkdirSync(join(sandbox.home, "shells"), { recursive: true, mode: 0o700 });
      if (round === 2) await eventually(() => assert.ok(readdirSync(sandbox.home).includes("sessions.db")));
    }
    await eventually(async () => {
      const rows: SessionRow[] = JSON.parse((await sandbox.run(["list", "--all", "--json"])).stdout);
      assert.ok(rows.some((row) => row.state === told("bash", 3, "exit").state && row.exit_code === 3));
    });
  });
});

/** Files of this user in a folder that may be none. */
function ownFiles(folder: string): string[] {
  try {
    return readdirSync(folder).filter(
      (name) => !name.startsWith(".") && statSync(join(folder, name)).uid === process.getuid?.(),
    );
  } catch {
    return [];
  }
}
