/** Owns the look at a working directory of this machine (contract section 1). For `app.ts` alone. */
import { constants, promises } from "node:fs";

/** @returns what is wrong with the directory, null when it exists and this user may enter it. */
export async function directoryProblem(
  path: string,
): Promise<"does not exist" | "is not a directory" | "is not accessible" | null> {
  try {
    // A NUL byte is in no path; Node refuses it with an error of its own.
    if (path === "" || path.includes("\0")) return "does not exist";
    if (!(await promises.stat(path)).isDirectory()) return "is not a directory";
    await promises.access(path, constants.X_OK);
    return null;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT" || code === "ENAMETOOLONG") return "does not exist";
    return code === "ENOTDIR" ? "is not a directory" : "is not accessible";
  }
}
