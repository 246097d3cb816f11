/** Owns what `start` and `end` may say of a shell when somebody types them: about what is there, and once. */
import { createDirectories } from "../host/directory.ts";
import { leaveThreads } from "../host/leave.ts";
import { liveness } from "../host/liveness.ts";
import type { Machine } from "../host/machine.ts";
import { lineage } from "../host/processes.ts";
import { SessionBuddyError } from "../tracker/errors.ts";
import type { EventSource, ProcessIdentity } from "../tracker/event.ts";
import type { Session } from "../tracker/fold.ts";
import type { SessionIndex } from "../tracker/store.ts";

/** Whoever runs `start` or `end`: mostly a shell, in which somebody typed it. */
export function byCommand(): EventSource {
  return { kind: "command", uid: process.geteuid?.() ?? null, pid: process.ppid };
}

/** @throws SessionBuddyError `invalid` when there is no such process, or it is another user's */
export function requireProcess({ pid }: ProcessIdentity, { processes }: Machine): void {
  const stat = processes.stat(pid);
  if (processes.hasProc && (stat === null || stat.hasExited)) {
    throw new SessionBuddyError("invalid", `there is no process ${pid} on this machine; name one that runs with --pid`);
  }
  const [owner, caller] = [processes.ownerOf(pid), process.geteuid?.() ?? null];
  if (owner !== null && caller !== null && caller !== 0 && owner !== caller) {
    throw new SessionBuddyError("invalid", `process ${pid} belongs to another user; only they or root can record it`);
  }
}

/** @throws SessionBuddyError `invalid` when there is no such directory, or it cannot be seen in time */
export async function requireDirectory(cwd: string): Promise<void> {
  const directories = createDirectories();
  const problem = await directories.problem(cwd);
  if (directories.isStuck) leaveThreads();
  if (problem !== null) {
    throw new SessionBuddyError("invalid", `the working directory ${problem}: ${cwd}; name another with --cwd`);
  }
}

/** @returns the open session of a process under a component; null when there is none */
export async function openSessionOf(
  { hostId, bootId, pidNamespace, pid, startTicks }: ProcessIdentity,
  componentName: string,
  store: Pick<SessionIndex, "activeOfPids">,
): Promise<Session | null> {
  if (hostId === null || startTicks === null) return null;
  const sessions = await store.activeOfPids(hostId, [pid]);
  // Newest first: after an exec, two sessions may have had the same process.
  const found = sessions.find(
    (session) =>
      session.componentName === componentName &&
      session.process?.bootId === bootId &&
      session.process.pidNamespace === pidNamespace &&
      session.process.startTicks === startTicks,
  );
  return found ?? null;
}

/**
 * A living shell tells its end itself. What runs inside of it may tell it in its place, as a script that ends does.
 *
 * @throws SessionBuddyError `invalid` when the process lives and the caller is not one of its own
 */
export function refuseWhileAlive({ sessionId, process: recorded }: Session, machine: Machine): void {
  if (recorded === null || liveness(recorded, machine).state !== "alive") return;
  if (lineage(process.ppid, machine.processes).includes(recorded.pid)) return;
  throw new SessionBuddyError(
    "invalid",
    `the shell of ${sessionId} is alive (pid ${recorded.pid}) and tells its end itself; add --force to record an end told by you`,
  );
}
