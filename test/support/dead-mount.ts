/** A directory on a mount whose other side never answers, as a network file system whose server has gone. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { TestContext } from "node:test";

/** @returns whether this user may make one */
export const canMountDead = process.getuid?.() === 0;

/**
 * Makes one, until the test is done. Whatever looks into it waits until it is killed or the mount is gone.
 *
 * @returns its path, in which there is a blank
 */
export async function mountDead(t: Pick<TestContext, "after">): Promise<string> {
  const path = join(mkdtempSync(join(tmpdir(), "session-buddy-dead-")), "dead mount");
  mkdirSync(path);
  // A file system of FUSE is there as soon as it is mounted; what it holds is asked of who has the device open.
  const options = "fd=9,rootmode=40000,user_id=0,group_id=0,allow_other";
  const script = `exec 9<>/dev/fuse; mount -i -t fuse -o ${options} dead "$1" && echo mounted; exec sleep infinity`;
  const child = spawn("bash", ["-c", script, "bash", path], { stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => {
    // The kernel lets everybody go who waits for it.
    child.kill("SIGKILL");
    execFileSync("umount", ["-l", path]);
    rmSync(dirname(path), { recursive: true });
  });
  await once(child.stdout, "data");
  return path;
}
