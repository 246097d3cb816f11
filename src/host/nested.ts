/**
 * Owns finding a process by the pid that it has in a pid namespace of its own, as in a container (pid_namespaces(7)): what
 * such a process calls itself is no pid here, or that of another process.
 */
import { readdirSync, readFileSync } from "node:fs";

/** A process in a namespace below ours. */
export interface NestedProcess {
  /** What it is called here. */
  readonly pid: number;
  /** When it started, as `Processes.stat` has it. */
  readonly startTicks: string;
}

export interface NestedProcesses {
  /**
   * @param pid - what the process calls itself
   * @param uid - the user that it acts as
   * @param sinceMs - when it is known to have been there, in milliseconds since the epoch
   * @returns all that go by that pid; `hidden` where other users' processes are (`hidepid`, proc(5)), `later` where a look
   *   at all processes would come too soon after another one
   */
  find(pid: number, uid: number, sinceMs: number): readonly NestedProcess[] | "hidden" | "later";
}

/** What looking may take of the time, at the most: whoever leaves files can make it look. */
const shareOfTime = 1 / 20;

interface Look {
  readonly beganMs: number;
  /** By what they call themselves and by user; null where other users' processes are hidden. */
  readonly found: ReadonlyMap<string, readonly NestedProcess[]> | null;
}

/**
 * @param root - the folder that `/proc` is in; the root folder by default
 * @param nowMs - the monotonic clock
 */
export function createNestedProcesses(root = "", nowMs = () => performance.now()): NestedProcesses {
  let last: Look = { beganMs: 0, found: null };
  let notBeforeMs = 0;
  const look = (): Look => {
    const began = nowMs();
    const beganMs = Date.now();
    const found = readText(`${root}/proc/1/stat`) === null ? null : lookThrough(root);
    const doneMs = nowMs();
    notBeforeMs = doneMs + (doneMs - began) / shareOfTime;
    return { beganMs, found };
  };
  return {
    find(pid, uid, sinceMs) {
      // A look that began after it was there has seen it, unless it had gone by then.
      if (last.beganMs <= sinceMs) {
        if (nowMs() < notBeforeMs) return "later";
        last = look();
      }
      return last.found === null ? "hidden" : (last.found.get(`${pid} ${uid}`) ?? []);
    },
  };
}

function lookThrough(root: string): ReadonlyMap<string, readonly NestedProcess[]> {
  const found = new Map<string, NestedProcess[]>();
  for (const name of readdirSync(`${root}/proc`)) {
    if (!/^\d+$/.test(name)) continue;
    const status = readText(`${root}/proc/${name}/status`) ?? "";
    const [, inner = "", uid = ""] = [...(/^NSpid:\t\d+\t(?:\d+\t)*(\d+)$/m.exec(status) ?? []), uidIn(status)];
    const startTicks = inner === "" ? undefined : startTicksOf(`${root}/proc/${name}/stat`);
    if (startTicks === undefined) continue;
    const key = `${inner} ${uid}`;
    found.set(key, [...(found.get(key) ?? []), { pid: Number(name), startTicks }]);
  }
  return found;
}

/** The user that it acts as: the second of the four. */
function uidIn(status: string): string {
  return /^Uid:\t\d+\t(\d+)/m.exec(status)?.[1] ?? "";
}

/** Field 22, the 20th after the command in its parentheses (proc_pid_stat(5)). */
function startTicksOf(path: string): string | undefined {
  const text = readText(path) ?? "";
  return text.slice(text.lastIndexOf(")") + 2).split(" ")[19];
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}
