/**
 * Owns which process a file of the spool is of, as this machine calls it: its name has what the shell calls itself, which in
 * a container is no pid here, or another process's.
 */
import { exists } from "../host/liveness.ts";
import type { NamedProcess } from "./state-file.ts";
import { type SpoolFileKnowledge, UnfitFile } from "./unfit-file.ts";

/** What is known of a file before its process is looked for. */
export interface NamedFile {
  readonly path: string;
  readonly named: NamedProcess;
  readonly createdMs: number;
  /** What it says of its start. */
  readonly said: ReadonlyMap<string, string>;
  /** Whether it tells its shell's end: then there is nothing left to look at. */
  readonly hasEnded: boolean;
}

export interface FoundProcess {
  /** Null where it cannot be told: no look at another process may close its session. */
  readonly process: NamedProcess | null;
  /** Whether it was looked at, and is the user's. */
  readonly isVerified: boolean;
}

/** What clocks of one boot may differ by, and still be the same; in a time namespace they may be days apart. */
const clockSlackMs = 5_000;

/**
 * @returns `not ready` where it cannot be told at this moment
 * @throws UnfitFile when the process is another user's
 */
export function locate(file: NamedFile, knowledge: SpoolFileKnowledge): FoundProcess | "not ready" {
  const { named, hasEnded, path } = file;
  const { user, machine, process: known } = knowledge;
  if (named.bootId !== machine.bootId) return { process: named, isVerified: false };
  const owner = ownerOf(known ?? named, knowledge);
  if (owner === user.uid) return { process: known ?? named, isVerified: true };
  // One that was found is that one for good: it may act as another user by now, as behind `exec su`.
  if (known !== null) return { process: known, isVerified: false };
  const nested = hasEnded ? null : amongNested(file, knowledge);
  if (nested !== null) return nested;
  if (owner === null) return { process: named, isVerified: false };
  throw new UnfitFile(path, `names process ${named.pid}, which is of user id ${owner}, not of ${user.uid}`);
}

/** @returns the user that the process acts as; null where it has gone, or cannot be looked at */
function ownerOf({ pid, startTicks }: NamedProcess, { machine: { processes } }: SpoolFileKnowledge): number | null {
  const isThere = () => processes.stat(pid)?.startTicks === startTicks;
  if (!isThere()) return null;
  const owner = processes.ownerOf(pid);
  // Between the two looks another process may have got the pid.
  return isThere() ? owner : null;
}

/** @returns null where it is in no container, so that its name is the one that it has here */
function amongNested(file: NamedFile, knowledge: SpoolFileKnowledge): FoundProcess | "not ready" | null {
  const { named, createdMs } = file;
  const { user, nested } = knowledge;
  const found = nested.find(named.pid, user.uid, createdMs);
  if (found === "later") return "not ready";
  if (found === "hidden") return exists(named.pid) === "there" ? null : { process: null, isVerified: false };
  const itself = found.find(({ startTicks }) => startTicks === named.startTicks);
  if (itself !== undefined) return { process: { ...named, pid: itself.pid }, isVerified: true };
  // What has other start times there, of all processes, cannot be told from one that has gone.
  const isAnyThere = found.length > 0 || knowledge.machine.processes.ownerOf(named.pid) === user.uid;
  return isAnyThere && hasOtherClock(file, knowledge) ? { process: null, isVerified: false } : null;
}

/** Start times are shifted as the clock since boot is (time_namespaces(7)). */
function hasOtherClock({ said, createdMs }: NamedFile, { machine }: SpoolFileKnowledge): boolean {
  const saidMs = Number(said.get("uptime") || "NaN") * 1000;
  const nowMs = machine.bootClock()?.ms;
  return nowMs !== undefined && Math.abs(nowMs - (Date.now() - createdMs) - saidMs) > clockSlackMs;
}
