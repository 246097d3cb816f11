/** Another process that holds the write lock of a database, as a backup or a hung program would. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import type { TestContext } from "node:test";

export interface HeldLock {
  /** Ends the other process, and with it the lock. */
  release(): Promise<void>;
}

const holder = `
  const { DatabaseSync } = require("node:sqlite");
  const database = new DatabaseSync(process.argv[1]);
  database.exec("BEGIN EXCLUSIVE");
  process.stdout.write("locked");
  process.stdin.resume().on("end", () => database.exec("ROLLBACK"));
`;

/** Takes the lock of a database that exists; the answer comes when it is held. */
export async function holdLock(t: TestContext, database: string): Promise<HeldLock> {
  const child = spawn(process.execPath, ["-e", holder, database], { stdio: ["pipe", "pipe", "inherit"] });
  t.after(() => child.kill("SIGKILL"));
  const ended = once(child, "exit");
  const first = await Promise.race([once(child.stdout, "data"), ended]);
  if (!Buffer.isBuffer(first[0])) throw new Error("the lock could not be taken");
  return {
    async release() {
      child.stdin.end();
      await ended;
    },
  };
}
