/** The program as one Node.js builds it, in a folder of its own: the launcher, and what the build makes beside it. */
import { copyFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { launcher, root, runToEnd } from "./sandbox.ts";

/**
 * @param folder - where `bin` and `dist` are made
 * @param node - the path of the Node.js that builds, whose code caches fit no other
 * @param launcherFile - what stands in `bin`; the build makes the code caches with its flags
 * @returns the path of the launcher in it
 */
export async function buildWith(folder: string, node: string, launcherFile = launcher): Promise<string> {
  const copy = join(folder, "bin/session-buddy");
  mkdirSync(join(folder, "bin"), { recursive: true });
  copyFileSync(launcherFile, copy);
  const { status, stderr } = await runToEnd(node, [join(root, ".ci/build.ts"), join(folder, "dist")]);
  if (status !== 0) throw new Error(`${node} cannot build the program: ${stderr}`);
  return copy;
}
