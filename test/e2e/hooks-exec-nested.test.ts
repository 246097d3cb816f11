/** Proves that `exec`, nested shells, subshells and jobs neither lose nor invent a session. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Terminal } from "../support/shells/pty.ts";
import { each, testShells } from "../support/shells/shell-cases.ts";
import {
  assertRecord,
  createUsedSandbox,
  hookFile,
  inferred,
  open,
  openShell,
  runLine,
  runUntil,
  type ShellKind,
  shellKinds,
  sourceLine,
  told,
} from "../support/shells/shells.ts";

const exitReason = (kind: ShellKind) => (kind === "fish" ? null : "exit");

/** Lines that start another shell with an rc file of its own, since each home has the rc file of one kind. */
function start(kind: ShellKind): string {
  const source = sourceLine(kind, hookFile(kind)).replaceAll("'", "");
  if (kind === "bash") return `bash --rcfile "$HOME/other" -i`;
  if (kind === "fish") return `fish --no-config -C "function fish_prompt; echo -n inner; end; ${source}"`;
  return `env ZDOTDIR="$HOME/other-zsh" zsh -i`;
}

/** Makes the rc files that {@link start} uses, by the shell itself. */
async function writeOtherRcs(terminal: Terminal): Promise<void> {
  const lines = (kind: ShellKind) => `PS1=inner; . ${hookFile(kind)}`;
  await runLine(terminal, `mkdir "$HOME/other-zsh"; echo '${lines("zsh")}' > "$HOME/other-zsh/.zshrc"`);
  await runLine(terminal, `echo '${lines("bash")}' > "$HOME/other"`);
}

const exitedSubshells = ["(exit 3)", "echo $(exit 4)", "true | (exit 5)", "cat <(exit 6)"];
const jobLines: Readonly<Record<ShellKind, readonly string[]>> = {
  bash: ["jobs", "wait", "echo $! $? $-", "echo word; echo $_", "sh -c 'exit 3'; echo $?", "set -o | grep -v history"],
  zsh: ["jobs", "wait", "echo $! $? $-", "echo word; echo $_", "sh -c 'exit 3'; echo $?", "setopt"],
  fish: ["jobs", "wait", "echo $last_pid $status $pipestatus", "sh -c 'exit 3'; echo $status"],
};

/**
 * Kills the job and waits for it. Whether bash tells of a job that died just before `wait` or during it depends on its
 * speed, with the hook as without it: what it says of it is not kept.
 */
function endJob(kind: ShellKind): string {
  const line = "kill %1; wait";
  return `jobs %1 >/dev/null; ${kind === "bash" ? `{ ${line}; } 2>/dev/null` : line}`;
}

describe("exec, nested shells, subshells, jobs", { concurrency: 4 }, () => {
  testShells([
    {
      title: "row 16: subshells that exit are no ends",
      async drive(terminal) {
        for (const line of exitedSubshells) await runLine(terminal, line);
        terminal.type("exit 2\r");
      },
      plan: { after: "set +m" },
      ending: { code: 2, signal: 0 },
      record: each(["bash", "zsh"], (kind) => [told(kind, 2, "exit")]),
    },
    {
      title: "row 18: a shell that is replaced by a program is proven to be",
      async drive(terminal) {
        await runLine(terminal, "true");
        terminal.type("exec sh -c 'exit 5'\r");
      },
      ending: { code: 5, signal: 0 },
      record: each(shellKinds, (kind) => [inferred(kind, "pid_gone")]),
    },
    {
      title: "row 18: `exec` of a program that is not there leaves bash and fish open",
      async drive(terminal, kind) {
        await runUntil(terminal, "exec /nonexistent/program", kind === "fish" ? "^\r\n" : /program: .*\r\n/);
        await runLine(terminal, "true");
        terminal.type("exit 2\r");
      },
      ending: { code: 2, signal: 0 },
      record: { bash: [told("bash", 2, "exit")], fish: [told("fish", 2, null)] },
    },
    {
      title: "row 18: `exec` of a program that is not there kills zsh without a word",
      drive: (terminal) => terminal.type("exec /nonexistent/program\r"),
      record: { zsh: [inferred("zsh", "pid_gone")] },
    },
    {
      title: "row 30: jobs, wait, $!, $?, $_ and the options are as without the hook",
      async drive(terminal, kind) {
        for (const line of jobLines[kind]) await runLine(terminal, line);
        await runLine(terminal, "sleep 60 & echo started");
        await runLine(terminal, endJob(kind));
        terminal.type("exit\r");
      },
      plan: (kind) => (kind === "fish" ? {} : { after: "set +m" }),
      record: each(shellKinds, (kind) => [told(kind, 0, exitReason(kind))]),
    },
  ]);

  for (const kind of shellKinds) {
    test(`row 18: a program in the place of a shell is told from it while it runs (${kind})`, async (t) => {
      const sandbox = createUsedSandbox(t);
      const terminal = await openShell(t, sandbox, kind);
      terminal.type("exec sh -c 'echo re''placed; exec sleep 60'\r");
      await terminal.find("replaced\r\n");
      await assertRecord(sandbox, [inferred(kind, "executable_replaced")]);
    });

    for (const next of shellKinds) {
      test(`row 17: ${kind} replaced by ${next} is closed, and ${next} has a session of its own`, async (t) => {
        const sandbox = createUsedSandbox(t);
        const terminal = await openShell(t, sandbox, kind);
        await writeOtherRcs(terminal);
        terminal.type(`exec ${start(next)}\r`);
        await terminal.find("inner");
        const [one, other] = await assertRecord(sandbox, [inferred(kind, "executable_replaced"), open(next)]);
        assert.equal(one?.pid, other?.pid);
        terminal.type("exit 3\r");
        assert.deepEqual(await terminal.ended(), { code: 3, signal: 0 });
        await assertRecord(sandbox, [inferred(kind, "executable_replaced"), told(next, 3, exitReason(next))]);
      });

      test(`row 19: ${next} inside ${kind} has a session of its own, and each its end`, async (t) => {
        const sandbox = createUsedSandbox(t);
        const terminal = await openShell(t, sandbox, kind);
        await writeOtherRcs(terminal);
        terminal.type(`${start(next)}\r`);
        await terminal.find("inner");
        terminal.type("exit 3\r");
        await terminal.find("sb> ");
        terminal.type("exit 4\r");
        assert.deepEqual(await terminal.ended(), { code: 4, signal: 0 });
        const rows = await assertRecord(sandbox, [told(next, 3, exitReason(next)), told(kind, 4, exitReason(kind))]);
        assert.equal(new Set(rows.map((row) => row.session_id)).size, 2);
        assert.equal(new Set(rows.map((row) => row.pid)).size, 2);
      });
    }
  }
});
