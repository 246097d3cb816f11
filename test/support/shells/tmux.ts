/** A tmux server of a test's own, with shells in its panes, stopped when the test is done. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { eventually } from "../eventually.ts";
import { runToEnd, type Sandbox } from "../sandbox.ts";
import { withoutTerminals } from "./pty.ts";
import { createHome, type ShellKind, type ShellPlan } from "./shells.ts";

export interface Tmux {
  /** Its command line: `tmux -S SOCKET …`. */
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Runs a command of tmux that must succeed. @returns what it prints */
  run(...args: readonly string[]): Promise<string>;
  /** Waits for the prompt of a pane, `main` by default. */
  prompted(pane?: string): Promise<void>;
}

/** Starts a server with a session `main` of one pane. @param name - of its socket */
export async function createTmux(
  t: TestContext,
  sandbox: Sandbox,
  kind: ShellKind,
  plan: ShellPlan = {},
  name = "tmux",
): Promise<Tmux> {
  const tmux = prepareTmux(t, sandbox, kind, plan, name);
  // tmux runs it by a shell, which would be the one that the terminal hangs up.
  await tmux.run("new-session", "-d", "-s", "main", "-x", "80", "-y", "24", `exec ${kind}`);
  return tmux;
}

/** The same for a server that the test starts itself. */
export function prepareTmux(
  t: TestContext,
  sandbox: Sandbox,
  kind: ShellKind,
  plan: ShellPlan = {},
  name = "tmux",
): Tmux {
  const env = createHome(sandbox, kind, plan);
  const folder = plan.under === undefined ? sandbox.folder : (env.HOME ?? "");
  const command = [...(plan.under ?? []), "tmux", "-f", "/dev/null", "-S", join(folder, name)];
  const [program = "", ...rest] = withoutTerminals;
  const call = async (args: readonly string[]) => {
    const { status, stdout, stderr } = await runToEnd(program, [...rest, ...command, ...args], { env, cwd: folder });
    assert.equal(status, 0, stderr);
    return stdout;
  };
  let server: number | null = null;
  t.after(() => {
    if (server !== null) killTmux(server);
  });
  const run = async (...args: readonly string[]) => {
    const isLast = args[0] === "kill-server";
    const stdout = await call(args);
    if (!isLast) server ??= Number(await call(["display-message", "-p", "#{pid}"]).catch(() => null)) || null;
    return stdout;
  };
  return {
    command,
    env,
    run,
    prompted: (pane = "main") =>
      eventually(async () => assert.match(await run("capture-pane", "-p", "-t", pane), /sb>/)),
  };
}

/** Its socket may be gone, so it is killed by its pid, while that is a tmux. */
function killTmux(pid: number): void {
  try {
    if (readFileSync(`/proc/${pid}/comm`, "utf8").startsWith("tmux")) process.kill(pid, "SIGKILL");
  } catch {
    // It is gone already.
  }
}
