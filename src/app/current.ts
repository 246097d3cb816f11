/** Owns finding the session of the shell that asks. */
import { createReconcile, deadlinesMs } from "../capture/reconcile.ts";
import { look } from "../host/liveness.ts";
import { lineage } from "../host/processes.ts";
import type { ProcessLook } from "../tracker/explain.ts";
import type { Session } from "../tracker/fold.ts";
import type { App } from "./app.ts";

/**
 * Walks up from a process to the first one that has an open session of this boot of this host.
 *
 * @param pid - the process that asks
 * @returns null when none of its ancestors has one
 */
export async function currentSession(app: App, pid: number): Promise<Session | null> {
  await createReconcile(app).reconcile(deadlinesMs.question);
  const { machine, store } = app;
  const open = await store.sessions({ states: ["active"] });
  const byPid = Map.groupBy(open, (session) => session.process?.pid);
  for (const ancestor of lineage(pid, machine.processes)) {
    // Newest first: after an exec, two sessions may have had the same process.
    const own = byPid.get(ancestor)?.find(({ process }) => process !== null && isOwn(look(process, machine)));
    if (own !== undefined) return own;
  }
  return null;
}

/** Pid and start time are the session's; that it may be another copy of the same program makes it no other session's. */
function isOwn({ state, reason }: ProcessLook): boolean {
  return state === "alive" || reason === "executable_uncertain";
}
