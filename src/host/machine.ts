/** Owns what identifies this machine, its boot and its user. For `app.ts` alone. */
import { readFileSync, writeFileSync } from "node:fs";
import { hostname, machine, release, type as systemName, userInfo } from "node:os";
import { dirname } from "node:path";
import type { BootClock, ProcessIdentity } from "../tracker/event.ts";
import { makeFolders } from "./folder.ts";
import { type Processes, type ProcessHome, processIdentity } from "./process.ts";

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
 */
export function createMachine(hostIdFile: string, processes: Processes): Machine {
  const home = { hostId: hostId(hostIdFile), bootId: processes.bootId(), processes };
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

/** An id of this machine, made once; null when none can be kept. */
function hostId(path: string): string | null {
  return readLine(path) ?? madeOnce(path);
}

function madeOnce(path: string): string | null {
  try {
    makeFolders(dirname(path));
    writeFileSync(path, `${newUuid()}\n`, { mode: 0o600, flag: "wx" });
  } catch {
    // Another process was first, or the folder cannot be written; reading tells which.
  }
  return readLine(path);
}

/**
 * @returns a UUID version 4. The kernel makes it where it can (random(4)), because loading node:crypto costs a fifth of
 * what an empty Node.js costs.
 */
export function newUuid(): string {
  return readLine("/proc/sys/kernel/random/uuid") ?? process.getBuiltinModule("node:crypto").randomUUID();
}

function readLine(path: string): string | null {
  try {
    const line = readFileSync(path, "utf8").split("\n", 1)[0]?.trim() ?? "";
    return line === "" ? null : line;
  } catch {
    return null;
  }
}
