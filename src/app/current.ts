/** Owns finding the session of the shell that asks. */
import { createReconcile, deadlinesMs } from "../capture/reconcile.ts";
import { look } from "../host/liveness.ts";
import type { Session } from "../tracker/fold.ts";
import type { App } from "./app.ts";

/** No line of ancestors is longer; a machine that lies about parents must not keep us for ever. */
const mostAncestors = 10_000;

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
  let ancestor: number | null = pid;
  for (let steps = 0; ancestor !== null && ancestor > 0 && steps < mostAncestors; steps += 1) {
    // Newest first: after an exec, two sessions may have had the same process.
    const own = byPid
      .get(ancestor)
      ?.find(({ process }) => process !== null && look(process, machine).state === "alive");
    if (own !== undefined) return own;
    ancestor = machine.processes.parentOf(ancestor);
  }
  return null;
}
