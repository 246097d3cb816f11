/** Proves that the line loads the hook in the real shells from any folder, leaves no trace of a failure, and is recognized. */
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import {
  hasLineByHand,
  hookLine,
  hookPathOf,
  machineHookLine,
  readsBashrc,
  type ShellName,
  shellNames,
} from "../../../src/install/hook-line.ts";
import { runToEnd } from "../../support/sandbox.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const folderNames = [
  "plain",
  "with space",
  "it's",
  "''",
  "'",
  '"$HOME"',
  "$(exit 1)`exit`",
  "back\\slash\\",
  "\\'",
  "ünï*?[",
  "!x;#",
];
/** Runs lines strictly where the shell knows how to be strict, as an interactive shell where its line asks for one. */
const strict: Readonly<Record<ShellName, readonly string[]>> = {
  bash: ["--norc", "-euo", "pipefail"],
  zsh: ["-f", "-eu"],
  fish: ["--no-config", "--interactive"],
};

for (const shell of shellNames) {
  test(`${shell} loads the hook from folders with any name, and goes on with status 0`, async (t) => {
    const folder = temporaryFolder(t);
    const lines = folderNames.map((name, index) => {
      const path = join(folder, name, "hook");
      mkdirSync(join(folder, name));
      writeFileSync(path, `echo loaded ${index}\n`);
      return hookLine(shell, path);
    });
    const outcome = await run(shell, lines.join("\n"));
    assert.deepEqual(outcome, [0, folderNames.map((_, index) => `loaded ${index}\n`).join(""), ""]);
  });

  test(`${shell} is silent about a hook that is gone, or broken where it can be, and goes on with status 0`, async (t) => {
    const folder = temporaryFolder(t);
    const torn = join(folder, "torn");
    writeFileSync(torn, "if true\n  echo '");
    const failing = join(folder, "failing");
    writeFileSync(failing, "false\nno-such-command\nfalse\n");
    // fish prints what is wrong inside a file that it sources, wherever standard error leads.
    const paths = [join(folder, "gone"), folder, ...(shell === "fish" ? [] : [torn, failing])];
    for (const path of paths) {
      const after = shell === "fish" ? "echo on" : "echo on $?";
      const [status, stdout, stderr] = await run(shell, `${hookLine(shell, path)}\n${after}\n`);
      assert.deepEqual([status, stdout, stderr], [0, shell === "fish" ? "on\n" : "on 0\n", ""], path);
    }
  });

  test(`the path in a line of ${shell} is read back, also from a file with CRLF`, () => {
    for (const name of folderNames) {
      const line = hookLine(shell, `/x/${name}/hook`);
      assert.equal(hookPathOf(shell, line), `/x/${name}/hook`);
      assert.equal(hookPathOf(shell, `${line} `), null);
      assert.equal(hookPathOf(shell, line.slice(1)), null);
    }
    assert.equal(hookPathOf(shell, ""), null);
  });

  test(`a folder whose name would break the line of ${shell} is refused`, () => {
    for (const name of ["a\nb", "a\rb", "a\u0007b", "a\0b"]) {
      assert.throws(() => hookLine(shell, `/x/${name}/hook`), /control characters in its name; move it/);
    }
  });
}

test("the line of bash works with CRLF, and other shells that read .profile pass over it", async (t) => {
  const path = join(temporaryFolder(t), "hook");
  writeFileSync(path, "echo loaded\n");
  const line = hookLine("bash", path);
  assert.deepEqual(await run("bash", `${line}\r\n`), [0, "loaded\n", ""]);
  const outcome = await runToEnd("dash", ["-eu", "-c", `${line}\necho on $?`]);
  assert.deepEqual([outcome.status, outcome.stdout, outcome.stderr], [0, "on 0\n", ""]);
});

test("the line for all users is read by interactive shells of bash alone, once, and goes on with status 0", async (t) => {
  const path = join(temporaryFolder(t), "hook");
  writeFileSync(path, "__session_buddy_pid=$$\necho loaded\n");
  const line = machineHookLine("bash", path);
  const on = "echo on $?\n";
  assert.deepEqual(await run("bash", `${line}\n${on}`), [0, "on 0\n", ""], "a script has no use for it");
  const twice = await runToEnd("bash", ["--norc", "-euo", "pipefail", "-i", "-c", `${line}\n${line}\r\n${on}`]);
  assert.deepEqual([twice.status, twice.stdout], [0, "loaded\non 0\n"]);
  const gone = await runToEnd("bash", ["--norc", "-eu", "-i", "-c", `${machineHookLine("bash", "/gone")}\n${on}`]);
  assert.deepEqual([gone.status, gone.stdout], [0, "on 0\n"]);
  const others: readonly (readonly string[])[] = [
    ["dash", "-eui"],
    ["zsh", "-f", "-eu", "-i"],
  ];
  for (const [shell = "", ...flags] of others) {
    const { status, stdout } = await runToEnd(shell, [...flags, "-c", `${line}\n${on}`]);
    assert.deepEqual([status, stdout], [0, "on 0\n"], shell);
  }
});

test("an alias of the dot does not keep bash and zsh from loading the hook", async (t) => {
  const path = join(temporaryFolder(t), "hook");
  writeFileSync(path, "echo loaded\n");
  const text = (shell: ShellName) => `alias .='echo wrong'\n${hookLine(shell, path)}\n`;
  assert.deepEqual(await run("bash", `shopt -s expand_aliases\n${text("bash")}`), [0, "loaded\n", ""]);
  assert.deepEqual(await run("zsh", text("zsh")), [0, "loaded\n", ""]);
});

test("a line that a person wrote counts where it is no comment", () => {
  assert.equal(hasLineByHand("a\nsource /x/hook # mine\n", "/x/hook"), true);
  assert.equal(hasLineByHand("a\n  # source /x/hook\n", "/x/hook"), false);
  assert.equal(hasLineByHand("source /y/hook\n", "/x/hook"), false);
});

test("a login file that reads ~/.bashrc is recognized", () => {
  const reading = [
    ". ~/.bashrc",
    "source ~/.bashrc",
    '  . "$HOME/.bashrc"',
    "[ -f ~/.bashrc ] && . ~/.bashrc",
    "[[ -r ~/.bashrc ]] && \\. ~/.bashrc",
    "if [ -f ~/.bashrc ]; then source ~/.bashrc; fi",
    "a\n\tthen . ~/.bashrc\n",
  ];
  const others = [
    "",
    "# . ~/.bashrc",
    "echo ~/.bashrc",
    "test -f ~/.bashrc",
    "export X=.bashrc",
    ". ~/.profile",
    "a. bashrc",
  ];
  for (const text of reading) assert.equal(readsBashrc(text), true, text);
  for (const text of others) assert.equal(readsBashrc(text), false, text);
});

async function run(shell: ShellName, text: string): Promise<unknown[]> {
  const { status, stdout, stderr } = await runToEnd(shell, [...strict[shell], "-c", text], {
    env: { PATH: process.env.PATH ?? "", HOME: "/nonexistent", LANG: "C.UTF-8", TERM: "xterm" },
  });
  return [status, stdout, stderr];
}
