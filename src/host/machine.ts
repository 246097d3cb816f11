/** Owns what identifies this machine, its boot and its user. */
import { readFileSync } from "node:fs";
import { hostname, machine, release, type as systemName, userInfo } from "node:os";
import type { BootClock, ProcessIdentity } from "../tracker/event.ts";
import { type HostId, openHostId } from "./host-id.ts";
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
  /** Whether something is, or was, wrong with the host's id. */
  readonly hostIdState: Omit<HostId, "id">;
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
export function createMachine(hostIdFile: string, processes: Processes, machineIdFile = usualMachineIdFile): Machine {
  const { id, ...hostIdState } = openHostId(hostIdFile, thisMachineId(machineIdFile), newUuid);
  const home = { hostId: id, bootId: processes.bootId(), processes };
  const time = processes.timeNamespace();
  const clockId = home.bootId === null || time === null ? home.bootId : `${home.bootId}/${time}`;
  return {
    facts: machineFacts(),
    ...home,
    hostIdState,
    clockId,
    identify: (pid) => processIdentity(pid, home),
    bootClock: () => {
      const ms = processes.bootClockMs();
      return clockId === null || ms === null ? null : { bootId: clockId, ms };
    },
  };
}

/** On systems without proc(5) nothing can be found out: all of it is unknown there. */
export async function openProcesses(): Promise<Processes> {
  if (process.platform !== "darwin") return createProcProcesses();
  const { createPsProcesses } = await import("./ps.ts");
  return createPsProcesses();
}

const usualMachineIdFile = "/etc/machine-id";

/** @returns what tells machines apart that share a home folder or have a copy of it (machine-id(5)); null where there is none */
export function thisMachineId(file = usualMachineIdFile): string | null {
  const id = readLine(file);
  return id !== null && /^[0-9a-f]{32}$/.test(id) ? id : null;
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
 * @returns a UUID version 4. The kernel makes it where it can (random(4)), because loading node:crypto costs a fifth of
 * what an empty Node.js costs.
 */
export function newUuid(): string {
  return readLine("/proc/sys/kernel/random/uuid") ?? process.getBuiltinModule("node:crypto").randomUUID();
}

/** @returns the first line; null when it is empty, or there is no such file */
function readLine(path: string): string | null {
  try {
    return readFileSync(path, "latin1").split("\n", 1)[0]?.trim() || null;
  } catch {
    return null;
  }
}
