/** Proves that haste, interruption and crowds lose nothing: an end before its start, Ctrl-C in the rc file, fifty at once. */
import assert from "node:assert/strict";
import { cpSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { eventually } from "../support/eventually.ts";
import { allRows, runWell } from "../support/rows.ts";
import { root } from "../support/sandbox.ts";
import {
  assertRecord,
  couriersDone,
  createUsedSandbox,
  inferred,
  openShell,
  runLine,
  shellKinds,
  startShell,
  stateFileNames,
  told,
} from "../support/shells/shells.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const crowd = 50;
const interrupt = "\x03";
const hangUpDelaysMs = [0, 5, 15, 40, 100];

describe("races", { concurrency: 2 }, () => {
  for (const kind of shellKinds) {
    const reason = kind === "fish" ? null : "exit";

    test(`row 27: \`exit\` typed before the first prompt is on record with its end (${kind})`, async (t) => {
      const sandbox = createUsedSandbox(t);
      const terminals = Array.from({ length: 5 }, () => startShell(t, sandbox, kind));
      for (const terminal of terminals) terminal.type("exit 6\r");
      for (const terminal of terminals) assert.deepEqual(await terminal.ended(), { code: 6, signal: 0 });
      await assertRecord(sandbox, Array(5).fill(told(kind, 6, reason)));
    });

    test(`row 27: a window closed while the shell starts leaves a whole record or none (${kind})`, async (t) => {
      const sandbox = createUsedSandbox(t);
      for (const delayMs of hangUpDelaysMs) {
        const terminal = startShell(t, sandbox, kind);
        await setTimeout(delayMs);
        terminal.close();
        await terminal.ended();
      }
      await eventually(async () => {
        const rows = await allRows(sandbox);
        assert.ok(rows.length <= hangUpDelaysMs.length);
        for (const row of rows) assert.notEqual(row.state, "active");
        // One that died between making its file and the first byte has left nothing to record: the file is set aside.
        const whole = stateFileNames(sandbox).filter((name) => !isEmptyRejected(join(sandbox.home, "shells", name)));
        assert.deepEqual(whole, []);
      });
    });

    test(`row 28: Ctrl-C while the rc file goes on after the hook, and at the prompt, stops no start (${kind})`, async (t) => {
      const sandbox = createUsedSandbox(t);
      const terminal = startShell(t, sandbox, kind, { after: "sh -c 'echo begun; exec sleep 60'; true" });
      await terminal.find("begun");
      terminal.type(interrupt);
      await terminal.find("sb> ");
      terminal.type("half a line");
      await terminal.find("half a line");
      terminal.type(interrupt);
      // bash may notice the signal at the next key only.
      terminal.type("\r");
      await terminal.find("sb> ");
      await runLine(terminal, "true");
      terminal.type("exit 6\r");
      await terminal.ended();
      await assertRecord(sandbox, [told(kind, 6, reason)]);
    });

    test(`row 28: Ctrl-Z of a command is no end (${kind})`, async (t) => {
      const sandbox = createUsedSandbox(t);
      const terminal = await openShell(t, sandbox, kind);
      terminal.type("sh -c 'echo be''gun; exec sleep 60'\r");
      await terminal.find("begun\r\n");
      terminal.type("\x1a");
      await terminal.find("sb> ");
      await runLine(terminal, "kill -9 %1");
      terminal.type("exit 6\r");
      await terminal.find(/exit/);
      terminal.type("exit 6\r");
      await terminal.ended();
      await couriersDone(sandbox);
      const rows = await allRows(sandbox);
      assert.deepEqual(
        rows.map((row) => [row.shell_type, row.state]),
        [[kind, "ended"]],
      );
    });
  }

  test("row 27: sh(1), which writes what fish says, comes late: the prompt is there, and what the shell did is on record", async (t) => {
    const sandbox = createUsedSandbox(t);
    const hooks = join(root, "shell-hooks");
    const copy = temporaryFolder(t);
    cpSync(hooks, join(copy, "shell-hooks"), { recursive: true });
    const go = join(copy, "go");
    const late = `if [ "$2" = start ]; then while [ ! -e ${go} ]; do sleep 0.05; done; fi\n`;
    const courier = join(copy, "shell-hooks/courier.sh");
    const text = readFileSync(courier, "utf8");
    const behind = text.indexOf("umask 077");
    assert.ok(behind > 0);
    writeFileSync(courier, text.slice(0, behind) + late + text.slice(behind));
    const plan = { hookFile: join(copy, "shell-hooks/session-buddy.fish") };
    const open = () => openShell(t, sandbox, "fish", plan);
    const [left, replaced, killed] = [await open(), await open(), await open()];
    assert.deepEqual(stateFileNames(sandbox), []);
    await runLine(left, "jobs; set -q last_pid; or echo no job");
    assert.match(left.output(), /no job\r\n/);
    assert.doesNotMatch(left.output(), /courier/);
    replaced.type("exec sleep 60\r");
    left.type("exit 6\r");
    process.kill(killed.pid, "SIGKILL");
    await killed.ended();
    writeFileSync(go, "");
    assert.deepEqual(await left.ended(), { code: 6, signal: 0 });
    await assertRecord(sandbox, [
      told("fish", 6, null),
      inferred("fish", "executable_replaced"),
      inferred("fish", "pid_gone"),
    ]);
  });

  test("row 27: a courier that starts when its shell is finished and gone makes no second session", async (t) => {
    const sandbox = createUsedSandbox(t);
    const file = join(sandbox.home, "shells", "finished");
    const start = ["start", "--state-file", file, "--pid", String(process.pid), "--shell-type", "bash", "--written"];
    assert.equal(await runWell(sandbox, start), "");
    await assertRecord(sandbox, []);
  });

  test(`row 48: ${crowd} shells at once, left at once, are ${crowd} sessions`, async (t) => {
    const sandbox = createUsedSandbox(t);
    const shells = Array.from({ length: crowd }, (_, index) => {
      const kind = shellKinds[index % shellKinds.length] ?? "bash";
      return { kind, code: index, terminal: startShell(t, sandbox, kind) };
    });
    await Promise.all(shells.map(({ terminal }) => terminal.find("sb> ")));
    for (const { code, terminal } of shells) terminal.type(`exit ${code}\r`);
    await Promise.all(shells.map(({ terminal }) => terminal.ended()));
    await assertRecord(
      sandbox,
      shells.map(({ kind, code }) => told(kind, code, kind === "fish" ? null : "exit")),
    );
  });
});

function isEmptyRejected(path: string): boolean {
  return path.endsWith(".rejected") && statSync(path, { throwIfNoEntry: false })?.size === 0;
}
