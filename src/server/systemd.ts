/** Owns what systemd is told of a server that it started (sd_notify(3)). */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Log } from "../log.ts";

export type ServiceState = "ready" | "stopping";

/** Never throws: a server that cannot say that it is ready is ready nevertheless. */
export type Notify = (state: ServiceState) => Promise<void>;

/** Release 252 of the program has options for some states alone; it takes assignments for all. */
const assignments: Readonly<Record<ServiceState, string>> = { ready: "READY=1", stopping: "STOPPING=1" };
const deadlineMs = 5_000;

/**
 * Node.js has no datagram sockets of the file system, so systemd's own program does it; the unit must let it, by
 * `NotifyAccess=all`.
 *
 * @param isWaitedFor - whether systemd listens; else nothing is done
 */
export function createNotify(isWaitedFor: boolean, log: Log): Notify {
  if (!isWaitedFor) return async () => {};
  return async (state) => {
    try {
      await promisify(execFile)("systemd-notify", [assignments[state]], { timeout: deadlineMs });
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      const reason = code === "ENOENT" ? "systemd-notify was not found" : message;
      log.warning("systemd could not be notified", { state, reason });
    }
  };
}
