/** Owns a command that runs beside a test: its lines as they come, and its end with the test. */
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import type { TestContext } from "node:test";

/** @param child - with pipes; it is killed when the test is done */
export function followChild<Child extends ChildProcess & { readonly stdout: Readable; readonly stderr: Readable }>(
  t: TestContext,
  child: Child,
) {
  const ended = once(child, "exit");
  t.after(async () => {
    child.kill("SIGKILL");
    await ended;
  });
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on("line", (line) => lines.push(line));
  let errors = "";
  child.stderr.on("data", (chunk: Buffer) => {
    errors += chunk;
  });
  return { child, lines, errors: () => errors, ended };
}
