/** Owns what this machine can tell about its processes, from proc(5) where there is one. For `app.ts` alone. */
import { readFileSync, readlinkSync, realpathSync, statSync } from "node:fs";
import { basename } from "node:path";
import type { ProcessIdentity } from "../tracker/event.ts";

/** What a system can tell about its processes. */
export interface Processes {
  /** Whether there is proc(5). */
  readonly hasProc: boolean;
  /** @returns an id of this boot, null where there is none */
  bootId(): string | null;
  /** @returns milliseconds since boot, suspend included; null where the system does not say */
  bootClockMs(): number | null;
  /** @returns what tells this boot clock from the shifted one that a container sees; null for the machine's own */
  timeNamespace(): string | null;
  /** @returns what tells the pids that this program sees from those that a container sees; null where not known */
  pidNamespace(): string | null;
  /** @returns null when there is no such process, or none that may be looked at */
  stat(pid: number): ProcessStat | null;
  /** @returns the parent of a process, 0 for the first of all; null when there is no such process to look at */
  parentOf(pid: number): number | null;
  /** @returns what the process runs: a path, or a name where the system keeps no path; null when not known */
  executableOf(pid: number): string | null;
  /** @returns whether the process is known to run something else */
  hasReplaced(pid: number, executable: string): boolean;
  /** @returns the command name without a login shell's dash, such as `bash`; null where not known */
  nameOf(pid: number): string | null;
}

/** What a system says of a process. */
export interface ProcessStat {
  /** Whether it has ended and only waits for its parent to notice (state Z or X). */
  readonly hasExited: boolean;
  /** When it started, in the system's own words: clock ticks since boot, or a text. Compared, never converted. */
  readonly startTicks: string;
}

/** Of other systems nothing can be told but by proc(5): it is all unknown there. */
export async function openProcesses(): Promise<Processes> {
  if (process.platform !== "darwin") return procProcesses;
  const { createPsProcesses } = await import("./ps.ts");
  return createPsProcesses();
}

/** The processes of a system with proc(5). */
export const procProcesses: Processes = {
  get hasProc() {
    return pidNamespace() !== null;
  },
  bootId: () => readText("/proc/sys/kernel/random/boot_id")?.trim() || null,
  bootClockMs() {
    const seconds = Number.parseFloat(readText("/proc/uptime") ?? "");
    return Number.isNaN(seconds) ? null : Math.round(seconds * 1000);
  },
  timeNamespace,
  pidNamespace,
  stat(pid) {
    const fields = statFields(pid);
    const startTicks = fields?.[startTimeField - fieldAfterCommand];
    if (startTicks === undefined) return null;
    return { hasExited: fields?.[0] === "Z" || fields?.[0] === "X", startTicks };
  },
  parentOf(pid) {
    const parent = statFields(pid)?.[parentField - fieldAfterCommand];
    return parent === undefined ? null : Number(parent);
  },
  executableOf: (pid) => readLink(`/proc/${pid}/exe`),
  hasReplaced(pid, executable) {
    try {
      // Files before names: a shell is called by many paths, and an update may replace its file under it.
      if (isSameFile(`/proc/${pid}/exe`, executable)) return false;
      const running = readlinkSync(`/proc/${pid}/exe`).replace(/ \(deleted\)$/, "");
      return running !== executable && running !== resolved(executable);
    } catch {
      // Another user's process may be seen, but not what it runs.
      return false;
    }
  },
  nameOf(pid) {
    const name = readText(`/proc/${pid}/comm`)?.trim().replace(/^-/, "");
    if (name) return name;
    const executable = readLink(`/proc/${pid}/exe`);
    return executable === null ? null : basename(executable);
  },
};

/**
 * Identifies a running process of this machine.
 *
 * @param machine - the ids of the machine and its boot
 */
export function processIdentity(pid: number, { hostId, bootId, processes }: ProcessHome): ProcessIdentity {
  return {
    hostId,
    bootId,
    pidNamespace: processes.pidNamespace(),
    pid,
    startTicks: processes.stat(pid)?.startTicks ?? null,
    executable: processes.executableOf(pid),
  };
}

/** Where a process is looked at: the ids of the machine and its boot, and what the system can tell. */
export interface ProcessHome extends Pick<ProcessIdentity, "hostId" | "bootId"> {
  readonly processes: Processes;
}

/** `/proc/PID/stat` counts its fields from 1; what follows the command's `)` begins with field 3. */
const fieldAfterCommand = 3;
const parentField = 4;
const startTimeField = 22;

function statFields(pid: number): string[] | null {
  const text = readText(`/proc/${pid}/stat`);
  // The command is in parentheses and may itself hold parentheses and spaces.
  return text === null ? null : text.slice(text.lastIndexOf(")") + 2).split(" ");
}

/** The initial time namespace has this inode on every machine (`PROC_TIME_INIT_INO` of Linux). */
const initialTimeNamespace = "4026531834";

function timeNamespace(): string | null {
  const inode = namespaceInode("time");
  return inode === initialTimeNamespace ? null : inode;
}

/** In a time namespace the start times of all processes are shifted (time_namespaces(7)), and cannot be compared outside. */
function pidNamespace(): string | null {
  const inode = namespaceInode("pid");
  const time = timeNamespace();
  return inode === null || time === null ? inode : `${inode}/${time}`;
}

/** A process stays in the namespaces that it sees; a sweep asks once for each session. */
const inodes = new Map<string, string | null>();

function namespaceInode(name: string): string | null {
  const known = inodes.get(name);
  if (known !== undefined) return known;
  const inode = /\[(\d+)\]/.exec(readLink(`/proc/self/ns/${name}`) ?? "")?.[1] ?? null;
  inodes.set(name, inode);
  return inode;
}

function isSameFile(a: string, b: string): boolean {
  const [one, other] = [statSync(a), statSync(b, { throwIfNoEntry: false })];
  return other !== undefined && one.dev === other.dev && one.ino === other.ino;
}

function resolved(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}

function readLink(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}
