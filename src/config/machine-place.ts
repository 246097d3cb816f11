/** Owns whether this machine keeps a record of everybody's shells, and where: its spool and its socket. */
import { existsSync } from "node:fs";
import { follow } from "../host/trusted-path.ts";
import type { Config } from "./config.ts";

/** Where the machine's record takes shells' files, and where it answers. */
export interface MachinePlace {
  /** Folder in which every user can leave files, and only the service can list them. */
  readonly spool: string;
  /** Unix socket; nothing need listen on it at this moment. */
  readonly socket: string;
}

/** Marks a machine whose service is installed while it does not run, when its socket is gone. */
export const systemUnitFile = "/etc/systemd/system/session-buddy.service";

const stickyBit = 0o1000;
const othersMayList = 0o044;
const othersMayLeave = 0o003;

/**
 * @returns where the machine's record is asked; null where there is none, where the settings name none, and for the
 *   user who keeps it
 */
export function machinePlace({ settings }: Pick<Config, "settings">): MachinePlace | null {
  const { spool, socket } = settings;
  if (spool === null || socket === null || !isSpoolOfAnother(spool)) return null;
  return existsSync(socket) || existsSync(systemUnitFile) ? { spool, socket } : null;
}

/** Whoever keeps a spool asks its own record. What another ordinary user could have put there is none. */
function isSpoolOfAnother(path: string): boolean {
  try {
    const owner = follow(path).stats?.uid;
    const { stats, issue } = follow(path, owner);
    if (stats === null || issue !== null || !stats.isDirectory() || stats.uid === process.geteuid?.()) return false;
    const isOpen = (stats.mode & stickyBit) !== 0 && (stats.mode & othersMayLeave) === othersMayLeave;
    return isOpen && (stats.mode & othersMayList) === 0;
  } catch {
    return false;
  }
}
