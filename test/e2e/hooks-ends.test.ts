/** Proves that every way a shell can end is on record once, as the shell or the proof of its death tells it. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { eventually } from "../support/eventually.ts";
import { allRows, runWell } from "../support/rows.ts";
import type { Sandbox } from "../support/sandbox.ts";
import type { Terminal } from "../support/shells/pty.ts";
import { each, testShells } from "../support/shells/shell-cases.ts";
import {
  assertRecord,
  createUsedSandbox,
  inferred,
  open,
  openShell,
  runLine,
  runUntil,
  shellKinds,
  startShell,
  stateFileNames,
  told,
} from "../support/shells/shells.ts";

const endOfInput = "\x04";
const hungUp = each(shellKinds, (kind) => [told(kind, null, "hangup")]);

/** The signals that the record names, one a session. */
async function endSignals(sandbox: Sandbox): Promise<readonly unknown[]> {
  const rows = await allRows(sandbox);
  const shown = await Promise.all(
    rows.map(({ session_id }) => runWell(sandbox, ["show", String(session_id), "--json"])),
  );
  return shown.map((text) => JSON.parse(text).signal);
}

/** Starts a command in the foreground and closes the window when it runs. */
async function closeOver(terminal: Terminal, command: string): Promise<void> {
  terminal.type(`${command}\r`);
  await terminal.find("busy\r\n");
  terminal.close();
}

