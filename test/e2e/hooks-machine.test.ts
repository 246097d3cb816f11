/** Proves that the hooks write to the machine's record with builtins alone, trust nothing in it, and else take the personal way. */
import assert from "node:assert/strict";
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { eventually } from "../support/eventually.ts";
import { createAskedMachine, type Machine } from "../support/machine.ts";
import { setProtectedRegular } from "../support/protected-regular.ts";
import { copyHooks, markingProgram } from "../support/shells/hook-copy.ts";
import { hostileOptions } from "../support/shells/hostile-options.ts";
import type { Terminal } from "../support/shells/pty.ts";
import {
  createUsedSandbox,
  driveBoth,
  openShell,
  runLine,
  type ShellKind,
  type ShellPlan,
  shellKinds,
  sourceLine,
  stateFileNames,
} from "../support/shells/shells.ts";
import { createSmallDisk } from "../support/store/disk.ts";
import { createUser, type User } from "../support/users.ts";

const leave = (terminal: Terminal) => terminal.type("exit 7\r");
const left = { code: 7, signal: 0 };

interface Stage {
  readonly machine: Machine;
  readonly user: User;
  readonly plan: ShellPlan;
  /** The arguments of every call of the program. */
  calls(): readonly string[];
}

/** A shell of a real user, beside a program that notes its calls. */
function setStage(t: TestContext, kind: ShellKind, more: ShellPlan = {}): Stage {
  const machine = createAskedMachine(t);
  const user = createUser(t, machine.sandbox);
  const copy = copyHooks(t, markingProgram());
  const file = copy.hookFile(kind);
  chmodSync(join(file, "../.."), 0o777);
  return { machine, user, plan: planOf(machine, user, { hookFile: file, ...more }), calls: copy.calls };
}

function planOf(machine: Machine, user: User, more: ShellPlan = {}): ShellPlan {
  const env = { SESSION_BUDDY_HOME: undefined, XDG_STATE_HOME: user.home, SESSION_BUDDY_SPOOL: machine.spool };
  return { under: user.under, openHome: true, cwd: user.home, ...more, env: { ...env, ...more.env } };
}

/** What is in the spool, by name. */
function filesIn(folder: string): ReadonlyMap<string, string> {
  const names = readdirSync(folder).filter((name) => !name.startsWith("."));
  return new Map(names.map((name) => [name, readFileSync(join(folder, name), "latin1")]));
}

/** The records of a state file, each by its name. */
function recordsOf(text: string): Readonly<Record<string, Readonly<Record<string, string>>>> {
  const records = text.matchAll(/\0(\w+\/1)\0([\s\S]*?)\0\.(?=\0|$)/g);
  return Object.fromEntries(
    [...records].map(([, name, entries = ""]) => [
      name,
      Object.fromEntries(entries.split("\0").map((entry) => entry.split(/=(.*)/s))),
    ]),
  );
}

function onlyRecord(machine: Machine) {
  const texts = [...filesIn(machine.spool).values()];
  assert.equal(texts.length, 1);
  return recordsOf(texts[0] ?? "");
}

/** A personal record was made: its file is there, and the courier of the end was sent; that of the start may be lost. */
async function assertPersonal({ user, calls }: Stage): Promise<void> {
  const verbs = () => calls().map((call) => call.split(" ")[0]);
  await eventually(() =>
    assert.deepEqual(
      verbs().filter((verb) => verb !== "start"),
      ["end"],
    ),
  );
  const [text = ""] = filesIn(join(user.home, "session-buddy/shells")).values();
  assert.equal(recordsOf(text)["end/1"]?.code, "7");
}

