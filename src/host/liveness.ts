/** Owns whether a process is proven alive or dead, or cannot be known to be either (`src/README.md` section 3). For `app.ts`. */
import type { DeathProof, ProcessIdentity } from "../tracker/event.ts";
import type { ProcessLook } from "../tracker/explain.ts";
import { type ProcessHome, processIdentity } from "./processes.ts";
import type { ProgramVerdict } from "./program.ts";

/** Why nothing can be said about a process. */
export type UnknownReason =
  | "other_host"
  | "other_namespace"
  | "not_identified"
  | "not_permitted"
  | "executable_uncertain";

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
 * @param isNameEnough - whether another name of the program proves that it was replaced, where its file was never looked at,
 *   as another user's may not be; not by default
 */
export function liveness(identity: ProcessIdentity, machine: ProcessHome, isNameEnough = false): Liveness {
  const { processes } = machine;
  if (identity.hostId === null || identity.hostId !== machine.hostId) return unknown("other_host");
  // A container that shares the store has its own pids, and may show another boot; it cannot judge the host's.
  if (identity.pidNamespace === null || identity.pidNamespace !== processes.pidNamespace())
    return unknown("other_namespace");
  if (identity.bootId === null || machine.bootId === null) return unknown("not_identified");
  if (identity.bootId !== machine.bootId) return dead("rebooted");
  if (identity.startTicks === null) return unknown("not_identified");

  const existence = exists(identity.pid);
  if (existence === "gone") return dead("pid_gone");
  const stat = processes.stat(identity.pid);
  // Under hidepid=2 (proc(5)) a process of another user exists for kill(2) and has no folder in /proc.
  if (stat === null) return exists(identity.pid) === "gone" ? dead("pid_gone") : unknown("not_permitted");
  if (stat.startTicks !== identity.startTicks) return dead("pid_reused");
  if (stat.hasExited) return dead("pid_gone");
  const { pid, executable, exeId, comm } = identity;
  if (executable === null && exeId === null && comm === null) return alive;
  if (isNameEnough && exeId === null && comm !== null) return comm === stat.comm ? alive : dead("executable_replaced");
  // The name was read before the file: see `processIdentity`.
  const seen = { comm: stat.comm, exeId: processes.exeIdOf(pid), executable: processes.executableOf(pid) };
  return byProgram[processes.compareProgram(identity, seen)];
}

/** What a process runs is judged in `program.ts`. */
const byProgram: Readonly<Record<ProgramVerdict, Liveness>> = {
  same: alive,
  uncertain: { state: "unknown", reason: "executable_uncertain" },
  replaced: { state: "dead", proof: "executable_replaced" },
};

/** @returns whether a process of this boot is there by its pid and start time, whatever it runs */
export function isRunning({ bootId, pid, startTicks }: ProcessIdentity, machine: ProcessHome): boolean {
  if (bootId !== machine.bootId || startTicks === null) return false;
  const stat = machine.processes.stat(pid);
  return stat !== null && !stat.hasExited && stat.startTicks === startTicks;
}

/** The same for a person who asks why: the verdict, and what was compared. */
export function look(identity: ProcessIdentity, machine: ProcessHome, isNameEnough = false): ProcessLook {
  const verdict = liveness(identity, machine, isNameEnough);
  const seen = processIdentity(identity.pid, machine);
  return {
    state: verdict.state,
    reason: reasonOf(verdict),
    seen: { ...seen, pid: seen.startTicks === null && exists(seen.pid) === "gone" ? null : seen.pid },
    isSameFile: machine.processes.isNameOfProgram(identity, seen),
    hasProc: machine.processes.hasProc,
  };
}

function reasonOf(verdict: Liveness): ProcessLook["reason"] {
  if (verdict.state === "alive") return null;
  return verdict.state === "dead" ? verdict.proof : verdict.reason;
}

/** @returns whether a process has this pid here, as any user can tell (kill(2)) */
export function exists(pid: number): "there" | "gone" {
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
