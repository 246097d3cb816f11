/** Proves that a program that is missing, broken or stuck harms no shell, and that the record is whole once it works again. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { allRows } from "../support/rows.ts";
import { launcher } from "../support/sandbox.ts";
import { copyHooks, hangingProgram, markingProgram } from "../support/shells/hook-copy.ts";
import {
  assertRecord,
  createUsedSandbox,
  driveBoth,
  runLine,
  shellKinds,
  stateFileNames,
  told,
} from "../support/shells/shells.ts";

const programs: readonly [row: number, name: string, program: string | null][] = [
  [35, "is missing", null],
  [35, "exits with 1", markingProgram("exit 1")],
  [35, "dies of a signal", markingProgram("kill -SEGV $$")],
  [35, "prints to both streams and the terminal", markingProgram("echo out; echo err >&2; echo tty >/dev/tty")],
  [35, "has no Node.js", `#!/bin/sh\nSESSION_BUDDY_NODE=/nonexistent exec ${launcher} "$@"\n`],
  [35, "is no program", "\0\0\0"],
  [36, "hangs", hangingProgram],
];

describe("broken program", { concurrency: 4 }, () => {
  for (const [row, name, program] of programs) {
    for (const kind of shellKinds) {
      test(`row ${row}: a program that ${name} is not noticed, and the state file keeps the record (${kind})`, async (t) => {
        const sandbox = createUsedSandbox(t);
        const copy = copyHooks(t, program);
        const seen = await driveBoth(t, sandbox, kind, { hookFile: copy.hookFile(kind) }, async (terminal) => {
          await runLine(terminal, "true");
          terminal.type("exit 3\r");
        });
        assert.deepEqual(seen.ending, { code: 3, signal: 0 });
        assert.equal(stateFileNames(sandbox).length, 1);
        // Asked for, the working program finishes what the broken one left.
        await allRows(sandbox);
        await assertRecord(sandbox, [told(kind, 3, kind === "fish" ? null : "exit")]);
      });
    }
  }

  for (const kind of shellKinds) {
    test(`row 37: a hook file that is not there is passed over (${kind})`, async (t) => {
      const sandbox = createUsedSandbox(t);
      await driveBoth(t, sandbox, kind, { hookFile: "/nonexistent/hook" }, (terminal) => terminal.type("exit 3\r"));
      await assertRecord(sandbox, []);
    });

    test(`row 50: hooks and program removed while the shell is open are not missed by it (${kind})`, async (t) => {
      const sandbox = createUsedSandbox(t);
      const copy = copyHooks(t, markingProgram());
      let removals = 0;
      await driveBoth(t, sandbox, kind, { hookFile: copy.hookFile(kind) }, async (terminal) => {
        await runLine(terminal, "true");
        if (removals === 0) copy.remove();
        removals += 1;
        await runLine(terminal, "true");
        terminal.type("exit 3\r");
      });
      await allRows(sandbox);
      await assertRecord(sandbox, [told(kind, 3, kind === "fish" ? null : "exit")]);
    });
  }
});
