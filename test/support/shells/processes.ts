/** Processes that stand for shells: they do nothing, and end when a test says so. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { TestContext } from "node:test";
import { runWell } from "../rows.ts";
import type { Sandbox } from "../sandbox.ts";

/** A process that ends with the test at the latest. */
export function sleeper(t: TestContext): ChildProcess {
  const child = spawn("sleep", ["120"], { stdio: "ignore" });
  t.after(() => child.kill("SIGKILL"));
  return child;
}

/** Kills a process as nothing else can be told by it. @returns a moment at which it was surely dead */
export async function killed(child: ChildProcess): Promise<number> {
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
  return Date.now();
}

/** A session on record whose process does nothing. */
export async function openSession(t: TestContext, sandbox: Sandbox): Promise<{ id: string; child: ChildProcess }> {
  const child = sleeper(t);
  const id = (await runWell(sandbox, ["start", "--pid", String(child.pid)])).trim();
  return { id, child };
}
