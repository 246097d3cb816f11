/** Proves that the completion scripts work in the real shells: loaded as a person would, driven by the tab key. */
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { runWell } from "../support/rows.ts";
import { createSandbox, runToEnd, type Sandbox } from "../support/sandbox.ts";
import { openTerminal, type Terminal } from "../support/shells/pty.ts";
import { type ShellKind, shellKinds } from "../support/shells/shells.ts";

/** What is typed behind `session-buddy`, and what the command then gets, each word in its own brackets. */
const typed: readonly (readonly [keys: string, words: string])[] = [
  ["sh\t", "[show]"],
  ["lis\t--js\t", "[list][--json]"],
  ["--vers\t", "[--version]"],
  ["config g\tpo\t", "[config][get][port]"],
  ["hook ins\tfi\t--dr\t", "[hook][install][fish][--dry-run]"],
  ["completion z\t", "[completion][zsh]"],
  ["start --shell-type end --metad\t", "[start][--shell-type][end][--metadata]"],
  ["end --state-file myf\t", "[end][--state-file][myfile with spaces]"],
  ["start --component myf\t", "[start][--component][myf]"],
  ["show myf\t", "[show][myf]"],
  ["nonsense sh\t", "[nonsense][show]"],
];

interface Setup {
  readonly args: readonly string[];
  /** Lines that load what `hook install` or a person put in place. */
  readonly load: (sandbox: Sandbox) => Promise<readonly string[]>;
  readonly command: string;
}

const bash: Setup = {
  args: ["--norc", "--noprofile"],
  load: async (sandbox) => {
    await runWell(sandbox, ["hook", "install", "bash"]);
    return [". ~/.local/share/bash-completion/completions/session-buddy"];
  },
  command: `session-buddy() { printf '[%s]' "$@"; echo; }`,
};
const zsh: Setup = { args: ["-f"], load: asFunctionFile, command: bash.command };
const fish: Setup = {
  args: [],
  load: async (sandbox) => {
    await runWell(sandbox, ["hook", "install", "fish"]);
    return ["function fish_title; end; set -g fish_autosuggestion_enabled 0"];
  },
  command: "function session-buddy; printf '[%s]' $argv; echo; end",
};

const setups: readonly (readonly [name: string, shell: ShellKind, setup: Setup])[] = [
  ["bash, from the file that hook install wrote", "bash", bash],
  ["zsh, from a folder of $fpath", "zsh", zsh],
  ["zsh, sourced behind compinit", "zsh", { ...zsh, load: asSource }],
  ["fish, from the file that hook install wrote", "fish", fish],
];

for (const [name, shell, setup] of setups) {
  test(`the tab key completes in ${name}`, async (t) => {
    const sandbox = createSandbox(t);
    const terminal = await open(t, sandbox, shell, setup);
    for (const [keys, words] of typed) {
      terminal.type(`session-buddy ${keys}\r`);
      await terminal.find(`${words}\r\n`);
    }
  });
}

test("each script is one that its shell and its linter accept, and says nothing when it is loaded", async (t) => {
  const sandbox = createSandbox(t);
  const checks = {
    bash: [["bash", "-n"], ["bash", "-eu"], ["shellcheck"]],
    zsh: [["zsh", "-n"]],
    fish: [["fish", "-n"], ["fish"]],
  };
  for (const shell of shellKinds) {
    const file = join(sandbox.folder, shell);
    writeFileSync(file, await runWell(sandbox, ["completion", shell]));
    for (const [program = "", ...args] of checks[shell]) {
      const { status, stdout, stderr } = await runToEnd(program, [...args, file], { env: sandbox.env });
      assert.deepEqual([status, stdout, stderr], [0, "", ""], program);
    }
  }
});

test("every command that the help names can be completed, and no hidden option", async (t) => {
  const sandbox = createSandbox(t);
  const help = await runWell(sandbox, ["--help"]);
  const names = [...help.matchAll(/^ {2}([a-z]+) /gm)].map((match) => match[1] ?? "");
  assert.ok(names.includes("completion") && names.includes("hook"));
  for (const shell of shellKinds) {
    const script = await runWell(sandbox, ["completion", shell]);
    const missing = names.filter((name) => name !== "help" && !script.includes(`/${name}`));
    assert.deepEqual(missing, []);
    assert.doesNotMatch(script, /--written|-l written/);
  }
});

test("a shell without completions is refused by name", async (t) => {
  const { status, stdout, stderr } = await createSandbox(t).run(["completion", "nu"]);
  assert.deepEqual([status, stdout], [2, ""]);
  assert.match(stderr, /Allowed choices are bash, zsh, fish/);
});

async function asFunctionFile(sandbox: Sandbox): Promise<readonly string[]> {
  mkdirSync(join(sandbox.folder, "functions"));
  writeFileSync(join(sandbox.folder, "functions/_session-buddy"), await runWell(sandbox, ["completion", "zsh"]));
  return [`fpath=(${sandbox.folder}/functions $fpath)`, "autoload -U compinit", "compinit -u -D"];
}

async function asSource(sandbox: Sandbox): Promise<readonly string[]> {
  writeFileSync(join(sandbox.folder, "script"), await runWell(sandbox, ["completion", "zsh"]));
  return ["autoload -U compinit", "compinit -u -D", `. ${sandbox.folder}/script`];
}

/** Opens a shell in which `session-buddy` prints what it gets, in a folder with one file. */
async function open(t: TestContext, sandbox: Sandbox, shell: ShellKind, setup: Setup): Promise<Terminal> {
  const home = sandbox.env.HOME ?? "";
  for (const folder of [".local/share", ".cache"]) {
    mkdirSync(join(home, folder, "fish/generated_completions"), { recursive: true });
  }
  const cwd = join(sandbox.folder, "cwd");
  mkdirSync(cwd);
  writeFileSync(join(cwd, "myfile with spaces"), "");
  const lines = await setup.load(sandbox);
  const env = { ...sandbox.env, TERM: "dumb", SESSION_BUDDY_DISABLE: "1" };
  const terminal = openTerminal(t, shell, [...setup.args, "-i"], { env, cwd });
  for (const line of [...lines, setup.command, "echo rea''dy"]) terminal.type(`${line}\r`);
  await terminal.find("ready\r\n");
  return terminal;
}
