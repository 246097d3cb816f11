/** Proves that what a person runs at the end of a shell goes on running, whatever comes first, and that no end is lost by it. */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe } from "node:test";
import type { Sandbox } from "../support/sandbox.ts";
import type { Terminal } from "../support/shells/pty.ts";
import { type ShellCase, testShells } from "../support/shells/shell-cases.ts";
import { inferred, told } from "../support/shells/shells.ts";

const exit7 = (terminal: Terminal) => terminal.type("exit 7\r");

async function closeOverCommand(terminal: Terminal): Promise<void> {
  terminal.type("sh -c 'echo bu''sy; sleep 60'\r");
  await terminal.find("busy\r\n");
  terminal.close();
}

/** The mark that the person's own exit code leaves; both runs leave one. */
function assertMarks(sandbox: Sandbox, text: string): void {
  assert.equal(readFileSync(join(sandbox.folder, "mark"), "utf8"), text.repeat(2));
}

const appleTrap = `shell_session_update() { echo saved "$?" >>mark; }\ntrap shell_session_update EXIT`;
const userTraps: readonly [string, string][] = [
  ["with quotes and `$?`", `trap 'echo "it'\\''s $?" >>mark' EXIT`],
  // One line in the file, which both shells write to at once.
  ["of several lines", `trap 'status=$? text="two\n  lines"\necho "$status \${#text}" >>mark' EXIT`],
  ["that is Apple's (row 13)", appleTrap],
];

const bashCases: readonly ShellCase[] = [
  ...userTraps.map(([name, before], index) => ({
    title: `rows 11, 13: an EXIT trap ${name} set before the hook runs with the same status`,
    plan: { before },
    drive: exit7,
    ending: { code: 7, signal: 0 },
    record: { bash: [told("bash", 7, "exit")] },
    check: (_: unknown, sandbox: Sandbox) => assertMarks(sandbox, ["it's 7\n", "7 11\n", "saved 7\n"][index] ?? ""),
  })),
  {
    title: "row 11: an EXIT trap that ends the shell with a status of its own keeps it",
    plan: { before: "trap 'exit 9' EXIT" },
    drive: exit7,
    ending: { code: 9, signal: 0 },
    record: { bash: [told("bash", 7, "exit")] },
  },
  {
    title: "row 12: an EXIT trap set after the hook replaces it, and the end is inferred",
    plan: { after: "trap 'echo theirs $? >>mark' EXIT" },
    drive: exit7,
    ending: { code: 7, signal: 0 },
    record: { bash: [inferred("bash", "pid_gone")] },
    check: (_, sandbox) => assertMarks(sandbox, "theirs 7\n"),
  },
  {
    title: "row 12: `trap - EXIT` removes the hook, and the end is inferred",
    plan: { after: "trap - EXIT" },
    drive: exit7,
    ending: { code: 7, signal: 0 },
    record: { bash: [inferred("bash", "pid_gone")] },
  },
];

/** Each runs an external command at the end, which is the last thing that zsh does when its terminal is gone. */
const zshHooks: readonly [name: string, lines: string][] = [
  ["an EXIT trap", "trap 'date >>mark' EXIT"],
  ["a function zshexit", "zshexit() { date >>mark; }"],
  ["an exit function", "autoload -Uz add-zsh-hook; mine() { date >>mark; }; add-zsh-hook zshexit mine"],
];

const zshCases: readonly ShellCase[] = zshHooks.flatMap(([name, lines]) =>
  (["before", "after"] as const).flatMap((place): ShellCase[] => [
    {
      title: `row 14: ${name} set ${place} the hook runs too`,
      plan: { [place]: lines },
      drive: exit7,
      ending: { code: 7, signal: 0 },
      record: { zsh: [told("zsh", 7, "exit")] },
      check: (_, sandbox) => assert.ok(existsSync(join(sandbox.folder, "mark"))),
    },
    {
      title: `row 14: ${name} set ${place} the hook, and the terminal closed over a command`,
      plan: { [place]: lines },
      drive: closeOverCommand,
      // zsh calls the function zshexit before all others, and is cut off in it.
      record: { zsh: [name.includes("function zshexit") ? inferred("zsh", "pid_gone") : told("zsh", null, "hangup")] },
    },
  ]),
);

describe("exit hooks", { concurrency: 4 }, () => {
  testShells([
    ...bashCases,
    ...zshCases,
    {
      title: "row 15: exit functions that are emptied take the hook with them, and the end is inferred",
      // fish has its function from the first prompt on.
      plan: (kind) => (kind === "zsh" ? { after: "zshexit_functions=()" } : {}),
      drive: (terminal, kind) => terminal.type(`${kind === "zsh" ? "" : "functions -e __session_buddy_end; "}exit 7\r`),
      record: { zsh: [inferred("zsh", "pid_gone")], fish: [inferred("fish", "pid_gone")] },
    },
    {
      title: "row 15: exit functions that may not be changed are left alone, and the end is inferred",
      plan: { before: "typeset -gar zshexit_functions=()" },
      drive: exit7,
      record: { zsh: [inferred("zsh", "pid_gone")] },
    },
    {
      title: "row 15: a fish_exit function of the person's own runs beside the hook",
      plan: { before: "function mine --on-event fish_exit; echo bye >>mark; end" },
      drive: exit7,
      record: { fish: [told("fish", 7, null)] },
      check: (_, sandbox) => assertMarks(sandbox, "bye\n"),
    },
  ]);
});