describe("ends", { concurrency: 4 }, () => {
  testShells([
    {
      title: "row 1: a shell that is left with `exit` is on record with status 0",
      drive: (terminal) => terminal.type("exit\r"),
      ending: { code: 0, signal: 0 },
      record: { bash: [told("bash", 0, "exit")], zsh: [told("zsh", 0, "exit")], fish: [told("fish", 0, null)] },
    },
    {
      title: "row 1: a shell that is left with `exit 7` is on record with status 7",
      drive: (terminal) => terminal.type("exit 7\r"),
      ending: { code: 7, signal: 0 },
      record: { bash: [told("bash", 7, "exit")], zsh: [told("zsh", 7, "exit")], fish: [told("fish", 7, null)] },
    },
    {
      title: "row 1: a shell that is left with Ctrl-D is on record with the status it gives",
      async drive(terminal) {
        await runLine(terminal, "true");
        await runUntil(terminal, "sh -c 'echo do''ne; exit 3'", "done\r\n");
        terminal.type(endOfInput);
      },
      // bash cannot tell the end of its input from a signal, which has no status.
      record: { bash: [told("bash", null, null)], zsh: [told("zsh", 3, "exit")], fish: [told("fish", 0, null)] },
    },
    {
      title: "row 1: a login shell that is left with `logout` is on record as logged out",
      plan: { args: ["-l"] },
      drive: (terminal) => terminal.type("logout\r"),
      record: each(["bash", "zsh"], (kind) => [told(kind, 0, "logout")]),
    },
    {
      title: "row 1: a function that calls exit ends the shell with its status",
      async drive(terminal, kind) {
        await runLine(terminal, kind === "fish" ? "function leave; exit 9; end" : "leave() { exit 9; }");
        terminal.type("leave\r");
      },
      ending: { code: 9, signal: 0 },
      record: { bash: [told("bash", 9, "exit")], zsh: [told("zsh", 9, "exit")], fish: [told("fish", 9, null)] },
    },
    {
      title: "row 2: a window closed at the prompt is a hangup",
      drive: (terminal) => terminal.close(),
      record: hungUp,
    },
    ...["sleep 60", "trap '' HUP; sleep 1"].map((command) => ({
      title: `row 3: a window closed while \`${command}\` runs is a hangup`,
      drive: (terminal: Terminal) => closeOver(terminal, `sh -c "echo bu''sy; ${command}"`),
      record: hungUp,
    })),
    {
      title: "row 2: SIGHUP to the shell alone is a hangup where the shell can tell",
      drive: (terminal) => terminal.signal("SIGHUP"),
      // To bash and fish it looks like Ctrl-D; only its terminal that is gone would tell. fish leaves with a status.
      record: { bash: [told("bash", null, null)], zsh: [told("zsh", null, "hangup")], fish: [told("fish", 0, null)] },
    },
    {
      title: "row 2: a shell that hangs itself up is on record with the signal and no status",
      drive: (terminal, kind) => terminal.type(`kill -HUP ${kind === "fish" ? "$fish_pid" : "$$"}\r`),
      record: hungUp,
      check: async (_, sandbox) => assert.deepEqual(await endSignals(sandbox), ["HUP"]),
    },
    {
      title: "row 2: a signal that the person has trapped is not taken for the end of the shell",
      async drive(terminal, kind) {
        await runLine(terminal, kind === "fish" ? "function hup --on-signal HUP; end" : "trap '' HUP");
        terminal.type(`kill -HUP ${kind === "fish" ? "$fish_pid" : "$$"}\r`);
        await terminal.find("sb> ");
        terminal.type(endOfInput);
      },
      record: { bash: [told("bash", null, null)], zsh: [told("zsh", 0, "exit")] },
    },
    {
      title: "row 2: a shell that gives itself SIGALRM is on record with the signal and no status",
      drive: (terminal) => terminal.type("kill -ALRM $$\r"),
      record: each(["bash", "zsh"], (kind) => [told(kind, null, "signal")]),
      check: async (_, sandbox) => assert.deepEqual(await endSignals(sandbox), ["ALRM"]),
    },
    {
      title: "row 24: SIGTERM at the prompt leaves bash and zsh alive and open",
      async drive(terminal) {
        await terminal.signal("SIGTERM");
        await runLine(terminal, "true");
        terminal.type("exit 4\r");
      },
      ending: { code: 4, signal: 0 },
      record: { bash: [told("bash", 4, "exit")], zsh: [told("zsh", 4, "exit")] },
    },
    {
      title: "row 24: SIGTERM at the prompt kills fish without a word, which its process proves",
      drive: (terminal) => terminal.signal("SIGTERM"),
      record: { fish: [inferred("fish", "pid_gone")] },
    },
    {
      title: "row 25: `set -e` and a failing command end the shell",
      async drive(terminal) {
        await runLine(terminal, "set -e");
        terminal.type("sh -c 'exit 6'\r");
      },
      ending: { code: 6, signal: 0 },
      record: { bash: [told("bash", 6, null)], zsh: [inferred("zsh", "pid_gone")] },
    },
    {
      title: "row 26: TMOUT ends the shell",
      plan: { after: "TMOUT=1" },
      drive: () => {},
      record: { bash: [told("bash", null, null)], zsh: [told("zsh", null, "signal")] },
    },
  ]);

  for (const kind of shellKinds) {
    test(`row 4: SIGKILL is proven by the process, between its start and its discovery (${kind})`, async (t) => {
      const sandbox = createUsedSandbox(t);
      const terminal = await openShell(t, sandbox, kind);
      const [started] = await assertRecord(sandbox, [open(kind)]);
      process.kill(terminal.pid, "SIGKILL");
      assert.deepEqual(await terminal.ended(), { code: 0, signal: 9 });
      const [ended] = await assertRecord(sandbox, [inferred(kind, "pid_gone")]);
      assert.equal(ended?.session_id, started?.session_id);
      assert.ok(String(ended?.ended_after) >= String(started?.started_at));
      assert.ok(String(ended?.ended_before) >= String(ended?.ended_after));
      assert.ok(String(ended?.ended_before) <= new Date().toISOString());
      assert.equal(ended?.ended_at, null);
    });

    test(`row 5: a shell of another boot is proven dead by it (${kind})`, async (t) => {
      const sandbox = createUsedSandbox(t);
      const bootId = "0b00700d-0000-4000-8000-000000000001";
      const lie = `echo ${bootId} >"$HOME/boot_id" && mount --bind "$HOME/boot_id" /proc/sys/kernel/random/boot_id && exec "$0"`;
      const terminal = startShell(t, sandbox, kind, { under: ["unshare", "-rm", "sh", "-c", lie] });
      await terminal.find("sb> ");
      const names = await eventually(() => {
        const found = stateFileNames(sandbox);
        assert.equal(found.length, 1);
        return found;
      });
      assert.ok(names[0]?.startsWith(`${bootId}.`));
      await assertRecord(sandbox, [inferred(kind, "rebooted")]);
    });
  }
});
