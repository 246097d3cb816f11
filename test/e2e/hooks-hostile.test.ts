/** Proves that the first shell's record is true, that it is private, and that no limit or function of a person's is in its way. */
import assert from "node:assert/strict";
import { chmodSync, chownSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { eventually } from "../support/eventually.ts";
import { createSandbox, type Sandbox } from "../support/sandbox.ts";
import { copyHooks } from "../support/shells/hook-copy.ts";
import type { Terminal } from "../support/shells/pty.ts";
import {
  assertRecord,
  couriersDone,
  createUsedSandbox,
  driveBoth,
  inferred,
  openShell,
  runLine,
  type ShellKind,
  shellKinds,
  startShell,
  stateFileNames,
  told,
} from "../support/shells/shells.ts";

const nobody = 65534;
const reason = (kind: ShellKind) => (kind === "fish" ? null : "exit");
const leave = (terminal: Terminal) => terminal.type("exit 7\r");
const umasks = ["000", "022", "027", "077"];

/** Limits under which nothing can be recorded, and a shell is what it is without the hook. */
const limits = ["ulimit -f 0", "ulimit -n 16"];

/** What makes recording impossible, and may not be noticed. */
const silencers: readonly (readonly [ShellKind, string])[] = [
  ["bash", "builtin() { echo shadowed; }"],
  ["bash", "enable -n printf"],
  ["bash", "enable -n read mapfile"],
  ["bash", "enable -n trap"],
  ["bash", "enable -n umask set unset"],
  ["zsh", "function builtin() { echo shadowed }"],
  ["zsh", "disable printf"],
  ["zsh", "disable umask unset unfunction"],
];

/** A program that notes what it has open. */
const openFilesProgram = `#!/bin/sh\nfor fd in /proc/$$/fd/*; do readlink "$fd"; done >>"\${0%/*}/../calls"\n`;

describe("first shells, private files, hostile limits", { concurrency: 4 }, () => {
  for (const kind of shellKinds) {
    test(`rows 27, 38: the very first shell, left by \`exit\` typed ahead, is on record with its end (${kind})`, async (t) => {
      const sandbox = createSandbox(t);
      const terminal = startShell(t, sandbox, kind);
      terminal.type("exit 3\r");
      assert.deepEqual(await terminal.ended(), { code: 3, signal: 0 });
      await eventually(() => assert.ok(readdirSync(sandbox.home).includes("sessions.db")));
      await assertRecord(sandbox, [told(kind, 3, reason(kind))]);
      for (const folder of [sandbox.home, join(sandbox.home, "shells")]) assert.equal(modeOf(folder), 0o700);
    });

    test(`rows 18, 38: the very first shell, replaced by a program, is not open for ever (${kind})`, async (t) => {
      const sandbox = createSandbox(t);
      const terminal = startShell(t, sandbox, kind);
      terminal.type("exec sleep 40\r");
      await terminal.find("exec sleep 40");
      await assertRecord(sandbox, [inferred(kind, "executable_replaced")]);
    });

    test(`row 38: in a home of another user no folder is made (${kind})`, async (t) => {
      const sandbox = createSandbox(t);
      const env = { SESSION_BUDDY_HOME: undefined, XDG_STATE_HOME: undefined };
      const own = `"$HOME" && mkdir "$HOME/.local/state" && chmod 777 "$HOME/.local/state"`;
      const under = ["sh", "-c", `chown ${nobody} ${own} && chown 0 "$HOME/.local/state" && exec "$0"`];
      const terminal = await openShell(t, sandbox, kind, { env, under, after: "" });
      await runLine(terminal, `ls -A "$HOME/.local/state"; echo that is all`);
      assert.match(terminal.output(), /(?<!session-buddy\r\n)that is all\r\n/);
      terminal.type("exit\r");
      await terminal.ended();
    });

    for (const umask of umasks) {
      test(`row 38: under umask ${umask} the file is the user's alone, and the shell keeps its umask (${kind})`, async (t) => {
        const sandbox = createSandbox(t);
        const terminal = await openShell(t, sandbox, kind, { before: `umask ${umask}` });
        await runLine(terminal, "umask");
        assert.match(terminal.output(), new RegExp(`0?${umask}\r\n`));
        await eventually(() => {
          const [name = "none yet"] = stateFileNames(sandbox);
          assert.equal(modeOf(join(sandbox.home, "shells", name)), 0o600);
        });
        leave(terminal);
        await terminal.ended();
        await assertRecord(sandbox, [told(kind, 7, reason(kind))]);
      });
    }

    test(`row 38: a folder that others may write to gets no file (${kind})`, async (t) => {
      const sandbox = createUsedSandbox(t);
      const folder = join(sandbox.home, "shells");
      chmodSync(folder, 0o777);
      assert.deepEqual((await driveBoth(t, sandbox, kind, {}, leave)).ending, { code: 7, signal: 0 });
      assert.deepEqual(readdirSync(folder), []);
      assert.equal(modeOf(folder), 0o777);
    });

    // fish is killed by its own history where it may write no file.
    for (const limit of limits.filter((each) => kind !== "fish" || each !== "ulimit -f 0")) {
      test(`row 33: under \`${limit}\` the shell is as without the hook (${kind})`, async (t) => {
        const sandbox = createUsedSandbox(t);
        const { ending } = await driveBoth(t, sandbox, kind, {}, async (terminal) => {
          await runLine(terminal, "true");
          leave(terminal);
        });
        assert.equal(ending.code, 7);
        await couriersDone(sandbox);
        assert.deepEqual((await driveBoth(t, sandbox, kind, { before: limit }, leave)).ending, { code: 7, signal: 0 });
        assert.deepEqual(stateFileNames(sandbox), []);
      });

      test(`row 33: \`${limit}\` at the prompt leaves the shell to end as without the hook (${kind})`, async (t) => {
        const sandbox = createUsedSandbox(t);
        const { ending } = await driveBoth(t, sandbox, kind, {}, async (terminal) => {
          await runLine(terminal, limit);
          leave(terminal);
        });
        assert.deepEqual(ending, { code: 7, signal: 0 });
        await assertRecord(sandbox, [inferred(kind, "pid_gone")]);
      });
    }

    test(`row 36: what the hook starts has nothing of the shell's open (${kind})`, async (t) => {
      const sandbox = createUsedSandbox(t);
      const copy = copyHooks(t, openFilesProgram);
      const high = { bash: " 77>lock", zsh: "; exec {fd}>lock", fish: "" }[kind];
      const under = ["sh", "-c", 'exec 9>lock; exec "$0"'];
      const before = kind === "fish" ? "" : `exec 8>lock${high}`;
      const terminal = await openShell(t, sandbox, kind, { hookFile: copy.hookFile(kind), under, before });
      leave(terminal);
      await terminal.ended();
      await eventually(() => assert.ok(copy.calls().filter((path) => path === "/dev/null").length >= 6));
      assert.deepEqual(
        copy.calls().filter((path) => !/^(\/dev\/null|.*\/calls|.*\/bin\/session-buddy|\/proc\/.*)$/.test(path)),
        [],
      );
    });
  }

  for (const [kind, lines] of silencers) {
    test(`row 33: under \`${lines}\` the shell is as without the hook (${kind})`, async (t) => {
      const sandbox = createUsedSandbox(t);
      assert.deepEqual((await driveBoth(t, sandbox, kind, { before: lines }, leave)).ending, { code: 7, signal: 0 });
    });

    test(`row 33: \`${lines}\` at the prompt leaves the shell to end as without the hook (${kind})`, async (t) => {
      const sandbox = createUsedSandbox(t);
      const { ending } = await driveBoth(t, sandbox, kind, {}, async (terminal) => {
        terminal.type(`${lines}\r`);
        await terminal.find("sb> ");
        leave(terminal);
      });
      assert.deepEqual(ending, { code: 7, signal: 0 });
    });
  }

  for (const kind of ["bash", "zsh"] as const) {
    test(`row 36: where no process can be started the file has both records, and nobody waits (${kind})`, async (t) => {
      const sandbox = createUsedSandbox(t);
      chmodSync(sandbox.folder, 0o777);
      giveAway(sandbox);
      const under = ["setpriv", `--reuid=${nobody}`, `--regid=${nobody}`, "--clear-groups"];
      const plan = { under, openHome: true, before: "ulimit -u 1" };
      const { ending, output } = await driveBoth(t, sandbox, kind, plan, leave);
      assert.deepEqual(ending, { code: 7, signal: 0 });
      assert.doesNotMatch(output, /fork/);
      const [name = ""] = stateFileNames(sandbox);
      const text = readFileSync(join(sandbox.home, "shells", name), "latin1");
      assert.match(text, /start\/1\0.*\0\.\0\0end\/1\0.*code=7\0reason=exit\0signal=\0\.\0$/);
    });
  }

  test("row 11: an EXIT trap with quotes of every kind is kept as it is (bash)", async (t) => {
    const sandbox = createUsedSandbox(t);
    const text = `printf "%s\\n" "it'"'s "&" $? \\ * ~ '\\''quoted'\\'`;
    writeFileSync(join(sandbox.folder, "trap"), text);
    const before = `trap -- "$(cat ${join(sandbox.folder, "trap")})" EXIT`;
    const { ending } = await driveBoth(t, sandbox, "bash", { before }, leave);
    assert.equal(ending.code, 7);
    await assertRecord(sandbox, [told("bash", 7, "exit")]);
  });
});

function modeOf(path: string): number {
  return statSync(path).mode & 0o777;
}

function giveAway({ home }: Sandbox): void {
  for (const folder of [home, join(home, "shells")]) {
    chownSync(folder, nobody, nobody);
    chmodSync(folder, 0o1700);
  }
}
