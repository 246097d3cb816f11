/** Owns whether a process is proven alive or dead, or cannot be known to be either (`src/README.md` section 3). For `app.ts`. */
import type { DeathProof, ProcessIdentity } from "../tracker/event.ts";
import type { ProcessLook } from "../tracker/explain.ts";
import { type ProcessHome, processIdentity } from "./processes.ts";

/** Why nothing can be said about a process. */
export type UnknownReason = "other_host" | "other_namespace" | "not_identified" | "not_permitted";

export type Liveness =
  | { readonly state: "alive" }
  | { readonly state: "dead"; readonly proof: DeathProof }
  | { readonly state: "unknown"; readonly reason: UnknownReason };

const alive: Liveness = { state: "alive" };

/**
 * Looks at a process. What may not be looked at is unknown, never dead.
 *
 * @param identity - the process as it was when its session started
 * @param machine - this machine, its boot, and what it can tell
 */
export function liveness(identity: ProcessIdentity, machine: ProcessHome): Liveness {
  const { processes } = machine;
  if (identity.hostId === null || identity.hostId !== machine.hostId) return unknown("other_host");
  // A container that shares the store has its own pids, and may show another boot; it cannot judge the host's.
  if (identity.pidNamespace === null || identity.pidNamespace !== processes.pidNamespace())
    return unknown("other_namespace");
  if (identity.bootId === null || machine.bootId === null || identity.startTicks === null)
    return unknown("not_identified");
  if (identity.bootId !== machine.bootId) return dead("rebooted");

  const existence = exists(identity.pid);
  if (existence === "gone") return dead("pid_gone");
  const stat = processes.stat(identity.pid);
  // Under hidepid=2 (proc(5)) a process of another user exists for kill(2) and has no folder in /proc.
  if (stat === null) return exists(identity.pid) === "gone" ? dead("pid_gone") : unknown("not_permitted");
  if (stat.startTicks !== identity.startTicks) return dead("pid_reused");
  if (stat.hasExited) return dead("pid_gone");
  return identity.executable !== null && processes.hasReplaced(identity.pid, identity.executable)
    ? dead("executable_replaced")
    : alive;
}

/** The same for a person who asks why: the verdict, and what was compared. */
export function look(identity: ProcessIdentity, machine: ProcessHome): ProcessLook {
  const verdict = liveness(identity, machine);
  return {
    state: verdict.state,
    reason: reasonOf(verdict),
    seen: processIdentity(identity.pid, machine),
    hasProc: machine.processes.hasProc,
  };
}

function reasonOf(verdict: Liveness): ProcessLook["reason"] {
  if (verdict.state === "alive") return null;
  return verdict.state === "dead" ? verdict.proof : verdict.reason;
}

function exists(pid: number): "there" | "gone" {
  try {
    process.kill(pid, 0);
    return "there";
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH" ? "gone" : "there";
  }
}

function unknown(reason: UnknownReason): Liveness {
  return { state: "unknown", reason };
}

function dead(proof: DeathProof): Liveness {
  return { state: "dead", proof };
}
