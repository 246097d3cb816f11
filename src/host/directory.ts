/** Owns the look at a working directory of this machine (contract section 1), which may take for ever on a dead mount. */
import { constants, promises } from "node:fs";
import { dirname } from "node:path";
import type { DirectoryProblem } from "../tracker/tracker.ts";

/** Looks at directories, one at a time, and gives up those that take too long. */
export interface Directories {
  /** @returns what is wrong with the directory; `is not accessible` when that could not be seen in time */
  problem(path: string): Promise<DirectoryProblem | null>;
  /** Whether a look is under way that was given up: its thread cannot be ended, and the process does not end by itself. */
  readonly isStuck: boolean;
}

/** A look that was given up. Null where the system does not tell of mounts: then every directory is on the same one. */
interface StuckLook {
  readonly mount: string | null;
}

const usualDeadlineMs = 2_000;
/** Of the four threads that read files and check tokens, as many may be lost, each to a mount of its own. */
const mostStuck = 2;

/**
 * @param deadlineMs - how long a look may take, with its waiting for others
 * @param look - as {@link directoryProblem}
 */
export function createDirectories(deadlineMs = usualDeadlineMs, look = directoryProblem): Directories {
  const stuck = new Set<StuckLook>();
  let last: Promise<unknown> = Promise.resolve();

  const isOnStuckMount = async (path: string): Promise<boolean> => {
    if (stuck.size === 0) return false;
    if (stuck.size >= mostStuck) return true;
    const mount = await mountOf(path);
    return [...stuck].some((other) => other.mount === mount);
  };
  const lookInTime = async (path: string, endsAtMs: number): Promise<DirectoryProblem | null> => {
    if (await isOnStuckMount(path)) return "is not accessible";
    const looking = look(path);
    const seen = await inTime(looking, endsAtMs - performance.now());
    if (seen !== "late") return seen;
    const entry = { mount: await mountOf(path) };
    stuck.add(entry);
    void looking.finally(() => stuck.delete(entry));
    return "is not accessible";
  };

  return {
    async problem(path) {
      const endsAtMs = performance.now() + deadlineMs;
      const turn = last.then(() => lookInTime(path, Math.max(endsAtMs, performance.now() + shortestLookMs)));
      last = turn.catch(() => {});
      return turn;
    },
    get isStuck() {
      return stuck.size > 0;
    },
  };
}

/** Whoever has waited for another look gets so much time for its own nevertheless, in milliseconds. */
const shortestLookMs = 200;

async function inTime<T>(work: Promise<T>, timeoutMs: number): Promise<T | "late"> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<"late">((resolve) => {
    timer = setTimeout(resolve, timeoutMs, "late");
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

const mountPointField = 4;

/** @returns the mount point of a path as it is written, which touches no mount; null where there is no table of them */
async function mountOf(path: string): Promise<string | null> {
  const table = await promises.readFile("/proc/self/mountinfo", "utf8").catch(() => null);
  if (table === null) return null;
  const points = new Set(table.split("\n").map((line) => unescaped(line.split(" ")[mountPointField] ?? "")));
  let at = path;
  while (!points.has(at) && at !== dirname(at)) at = dirname(at);
  return at;
}

/** The table has blanks and backslashes as octal numbers (proc_pid_mountinfo(5)). */
function unescaped(point: string): string {
  return point.replaceAll(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

/** @returns what is wrong with the directory, null when it exists and this user may enter it. */
export async function directoryProblem(path: string): Promise<DirectoryProblem | null> {
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
