/** Holds the write lock of a database from a process of its own, as a long transaction of another program would. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import type { TestContext } from "node:test";

export interface HeldLock {
  /** Gives the lock back; done by itself at the end of the test. */
  release(): Promise<void>;
}

// A process of its own: POSIX locks are lost when their process closes any other handle of the file.
const holder = `
  const database = new (require("node:sqlite").DatabaseSync)(process.argv[1]);
  database.exec("BEGIN IMMEDIATE");
  process.stdout.write("held");
  process.stdin.on("end", () => database.close()).resume();
`;

/** @param path - a database that exists */
export async function holdLock(t: TestContext, path: string): Promise<HeldLock> {
  const child = spawn(process.execPath, ["-e", holder, path], { stdio: ["pipe", "pipe", "inherit"] });
  t.after(() => child.kill("SIGKILL"));
  const exit = once(child, "exit");
  await once(child.stdout, "data");
  return {
    async release() {
      child.stdin.end();
      await exit;
    },
  };
}
