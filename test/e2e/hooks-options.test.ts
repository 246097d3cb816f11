/** Proves that the hooks keep silent and keep the record under every option a person may have set. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { hostileOptions } from "../support/hostile-options.ts";
import { runToEnd } from "../support/sandbox.ts";
import { testShells } from "../support/shell-cases.ts";
import {
  couriersDone,
  createHome,
  createUsedSandbox,
  openShell,
  type ShellKind,
  stateFileNames,
  told,
} from "../support/shells.ts";

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

  const leftAlone: readonly [ShellKind, readonly string[]][] = [
    ["bash", ["-r"]],
    ["bash", ["--norc"]],
    ["zsh", ["-r"]],
    ["zsh", ["-f"]],
    ["fish", ["--no-config"]],
  ];
  for (const [kind, args] of leftAlone) {
    test(`row 34: \`${kind} ${args.join(" ")}\` is left alone`, async (t) => {
      const sandbox = createUsedSandbox(t);
      const env = createHome(sandbox, kind);
      const { status, stderr } = await runToEnd(kind, [...args, "-i"], { env, cwd: sandbox.folder, input: "exit 3\n" });
      assert.equal(status, 3);
      assert.doesNotMatch(stderr, /session.buddy|restricted:/);
      assert.deepEqual(stateFileNames(sandbox), []);
      assert.equal((await sandbox.run(["list", "--all", "--json"])).stdout, "[]\n");
    });
  }

  test("row 34: `fish --private` is on record like any other", async (t) => {
    const sandbox = createUsedSandbox(t);
    const terminal = await openShell(t, sandbox, "fish", { args: ["--private"] });
    terminal.type("exit 3\r");
    await terminal.ended();
    await couriersDone(sandbox);
    assert.equal(JSON.parse((await sandbox.run(["list", "--all", "--json"])).stdout)[0].exit_code, 3);
  });
});
