/** Owns what this machine can tell about one of its processes, from proc(5). For `app.ts` alone. */
import { readFileSync, readlinkSync } from "node:fs";
import { basename } from "node:path";
import type { ProcessIdentity } from "../tracker/event.ts";

/** `/proc/PID/stat` counts its fields from 1; what follows the command's `)` begins with field 3. */
const fieldAfterCommand = 3;
const parentField = 4;
const startTimeField = 22;

/** What `/proc/PID/stat` says of a process. */
export interface ProcessStat {
  /** Whether it has ended and only waits for its parent to notice (state Z or X). */
  readonly hasExited: boolean;
  /** Clock ticks between boot and the start of the process. */
  readonly startTicks: string;
}

/** @returns null when there is no such process, or none that may be looked at. */
export function processStat(pid: number): ProcessStat | null {
  const fields = statFields(pid);
  if (fields === null) return null;
  const startTicks = fields[startTimeField - fieldAfterCommand];
  if (startTicks === undefined) return null;
  return { hasExited: fields[0] === "Z" || fields[0] === "X", startTicks };
}

/** @returns the parent of a process, 0 for the first of all; null when there is no such process to look at. */
export function parentOf(pid: number): number | null {
  const parent = statFields(pid)?.[parentField - fieldAfterCommand];
  return parent === undefined ? null : Number(parent);
}

function statFields(pid: number): string[] | null {
  const text = readText(`/proc/${pid}/stat`);
  // The command is in parentheses and may itself hold parentheses and spaces.
  return text === null ? null : text.slice(text.lastIndexOf(")") + 2).split(" ");
}

/**
 * Identifies a running process of this machine.
 *
 * @param machine - the ids of the machine and its boot
 */
export function processIdentity(pid: number, machine: Pick<ProcessIdentity, "hostId" | "bootId">): ProcessIdentity {
  return {
    ...machine,
    pidNamespace: pidNamespace(),
    pid,
    startTicks: processStat(pid)?.startTicks ?? null,
    executable: readLink(`/proc/${pid}/exe`),
  };
}

/** @returns the inode of the pid namespace this program sees pids in, null where there is none. */
export function pidNamespace(): string | null {
  return /\[(\d+)\]/.exec(readLink("/proc/self/ns/pid") ?? "")?.[1] ?? null;
}

/** @returns the command name of a process without a login shell's dash, such as `bash`; null where not known. */
export function processName(pid: number): string | null {
  const name = readText(`/proc/${pid}/comm`)?.trim().replace(/^-/, "");
  if (name) return name;
  const executable = readLink(`/proc/${pid}/exe`);
  return executable === null ? null : basename(executable);
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
