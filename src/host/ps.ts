/**
 * Owns what ps(1) and sysctl(8) tell about processes, for systems without proc(5): macOS. Loaded there alone.
 *
 * Proven by tests: this code against the ps of Debian, whose columns of these names mean the same, and the reading of
 * lines in the form that macOS documents. Not proven: that a Mac prints them so. What it prints otherwise is not read,
 * and then nothing is known; nobody is taken for dead, because that a pid is gone is asked of kill(2).
 */
import { spawnSync } from "node:child_process";
import type { Processes } from "./processes.ts";

/** Each has an option of its own: in BSD's ps, what follows a `=` up to the option's end is the column's title. */
const columns = ["pid=", "ppid=", "stat=", "lstart=", "ucomm="].flatMap((column) => ["-o", column]);

/**
 * State and start time as ps(1) prints them, the latter by strftime(3)'s `%c`: `Ss   Mon Feb  2 09:05:07 2026`. The name
 * may hold spaces. It is the one that the kernel keeps and sets at each exec; the columns `comm` and `command` are read
 * from the process's own memory, so that a difference would prove nothing.
 */
const linePattern = /^ *(\d+) +(\d+) +(\S+) +([A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}) +(.*?) *$/;

const timeoutMs = 5_000;

/** A line of ps(1). */
export interface PsLine {
  readonly pid: number;
  readonly parent: number;
  readonly hasExited: boolean;
  /** To the second, in UTC. The kernel keeps it as it was, also when the clock is set. Compared, never converted. */
  readonly started: string;
  readonly name: string;
}

/** @returns null when it is not in the form asked for */
export function parsePsLine(text: string): PsLine | null {
  const match = linePattern.exec(text.replace(/\n$/, ""));
  if (match === null) return null;
  const [, pid, parent, state = "", started = "", name = ""] = match;
  return { pid: Number(pid), parent: Number(parent), hasExited: /^[ZX]/.test(state), started, name };
}

/** @returns the value that sysctl(8) prints for `kern.bootsessionuuid`; null when it is no UUID */
export function parseBootSession(text: string): string | null {
  const id = text.trim();
  return /^[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$/.test(id) ? id : null;
}

/**
 * @param programs - where they are; by default where macOS has them, because a PATH may name others
 */
export function createPsProcesses(programs = { ps: "/bin/ps", sysctl: "/usr/sbin/sysctl" }): Processes {
  const lineOf = (pid: number) => {
    const line = parsePsLine(output(programs.ps, [...columns, "-p", String(pid)]));
    return line?.pid === pid ? line : null;
  };
  return {
    hasProc: false,
    // Not `kern.boottime`: that is a wall time, and moves when the clock is set.
    bootId: () => parseBootSession(output(programs.sysctl, ["-n", "kern.bootsessionuuid"])),
    bootClockMs: () => null,
    timeNamespace: () => null,
    // There is one namespace for all.
    pidNamespace: () => process.platform,
    stat(pid) {
      const line = lineOf(pid);
      if (line === null) return null;
      const { hasExited, started, name, parent } = line;
      return { hasExited, startTicks: started, comm: name, parent, ttyNumber: null };
    },
    parentOf: (pid) => lineOf(pid)?.parent ?? null,
    ownerOf: () => null,
    executableOf: (pid) => lineOf(pid)?.name ?? null,
    exeIdOf: () => null,
    compareProgram({ executable }, seen) {
      if (executable === null || executable.includes("/") || seen.executable === null) return "same";
      return seen.executable === executable ? "same" : "replaced";
    },
    isNameOfProgram: () => null,
    nameOf: (pid) => lineOf(pid)?.name.replace(/^-/, "") || null,
  };
}

function output(program: string, args: readonly string[]): string {
  const env = { LC_ALL: "C", TZ: "UTC" };
  const { status, stdout } = spawnSync(program, args, { env, encoding: "utf8", timeout: timeoutMs, stdio: "pipe" });
  return status === 0 ? stdout : "";
}
