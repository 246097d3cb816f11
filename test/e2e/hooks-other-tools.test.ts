/** Proves that the hooks live with the shell integrations of other tools, loaded before and after them. */
import assert from "node:assert/strict";
import { describe } from "node:test";
import type { Terminal } from "../support/shells/pty.ts";
import { each, testShells } from "../support/shells/shell-cases.ts";
import { runLine, type ShellKind, shellKinds, told } from "../support/shells/shells.ts";

const kitty = "/usr/lib/kitty/shell-integration";

/** The line of each tool's manual, and a command that shows that the tool works. */
const tools: readonly { name: string; line: (kind: ShellKind) => string; proof: readonly string[]; shows: RegExp }[] = [
  {
    name: "zoxide",
    line: (kind) => (kind === "fish" ? "zoxide init fish | source" : `eval "$(zoxide init ${kind})"`),
    proof: ["cd /usr/share", "cd /", "z share", "pwd"],
    shows: /\/usr\/share\r\n.*done/s,
  },
  {
    name: "direnv",
    line: (kind) => (kind === "fish" ? "direnv hook fish | source" : `eval "$(direnv hook ${kind})"`),
    proof: ["cd; echo 'export FROM_FILE=loaded' >.envrc; direnv allow", "echo is-$FROM_FILE"],
    shows: /is-loaded\r\n/,
  },
  {
    name: "kitty's integration",
    line: (kind) =>
      ({
        bash: `KITTY_SHELL_INTEGRATION=enabled; . ${kitty}/bash/kitty.bash`,
        zsh: `KITTY_SHELL_INTEGRATION=enabled; . ${kitty}/zsh/kitty-integration`,
        fish: `set -g KITTY_SHELL_INTEGRATION enabled; source ${kitty}/fish/vendor_conf.d/kitty-shell-integration.fish`,
      })[kind],
    proof: ["true"],
    shows: /done/,
  },
];

describe("other tools", { concurrency: 4 }, () => {
  testShells(
    tools.flatMap(({ name, line, proof, shows }) =>
      (["before", "after"] as const).map((place) => ({
        title: `row 44: ${name}, loaded ${place} the hook, works as without it`,
        plan: (kind: ShellKind) => ({ [place]: line(kind) }),
        async drive(terminal: Terminal) {
          for (const command of proof) await runLine(terminal, command);
          terminal.type("exit 3\r");
        },
        record: each(shellKinds, (kind) => [told(kind, 3, kind === "fish" ? null : "exit")]),
        check: ({ output }: { output: string }) => assert.match(output, shows),
      })),
    ),
  );
});
