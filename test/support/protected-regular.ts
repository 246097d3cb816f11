/** The kernel's protection of files in sticky folders, which is the whole machine's: one test at a time sets it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";

const setting = "/proc/sys/fs/protected_regular";
const lockFile = join(tmpdir(), "session-buddy-test-protected-regular");

/**
 * Sets `fs.protected_regular` until the test ends. A kernel that does not let it be set, as in a container, is tried as it is.
 */
export async function setProtectedRegular(t: TestContext, value: string): Promise<void> {
  // Two tests that did so at once would each give back what the other has set.
  const lock = spawn("flock", [lockFile, "sh", "-c", "echo held; exec cat"], { stdio: ["pipe", "pipe", "ignore"] });
  let before: string | null = null;
  t.after(() => {
    if (before !== null) writeFileSync(setting, before);
    lock.stdin.end();
  });
  await once(lock.stdout, "data");
  const found = readFileSync(setting, "utf8");
  try {
    writeFileSync(setting, value);
    before = found;
  } catch {
    // It stays as it is.
  }
}
