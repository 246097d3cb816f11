/** Owns what identifies this machine, its boot and its user. For `app.ts` alone. */
import { linkSync, readFileSync, unlinkSync, writeFileSync } from "node:fs";
import { hostname, machine, release, type as systemName, userInfo } from "node:os";
import { dirname } from "node:path";
import type { BootClock, ProcessIdentity } from "../tracker/event.ts";
import { makeFolders } from "./folder.ts";
import { createProcProcesses } from "./proc.ts";
import { type Processes, type ProcessHome, processIdentity } from "./processes.ts";

/** Facts about the machine and the user that runs this program. */
export interface MachineFacts {
  readonly hostname: string;
  /** For example `Linux-6.1.0-x86_64`. */
  readonly platform: string;
  readonly username: string;
  readonly home: string;
}

/** What this machine can say about itself and its processes. */
export interface Machine extends ProcessHome {
  readonly facts: MachineFacts;
  identify(pid: number): ProcessIdentity;
  /** What a boot clock is compared by: the boot, and the namespace of the clock where that is not the machine's own. */
  readonly clockId: string | null;
  /** This moment on the boot clock. */
  bootClock(): BootClock | null;
}

/**
 * @param hostIdFile - where the host's id is kept, mode 0600; made when it is missing
 * @param processes - what the system can tell about its processes
 * @param machineIdFile - tells hosts apart that share a home folder (machine-id(5)); need not exist
 */
export function createMachine(hostIdFile: string, processes: Processes, machineIdFile = "/etc/machine-id"): Machine {
  const home = { hostId: hostId(hostIdFile, machineIdFile), bootId: processes.bootId(), processes };
  const time = processes.timeNamespace();
  const clockId = home.bootId === null || time === null ? home.bootId : `${home.bootId}/${time}`;
  return {
    facts: machineFacts(),
    ...home,
    clockId,
    identify: (pid) => processIdentity(pid, home),
    bootClock: () => {
      const ms = processes.bootClockMs();
      return clockId === null || ms === null ? null : { bootId: clockId, ms };
    },
  };
}

/** Of other systems nothing can be told but by proc(5): it is all unknown there. */
export async function openProcesses(): Promise<Processes> {
  if (process.platform !== "darwin") return createProcProcesses();
  const { createPsProcesses } = await import("./ps.ts");
  return createPsProcesses();
}

function machineFacts(): MachineFacts {
  return { hostname: hostname(), platform: `${systemName()}-${release()}-${machine()}`, ...currentUser() };
}

/** A user without a passwd entry, as in many containers, has a number for a name. */
function currentUser(): Pick<MachineFacts, "username" | "home"> {
  try {
    const { username, homedir } = userInfo();
    return { username, home: homedir };
  } catch {
    return { username: String(process.geteuid?.() ?? ""), home: "" };
  }
}

/**
 * An id of this machine, made once; null when none can be kept. Where hosts share a home folder, the one that was first
 * has the file, and each other one a file of its own: else each would take the others' boots for its own.
 */
function hostId(path: string, machineIdFile: string): string | null {
  const machineId = readLine(machineIdFile);
  const isKnown = machineId !== null && /^[0-9a-f]{32}$/.test(machineId);
  const first = idOf(path, isKnown ? machineId : null);
  if (!isKnown || first === null || first.machineId === null || first.machineId === machineId) return first?.id ?? null;
  return idOf(`${path}-${machineId}`, machineId)?.id ?? null;
}

interface KeptId {
  readonly id: string;
  /** Of the machine that made the file; null where it had none. */
  readonly machineId: string | null;
}

function idOf(path: string, machineId: string | null): KeptId | null {
  return keptId(path) ?? madeOnce(path, machineId);
}

function madeOnce(path: string, machineId: string | null): KeptId | null {
  try {
    makeFolders(dirname(path));
    const text = [newUuid(), ...(machineId === null ? [] : [machineId]), ""].join("\n");
    const whole = `${path}.${process.pid}`;
    writeFileSync(whole, text, { mode: 0o600 });
    // Nobody may read half of it.
    try {
      linkSync(whole, path);
    } finally {
      unlinkSync(whole);
    }
  } catch {
    // Another process was first, or the folder cannot be written; reading tells which.
  }
  return keptId(path);
}

function keptId(path: string): KeptId | null {
  const [id = null, machineId = null] = readLines(path);
  return id === null ? null : { id, machineId };
}

/**
 * @returns a UUID version 4. The kernel makes it where it can (random(4)), because loading node:crypto costs a fifth of
 * what an empty Node.js costs.
 */
export function newUuid(): string {
  return readLine("/proc/sys/kernel/random/uuid") ?? process.getBuiltinModule("node:crypto").randomUUID();
}

function readLine(path: string): string | null {
  return readLines(path)[0] ?? null;
}

/** @returns the lines that are not empty; none when there is no such file */
function readLines(path: string): string[] {
  try {
    return readFileSync(path, "utf8")
      .split("\n")
      .map((line) => line.trim())
      .filter(Boolean);
  } catch {
    return [];
  }
}
