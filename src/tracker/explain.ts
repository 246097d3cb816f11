/** Owns the answer to "how is this known": rank, probes, values compared, and how to check again. Part of the pure core. */
import { type ToldCircumstance, toldOnes } from "./circumstances.ts";
import type { ProcessIdentity } from "./event.ts";
import { rankOf, type Session } from "./fold.ts";
import type { LoggedEvent } from "./store.ts";

/** What a look at a session's process shows at this moment. */
export interface ProcessLook {
  readonly state: "alive" | "dead" | "unknown";
  /** The proof of death, or why nothing can be said; null for a process that is alive. */
  readonly reason: string | null;
  /** The machine as it is, and the process that has the pid now; its pid is null where no process has it. */
  readonly seen: SeenProcess;
  /** Whether the recorded path is a name of the file that runs; null where that cannot be told. */
  readonly isSameFile: boolean | null;
  /** Whether this machine has proc(5), which the commands of the probes read. */
  readonly hasProc: boolean;
}

/** A process as it is looked at; a null field could not be. */
export type SeenProcess = Omit<ProcessIdentity, "pid"> & { readonly pid: number | null };

/** One thing that tells processes apart: as it was when the session started, and as it is. */
export interface Probe {
  readonly name: "host_id" | "pid_namespace" | "boot_id" | "pid" | "start_ticks" | "executable" | "exe_id" | "comm";
  readonly recorded: string | number | null;
  /** Null where it was not looked at. */
  readonly seen: string | number | null;
  readonly outcome: "same" | "different" | "gone" | "unknown";
  /** A shell command that shows the value; null where there is none. Made of constants and the pid alone. */
  readonly command: string | null;
}

export interface Explanation {
  readonly session: Session;
  /** How strongly the state is proven; a later event may only raise it. */
  readonly rank: number;
  /** The event that decides the state. */
  readonly decidingEventId: string;
  readonly events: readonly LoggedEvent[];
  readonly now: Pick<ProcessLook, "state" | "reason">;
  readonly probes: readonly Probe[];
  /** Those of the start that the session was made from. */
  readonly circumstances: readonly ToldCircumstance[];
}

/** @param look - what the session's process shows; null when none was ever identified, or another record delivered it */
export function explain(session: Session, events: readonly LoggedEvent[], look: ProcessLook | null): Explanation {
  const { process, startEventId } = session;
  const start = events.find(({ event }) => event.eventId === startEventId)?.event;
  return {
    session,
    rank: rankOf(session),
    decidingEventId: session.endEventId ?? session.startEventId,
    events,
    now: look === null ? { state: "unknown", reason: whyUnknown(session) } : { state: look.state, reason: look.reason },
    probes: process === null || look === null ? [] : probesOf(process, look),
    circumstances: toldOnes(start?.observed.circumstances ?? null),
  };
}

function whyUnknown({ origin }: Session): string {
  return origin === null ? "not_identified" : "other_record";
}

/** In the order in which they are asked: what is of another host or namespace is not compared further. */
function probesOf(recorded: ProcessIdentity, { seen, reason, isSameFile, hasProc }: ProcessLook): Probe[] {
  const { pid } = recorded;
  const isHere = reason !== "other_host";
  const isVisible = isHere && reason !== "other_namespace";
  const isOfThisBoot = isVisible && reason !== "rebooted";
  const now = isOfThisBoot && reason !== "pid_gone" ? seen : null;
  const command = (text: string) => (hasProc ? text : null);
  return [
    probe("host_id", recorded.hostId, seen.hostId, null),
    probe(
      "pid_namespace",
      recorded.pidNamespace,
      isHere ? seen.pidNamespace : null,
      command("readlink /proc/self/ns/pid"),
    ),
    probe("boot_id", recorded.bootId, isVisible ? seen.bootId : null, command("cat /proc/sys/kernel/random/boot_id")),
    pidProbe(pid, isOfThisBoot ? seen.pid : undefined, reason),
    probe("start_ticks", recorded.startTicks, now?.startTicks, command(startTicksCommand(pid))),
    {
      ...probe("executable", recorded.executable, now?.executable, command(`readlink /proc/${pid}/exe`)),
      ...(now === null ? {} : pathOutcome(isSameFile, reason)),
    },
    probe("exe_id", recorded.exeId, now?.exeId, command(`stat -Lc %d:%i /proc/${pid}/exe`)),
    probe("comm", recorded.comm, now?.comm, command(`cat /proc/${pid}/comm`)),
  ];
}

/** @param seen - null where no process has the pid, undefined where it was not looked for */
function pidProbe(recorded: number, seen: number | null | undefined, reason: string | null): Probe {
  const isGone = seen === null || (seen !== undefined && reason === "pid_gone");
  return { ...probe("pid", recorded, seen, `ps -p ${recorded}`), ...(isGone ? { outcome: "gone" } : {}) };
}

/** Two paths may name one file, and one path may come to name another: the file decides. */
function pathOutcome(isSameFile: boolean | null, reason: string | null): Partial<Probe> {
  if (isSameFile !== null) return { outcome: isSameFile ? "same" : "different" };
  return reason === "executable_uncertain" ? { outcome: "unknown" } : {};
}

/** Field 22 of `/proc/PID/stat`, the 20th after the command in its parentheses (proc(5)). */
function startTicksCommand(pid: number): string {
  return `sed 's/.*) //' /proc/${pid}/stat | cut -d ' ' -f 20`;
}

function probe(
  name: Probe["name"],
  recorded: Probe["recorded"],
  seen: Probe["seen"] | undefined,
  command: string | null,
): Probe {
  return { name, recorded, seen: seen ?? null, outcome: compared(recorded, seen ?? null), command };
}

function compared(recorded: Probe["recorded"], seen: Probe["seen"]): Probe["outcome"] {
  if (recorded === null || seen === null) return "unknown";
  return recorded === seen ? "same" : "different";
}
