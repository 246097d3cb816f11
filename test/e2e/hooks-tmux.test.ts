/** Proves that shells in the panes of tmux and screen are on record for as long as they live, and no longer. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { eventually } from "../support/eventually.ts";
import { runToEnd } from "../support/sandbox.ts";
import { openTerminal } from "../support/shells/pty.ts";
import {
  assertRecord,
  createHome,
  createUsedSandbox,
  open,
  openShell,
  runLine,
  type ShellKind,
  shellKinds,
  told,
} from "../support/shells/shells.ts";
import { createTmux, prepareTmux } from "../support/shells/tmux.ts";

const hungUp = (kind: ShellKind) => told(kind, null, "hangup");
const killings = [["kill-pane", "-t", "main"], ["kill-session", "-t", "main"], ["kill-server"]];

describe("tmux and screen", { concurrency: 4 }, () => {
  for (const kind of shellKinds) {
    for (const args of killings) {
      test(`row 20: ${args[0]} is a hangup of the shell in the pane (${kind})`, async (t) => {
        const sandbox = createUsedSandbox(t);
        const tmux = await createTmux(t, sandbox, kind);
        await tmux.prompted();
        await tmux.run(...args);
        await assertRecord(sandbox, [hungUp(kind)]);
      });
    }

    test(`row 20: respawn-pane -k ends one shell and starts another (${kind})`, async (t) => {
      const sandbox = createUsedSandbox(t);
      const tmux = await createTmux(t, sandbox, kind);
      await tmux.prompted();
      await tmux.run("respawn-pane", "-k", "-t", "main", kind);
      await tmux.prompted();
      await assertRecord(sandbox, [hungUp(kind), open(kind)]);
      await tmux.run("kill-server");
      await assertRecord(sandbox, [hungUp(kind), hungUp(kind)]);
    });

    test(`row 20: screen quit is a hangup of the shell in the window (${kind})`, async (t) => {
      const sandbox = createUsedSandbox(t);
      const env = { ...createHome(sandbox, kind), SCREENDIR: join(sandbox.folder, "screens") };
      mkdirSync(env.SCREENDIR, { mode: 0o700 });
      const server = spawn("screen", ["-D", "-m", "-S", "main", kind], { env, cwd: sandbox.folder, stdio: "ignore" });
      t.after(() => server.kill("SIGKILL"));
      await assertRecord(sandbox, [open(kind)]);
      await runToEnd("screen", ["-S", "main", "-X", "quit"], { env, cwd: sandbox.folder });
      await assertRecord(sandbox, [hungUp(kind)]);
    });

    test(`row 21: the window of a tmux client that is closed is no end (${kind})`, async (t) => {
      const sandbox = createUsedSandbox(t);
      const tmux = await createTmux(t, sandbox, kind);
      await tmux.prompted();
      const [program = "", ...args] = [...tmux.command, "attach"];
      const client = openTerminal(t, program, args, { env: { ...tmux.env, TERM: "xterm" }, cwd: sandbox.folder });
      await client.find("sb>");
      client.close();
      await client.ended();
      await eventually(async () => assert.equal(await tmux.run("list-clients"), ""));
      await assertRecord(sandbox, [open(kind)]);
    });

    test(`row 22: panes of a server that a shell on record started have sessions of their own (${kind})`, async (t) => {
      const sandbox = createUsedSandbox(t);
      const tmux = prepareTmux(t, sandbox, kind);
      const outer = await openShell(t, sandbox, kind);
      const start = [...tmux.command, "new-session -d -s main", kind].join(" ");
      await runLine(outer, start);
      await tmux.run("new-window", "-d", kind);
      const rows = await assertRecord(sandbox, [open(kind), open(kind), open(kind)]);
      assert.equal(new Set(rows.map((row) => row.pid)).size, 3);
      outer.type("exit 3\r");
      await outer.ended();
      await assertRecord(sandbox, [open(kind), open(kind), told(kind, 3, kind === "fish" ? null : "exit")]);
      await tmux.run("kill-server");
      await assertRecord(sandbox, [hungUp(kind), hungUp(kind), told(kind, 3, kind === "fish" ? null : "exit")]);
    });
  }
});
