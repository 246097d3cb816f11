/** Proves that the hooks keep silent and keep the record under every option a person may have set. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { hostileOptions } from "../support/shells/hostile-options.ts";
import { testShells } from "../support/shells/shell-cases.ts";
import {
  assertRecord,
  createUsedSandbox,
  type ExpectedRow,
  inferred,
  openShell,
  type ShellKind,
  startShell,
  told,
} from "../support/shells/shells.ts";

describe("options", { concurrency: 4 }, () => {
  testShells(
    hostileOptions.map(({ kind, row, lines, env = {} }) => ({
      title: `row ${row}: under \`${lines || Object.keys(env).join()}\` the hook is silent and the record whole`,
      plan: { before: lines, env },
      drive: (terminal) => terminal.type("exit 3\r"),
      ending: { code: 3, signal: 0 },
      record: { [kind]: [told(kind, 3, kind === "fish" ? null : "exit")] },
    })),
  );

  const leftAlone: readonly [ShellKind, readonly string[], readonly ExpectedRow[]][] = [
    ["bash", ["-r"], []],
    // Only after its rc file does zsh tell that it is restricted, and then it may not write its end.
    ["zsh", ["-r"], [inferred("zsh", "pid_gone")]],
    ["bash", ["--norc"], []],
    ["zsh", ["-f"], []],
    ["fish", ["--no-config"], []],
  ];
  for (const [kind, args, record] of leftAlone) {
    test(`row 34: \`${kind} ${args.join(" ")}\` sees nothing of the hook`, async (t) => {
      const sandbox = createUsedSandbox(t);
      const terminal = startShell(t, sandbox, kind, { args });
      terminal.type("exit 3\r");
      assert.deepEqual(await terminal.ended(), { code: 3, signal: 0 });
      assert.doesNotMatch(terminal.output(), /session_buddy|restricted/);
      await assertRecord(sandbox, record);
    });
  }

  test("row 34: `fish --private` is on record like any other", async (t) => {
    const sandbox = createUsedSandbox(t);
    const terminal = await openShell(t, sandbox, "fish", { args: ["--private"] });
    terminal.type("exit 3\r");
    await terminal.ended();
    await assertRecord(sandbox, [told("fish", 3, null)]);
  });
});