describe("machine record", { concurrency: 1 }, () => {
  for (const kind of shellKinds) {
    const expectedReason = kind === "fish" ? "" : "exit";

    test(`a shell writes its start and its end to the spool, as its user's and the service's alone (${kind})`, async (t) => {
      const stage = setStage(t, kind, { before: "umask 022" });
      const { machine, user } = stage;
      const { ending } = await driveBoth(t, machine.sandbox, kind, stage.plan, async (terminal) => {
        await runLine(terminal, "umask");
        leave(terminal);
      });
      assert.deepEqual(ending, left);
      const [name = ""] = filesIn(machine.spool).keys();
      const { uid, gid, mode } = lstatSync(join(machine.spool, name));
      assert.deepEqual([uid, gid, mode & 0o7777], [user.uid, machine.service.gid, 0o660]);
      assert.match(name, /^[0-9a-f-]{36}\.\d+\.\d+$/);
      const { "start/1": start, "end/1": end } = onlyRecord(machine);
      assert.equal(name.split(".")[1], start?.pid);
      assert.deepEqual([start?.shell, start?.cwd, end?.code, end?.reason], [kind, user.home, "7", expectedReason]);
      assert.match(start?.id ?? "", /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
      assert.match(start?.tty ?? "", /^[1-9]\d*$/);
      assert.match(start?.login_uid ?? "", /^\d+$/);
      assert.match(start?.audit_session ?? "", /^\d+$/);
      assert.deepEqual(stage.calls(), []);
      assert.ok(!readdirSync(user.home).includes("session-buddy"));
    });

    test(`neither start nor end makes a process (${kind})`, async (t) => {
      const { machine, user, plan } = setStage(t, kind);
      const trace = join(user.home, "trace");
      const under = ["strace", "-f", "-qq", "-e", "trace=clone,clone3,fork,vfork,execve", "-o"];
      const made = async (hook: boolean) => {
        const terminal = await openShell(t, machine.sandbox, kind, {
          ...plan,
          hook,
          under: [...under, `${trace}-${hook}`],
        });
        leave(terminal);
        await terminal.ended();
        // Threads are none.
        const calls = readFileSync(`${trace}-${hook}`, "utf8").split("\n");
        return calls.filter((call) => call !== "" && !call.includes("CLONE_THREAD") && !call.includes("resumed"))
          .length;
      };
      const without = await made(false);
      assert.equal(await made(true), without);
      assert.equal(onlyRecord(machine)["end/1"]?.code, "7");
    });

    test(`a shell that has the hook's line in the machine's file and its own is on record once (${kind})`, async (t) => {
      const { machine, plan } = setStage(t, kind, { hookLines: 2 });
      const after = sourceLine(kind, plan.hookFile ?? "");
      const terminal = await openShell(t, machine.sandbox, kind, { ...plan, after });
      leave(terminal);
      await terminal.ended();
      assert.equal(filesIn(machine.spool).size, 1);
    });

    test(`exec makes a second file, and the first gets no end (${kind})`, async (t) => {
      const { machine, plan } = setStage(t, kind);
      const terminal = await openShell(t, machine.sandbox, kind, plan);
      terminal.type(`exec ${kind}\r`);
      await terminal.find(`exec ${kind}`);
      await terminal.find("sb> ");
      leave(terminal);
      await terminal.ended();
      const files = [...filesIn(machine.spool)].sort(([a], [b]) => a.length - b.length);
      assert.deepEqual(
        files.map(([name, text]) => [name.split(".").length, "end/1" in recordsOf(text)]),
        [
          [3, false],
          [4, true],
        ],
      );
    });

    for (const value of ["0", "2"]) {
      test(`what waits under the shell's name gets none of its record, with fs.protected_regular=${value} (${kind})`, async (t) => {
        await setProtectedRegular(t, value);
        const { machine, user, plan } = setStage(t, kind);
        const target = join(machine.sandbox.folder, "target");
        writeFileSync(target, "", { mode: 0o666 });
        chmodSync(target, 0o666);
        // As another user of the machine would, who has seen the process.
        const lay = `s=$(cat /proc/$$/stat); s=\${s##*) }; set -- $s; b=$(cat /proc/sys/kernel/random/boot_id)
          f=$SESSION_BUDDY_SPOOL/$b.$$.\${20}; : >"$f"; chmod 666 "$f"; ln -s "$0" "$f.1"; shift $#; exec ${user.under.join(" ")} ${kind}`;
        const terminal = await openShell(t, machine.sandbox, kind, { ...plan, under: ["sh", "-c", lay, target] });
        leave(terminal);
        assert.deepEqual(await terminal.ended(), left);
        assert.equal(readFileSync(target, "utf8"), "");
        const files = [...filesIn(machine.spool)].sort(([a], [b]) => a.length - b.length || (a < b ? -1 : 1));
        assert.deepEqual(
          files.map(([name, text]) => [name.split(".")[3], "end/1" in recordsOf(text)]),
          [
            [undefined, false],
            ["1", false],
            ["2", true],
          ],
        );
      });
    }

    test(`the end goes to no file but the shell's own (${kind})`, async (t) => {
      // So that it is the hook alone that keeps from it.
      await setProtectedRegular(t, "0");
      const { machine, plan } = setStage(t, kind);
      const terminal = await openShell(t, machine.sandbox, kind, plan);
      const [name = ""] = await eventually(() => {
        const names = [...filesIn(machine.spool).keys()];
        assert.equal(names.length, 1);
        return names;
      });
      const path = join(machine.spool, name);
      rmSync(path);
      writeFileSync(path, "");
      chmodSync(path, 0o666);
      leave(terminal);
      assert.deepEqual(await terminal.ended(), left);
      assert.equal(readFileSync(path, "utf8"), "");
    });

    const spoilt: readonly (readonly [string, (spool: string) => void])[] = [
      ["is missing", (spool) => rmSync(spool, { recursive: true })],
      ["is a file", (spool) => replace(spool, (path) => writeFileSync(path, "", { mode: 0o666 }))],
      ["is a link", (spool) => replace(spool, (path) => symlinkSync("/tmp", path))],
      ["may not be written to", (spool) => chmodSync(spool, 0o1755)],
      ["is not sticky", (spool) => chmodSync(spool, 0o733)],
    ];
    for (const [name, spoil] of spoilt) {
      test(`where the spool ${name} the personal way is taken without a word (${kind})`, async (t) => {
        const stage = setStage(t, kind);
        spoil(stage.machine.spool);
        const { ending } = await driveBoth(t, stage.machine.sandbox, kind, stage.plan, leave);
        assert.deepEqual(ending, left);
        await assertPersonal(stage);
      });
    }

    test(`an empty SESSION_BUDDY_SPOOL is the personal way (${kind})`, async (t) => {
      const stage = setStage(t, kind, { env: { SESSION_BUDDY_SPOOL: "" } });
      await driveBoth(t, stage.machine.sandbox, kind, stage.plan, leave);
      await assertPersonal(stage);
      assert.equal(filesIn(stage.machine.spool).size, 0);
    });

    test(`a spool that vanishes under an open shell is not noticed (${kind})`, async (t) => {
      const { machine, plan, calls } = setStage(t, kind);
      // The shell without the hook may be faster than the one that leaves its file there first.
      const vanish = async () => {
        await eventually(() => assert.equal(filesIn(machine.spool).size, 1));
        rmSync(machine.spool, { recursive: true, force: true });
      };
      let vanished: Promise<void> | undefined;
      const { ending } = await driveBoth(t, machine.sandbox, kind, plan, async (terminal) => {
        await runLine(terminal, "true");
        vanished ??= vanish();
        await vanished;
        leave(terminal);
      });
      assert.deepEqual(ending, left);
      assert.deepEqual(calls(), []);
    });

    for (const how of ["full", "read-only"] as const) {
      test(`where the spool's disk is ${how} the personal way is taken without a word (${kind})`, async (t) => {
        const { machine, calls } = setStage(t, kind);
        const copy = copyHooks(t, markingProgram());
        const disk = await createSmallDisk(t, machine.sandbox);
        const spool = join(disk.folder, "shells");
        assert.equal((await disk.shell(`mkdir "${spool}" && chmod 3733 "${spool}"`)).status, 0);
        if (how === "read-only") await disk.setReadOnly(true);
        else {
          await disk.fill(0);
          // The service says so; fish alone cannot find out without a word.
          assert.equal((await disk.shell(`touch "${spool}/.full"`)).status, 0);
        }
        const home = join(machine.sandbox.folder, "own");
        mkdirSync(join(home, "session-buddy"), { recursive: true, mode: 0o1700 });
        const env = { SESSION_BUDDY_SPOOL: spool, SESSION_BUDDY_HOME: undefined, XDG_STATE_HOME: home };
        const plan = { under: disk.under, env, hookFile: copy.hookFile(kind) };
        assert.deepEqual((await driveBoth(t, machine.sandbox, kind, plan, leave)).ending, left);
        await eventually(() => assert.ok(copy.calls().some((call) => call.startsWith("end "))));
        assert.deepEqual(calls(), []);
        const [text = ""] = filesIn(join(home, "session-buddy/shells")).values();
        assert.equal(recordsOf(text)["end/1"]?.code, "7");
      });
    }

    test(`what the environment says of who is behind the shell is in the record (${kind})`, async (t) => {
      const said = async (env: Readonly<Record<string, string>>) => {
        const { machine, plan } = setStage(t, kind, { env });
        const terminal = await openShell(t, machine.sandbox, kind, plan);
        leave(terminal);
        await terminal.ended();
        const { "start/1": start = {} } = onlyRecord(machine);
        return [start.via, start.multiplexer, start.terminal_program, start.remote];
      };
      const SSH_CONNECTION = "192.0.2.7 51812 192.0.2.1 22";
      assert.deepEqual(await said({}), ["", "", "", ""]);
      assert.deepEqual(await said({ SUDO_USER: "ann", TERM_PROGRAM: "vscode", SSH_CONNECTION }), [
        "sudo:ann",
        "",
        "vscode",
        "",
      ]);
      const remote = { SSH_CONNECTION, SESSION_BUDDY_REMOTE: "1" };
      assert.deepEqual(await said({ DOAS_USER: "ben", ...remote }), ["doas:ben", "", "", "192.0.2.7 51812"]);
      assert.deepEqual(await said({ ...remote, TMUX: "/tmp/t,12,0", TMUX_PANE: "%3" }), ["", "tmux:/tmp/t:%3", "", ""]);
      assert.deepEqual(await said({ ...remote, STY: "9.pts-1" }), ["", "screen:9.pts-1", "", ""]);
    });

    test(`the remote address is in the record where the service asks for it (${kind})`, async (t) => {
      const { machine, plan } = setStage(t, kind, { env: { SSH_CONNECTION: "::1 51812 ::1 22" } });
      writeFileSync(join(machine.spool, ".remote"), "");
      const terminal = await openShell(t, machine.sandbox, kind, plan);
      leave(terminal);
      await terminal.ended();
      assert.equal(onlyRecord(machine)["start/1"]?.remote, "::1 51812");
    });
  }

  for (const { kind, lines, env = {} } of hostileOptions) {
    test(`under \`${lines || Object.keys(env).join()}\` the machine's record is whole, and nothing is said (${kind})`, async (t) => {
      const sandbox = createUsedSandbox(t);
      const spool = join(sandbox.folder, "spool");
      mkdirSync(spool);
      chmodSync(spool, 0o3733);
      const plan = { before: lines, env: { ...env, SESSION_BUDDY_SPOOL: spool } };
      assert.deepEqual((await driveBoth(t, sandbox, kind, plan, leave)).ending, left);
      const texts = [...filesIn(spool).values()];
      const { "start/1": start, "end/1": end } = recordsOf(texts.join(""));
      assert.deepEqual([texts.length, start?.shell, end?.code, stateFileNames(sandbox)], [1, kind, "7", []]);
    });
  }
});

function replace(path: string, make: (path: string) => void): void {
  rmSync(path, { recursive: true });
  make(path);
}
