/** Proves that the hooks are well-formed, formatted, alike section by section, and that no scenario is forgotten. */
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { rowCount, uncoveredRows } from "../e2e/hooks-rows.ts";
import { root, runToEnd } from "../support/sandbox.ts";
import { hostileOptions } from "../support/shells/hostile-options.ts";
import { hookFile, type ShellKind, shellKinds } from "../support/shells/shells.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const silence = { status: 0, signal: null, stdout: "", stderr: "" };
const path = { PATH: process.env.PATH ?? "/usr/bin:/bin" };

const checks: readonly (readonly string[])[] = [
  ...["session-buddy", "end", "personal", "seldom"].flatMap((name) => {
    const file = join(root, "shell-hooks", `${name}.bash`);
    return [
      ["shellcheck", file],
      ["shfmt", "-i", "2", "-ci", "-d", file],
      ["bash", "-n", file],
    ];
  }),
  ...["courier", "make-folders"].flatMap((name) => {
    const file = join(root, "shell-hooks", `${name}.sh`);
    return [
      ["shellcheck", "-s", "sh", file],
      ["shfmt", "-i", "2", "-ci", "-d", file],
    ];
  }),
  ...["end", "personal"].map((name) => ["zsh", "-n", join(root, `shell-hooks/${name}.zsh`)]),
  ["zsh", "-n", hookFile("zsh")],
  ...["session-buddy", "end", "machine", "personal", "seldom"].flatMap((name) => {
    const file = join(root, "shell-hooks", `${name}.fish`);
    return [
      ["fish", "--no-execute", file],
      ["fish_indent", "--check", file],
    ];
  }),
];

for (const [program = "", ...args] of checks) {
  test(`${program} ${args.slice(0, -1).join(" ")} finds nothing in its hook`, async () => {
    assert.deepEqual(await runToEnd(program, args, { env: path }), silence);
  });
}

const headings = (kind: ShellKind) =>
  [...readFileSync(hookFile(kind), "utf8").matchAll(/^# ── (.+?) ──$/gm)].map((match) => match[1]);

test("the three hooks have the same sections in the same order", () => {
  assert.deepEqual(headings("bash"), ["Guard", "Names", "Limits", "State file", "Courier", "End", "Start"]);
  assert.deepEqual(headings("zsh"), headings("bash"));
  assert.deepEqual(headings("fish"), headings("bash"));
});

test("sourced under every hostile option, in a shell that is no person's, the hooks say nothing", async (t) => {
  const env = { ...path, HOME: temporaryFolder(t) };
  for (const { kind, lines, env: more } of hostileOptions) {
    for (const flags of [["-c"], ["-i", "-c"]]) {
      const source = kind === "fish" ? `source ${hookFile(kind)}` : `. ${hookFile(kind)}`;
      const bare = { bash: ["--norc"], zsh: ["-f"], fish: ["--no-config"] }[kind];
      const outcome = await runToEnd(kind, [...bare, ...flags, `${lines}\n${source}`], { env: { ...env, ...more } });
      const stderr = outcome.stderr.replaceAll(
        /^(bash: (cannot set terminal process group|no job)|warning: ).*\n/gm,
        "",
      );
      assert.deepEqual({ ...outcome, stderr }, silence, `${kind} ${flags.join(" ")}: ${lines}`);
    }
  }
});

test("every scenario is in the name of a test or in the list of those that cannot be run", () => {
  const named = globSync("test/e2e/hooks-*.test.ts", { cwd: root }).flatMap((file) =>
    [...readFileSync(join(root, file), "utf8").matchAll(/\brows? (\d+(?:, \d+)*)(?=:)/g)].flatMap((match) =>
      String(match[1]).split(", ").map(Number),
    ),
  );
  const computed = [6, 7, 8, ...hostileOptions.map(({ row }) => row), 35, 36];
  const known = new Set([...named, ...computed, ...uncoveredRows.map(({ row }) => row)]);
  const missing = Array.from({ length: rowCount }, (_, index) => index + 1).filter((row) => !known.has(row));
  assert.deepEqual(missing, []);
});

for (const kind of shellKinds) {
  test(`the ${kind} hook names every function and variable of its own alike`, () => {
    const text = readFileSync(hookFile(kind), "utf8");
    const functions = kind === "fish" ? /^function (\S+)/gm : /^(\w+)\(\) \{/gm;
    for (const [, name = ""] of text.matchAll(functions)) assert.match(name, /^__session_buddy_[a-z_]+$/);
  });
}
