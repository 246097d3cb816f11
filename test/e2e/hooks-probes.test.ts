/** Proves that shells which no person sits at cost nothing: no process, no file, no byte; and that the hook runs once a shell. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { runToEnd } from "../support/sandbox.ts";
import { copyHooks, markingProgram } from "../support/shells/hook-copy.ts";
import { each, testShells } from "../support/shells/shell-cases.ts";
import {
  createHome,
  createUsedSandbox,
  type ShellKind,
  shellKinds,
  sourceLine,
  startShell,
  stateFileNames,
  told,
} from "../support/shells/shells.ts";

interface Probe {
  readonly row: number;
  readonly name: string;
  readonly kinds?: readonly ShellKind[];
  readonly args: readonly string[];
  readonly env?: (home: string, kind: ShellKind) => Record<string, string>;
  readonly input?: string;
}

/** A pipe of the kind that shells make; Node makes sockets, which fish does not read. */
const feed = 'printf %s "$0" | "$@"';
const script = "echo said";
const rcs = { bash: ".bashrc", zsh: ".zshrc", fish: ".config/fish/config.fish" };

const probes: readonly Probe[] = [
  { row: 6, name: "with -c", args: ["-c", script] },
  { row: 6, name: "with -c as a login shell", args: ["-l", "-c", script] },
  { row: 6, name: "with a script file", args: ["script"] },
  { row: 6, name: "with its script on a pipe", args: [], input: `${script}\n` },
  { row: 6, name: "with -s on a pipe", kinds: ["bash", "zsh"], args: ["-s"], input: `${script}\n` },
  {
    row: 6,
    name: "with BASH_ENV",
    kinds: ["bash"],
    args: ["-c", script],
    env: (home) => ({ BASH_ENV: join(home, rcs.bash) }),
  },
  { row: 6, name: "with the hook in .zshenv", kinds: ["zsh"], args: ["-c", script] },
  { row: 7, name: "with -i -c", args: ["-i", "-c", script] },
  { row: 7, name: "with -i -l -c", args: ["-i", "-l", "-c", script] },
  // This is how bash knows that sshd runs it, upon which it reads its rc file.
  {
    row: 8,
    name: "that sshd runs for one command",
    kinds: ["bash"],
    args: ["-c", script],
    env: () => ({ SSH_CLIENT: "::1 1 22", SHLVL: "0" }),
  },
];

describe("probes and scripts", { concurrency: 4 }, () => {
  for (const { row, name, kinds = shellKinds, args, env = () => ({}), input = "" } of probes) {
    for (const kind of kinds) {
      test(`row ${row}: ${kind} ${name} starts no program, writes no file, says no word`, async (t) => {
        const sandbox = createUsedSandbox(t);
        const copy = copyHooks(t, markingProgram());
        const home = createHome(sandbox, kind, { hookFile: copy.hookFile(kind) });
        writeFileSync(join(sandbox.folder, "script"), `${script}\n`);
        writeFileSync(join(home.HOME ?? "", ".zshenv"), `${sourceLine("zsh", copy.hookFile("zsh"))}\n`);
        const outcome = await runToEnd("sh", ["-c", feed, input, kind, ...args], {
          env: { ...home, ...env(home.HOME ?? "", kind) },
          cwd: sandbox.folder,
        });
        assert.equal(outcome.stdout, "said\n");
        assert.equal(
          outcome.stderr.replaceAll(/bash: (cannot set terminal process group|no job control).*\n/g, ""),
          "",
        );
        assert.deepEqual([copy.calls(), stateFileNames(sandbox)], [[], []]);
      });
    }
  }

  for (const [name, env] of [
    ["SESSION_BUDDY_DISABLE", { SESSION_BUDDY_DISABLE: "1" }],
    ["VSCODE_RESOLVING_ENVIRONMENT", { VSCODE_RESOLVING_ENVIRONMENT: "1" }],
  ] as const) {
    for (const kind of shellKinds) {
      test(`row 7: ${name} keeps the hook out of an interactive ${kind}`, async (t) => {
        const sandbox = createUsedSandbox(t);
        const copy = copyHooks(t, markingProgram());
        const terminal = startShell(t, sandbox, kind, { hookFile: copy.hookFile(kind), env });
        terminal.type("exit 3\r");
        assert.deepEqual(await terminal.ended(), { code: 3, signal: 0 });
        assert.deepEqual([copy.calls(), stateFileNames(sandbox)], [[], []]);
      });
    }
  }

  testShells([
    {
      title: "row 10: an rc file with the line a hundred times makes one session",
      plan: { hookLines: 100 },
      drive: (terminal) => terminal.type("exit 3\r"),
      record: each(shellKinds, (kind) => [told(kind, 3, kind === "fish" ? null : "exit")]),
    },
    {
      title: "row 10: an rc file that is read again by hand makes no second session",
      drive: async (terminal, kind) => {
        terminal.type(`source ~/${rcs[kind]}; exit 3\r`);
      },
      record: each(shellKinds, (kind) => [told(kind, 3, kind === "fish" ? null : "exit")]),
    },
  ]);
});
