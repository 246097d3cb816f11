/** Owns what a system can tell about its processes, whichever way it tells it, and how one process is identified. */
import type { ProcessIdentity } from "../tracker/event.ts";
import type { Program, ProgramVerdict } from "./program.ts";

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
  /** @returns the user that the process acts as; null where not known */
  ownerOf(pid: number): number | null;
  /** @returns what the process runs: a path, or a name where the system keeps no path; null when not known */
  executableOf(pid: number): string | null;
  /** @returns the file that the process runs, by any name: `DEVICE:INODE`; null when it may not be looked at */
  exeIdOf(pid: number): string | null;
  /** @returns whether a process that runs what is seen still runs what is recorded (`program.ts`) */
  compareProgram(recorded: Program, seen: Program): ProgramVerdict;
  /** @returns whether the recorded path is a name of the file that is seen running; null where that cannot be told */
  isNameOfProgram(recorded: Program, seen: Program): boolean | null;
  /** @returns the command name without a login shell's dash, such as `bash`; null where not known */
  nameOf(pid: number): string | null;
}

/** What a system says of a process. */
export interface ProcessStat {
  /** Whether it has ended and only waits for its parent to notice (state Z or X). */
  readonly hasExited: boolean;
  /** When it started, in the system's own words: clock ticks since boot, or a text. Compared, never converted. */
  readonly startTicks: string;
  /** The name that the kernel keeps since the last `exec`. */
  readonly comm: string;
  /** 0 for the first of all; null where the system does not say. */
  readonly parent: number | null;
  /** The controlling terminal as the kernel numbers it, 0 for none; null where the system does not say. */
  readonly ttyNumber: number | null;
}

/**
 * Identifies a running process of this machine.
 *
 * @param machine - the ids of the machine and its boot
 */
export function processIdentity(pid: number, home: ProcessHome): ProcessIdentity {
  return identityByStat(pid, home.processes.stat(pid), home);
}

/**
 * The same for who has looked at it already.
 *
 * @param stat - read just before: the name is read before the file, so that an `exec` between the two shows as another
 *   file, never as the old one
 */
export function identityByStat(
  pid: number,
  stat: ProcessStat | null,
  { hostId, bootId, processes }: ProcessHome,
): ProcessIdentity {
  return {
    hostId,
    bootId,
    pidNamespace: processes.pidNamespace(),
    pid,
    startTicks: stat?.startTicks ?? null,
    executable: processes.executableOf(pid),
    exeId: processes.exeIdOf(pid),
    comm: stat?.comm ?? null,
  };
}

/** Where a process is looked at: the ids of the machine and its boot, and what the system can tell. */
export interface ProcessHome extends Pick<ProcessIdentity, "hostId" | "bootId"> {
  readonly processes: Processes;
}

/** No line of ancestors is longer; a machine that lies about parents must not keep us for ever. */
const mostAncestors = 10_000;

/** @returns a process, its parent, and so on, as far as they can be looked at */
export function lineage(pid: number, processes: Pick<Processes, "parentOf">): readonly number[] {
  const line: number[] = [];
  for (let at: number | null = pid; at !== null && at > 0 && line.length < mostAncestors; at = processes.parentOf(at)) {
    line.push(at);
  }
  return line;
}
