/** Owns the id of a lease: it names the process that has it, so that one that was killed need not be waited for. */
import { liveness } from "../host/liveness.ts";
import type { Machine } from "../host/machine.ts";
import { parseJson } from "../tracker/canonical.ts";

/** @param uuid - of no other lease */
export function leaseIdOf(machine: Pick<Machine, "identify">, uuid: string): string {
  const { hostId, bootId, pidNamespace, pid, startTicks } = machine.identify(process.pid);
  return JSON.stringify([uuid, hostId, bootId, pidNamespace, pid, startTicks]);
}

/** @returns whether the process that has a lease is known to be dead; one that cannot be looked at is not */
export function isHolderGone(leaseId: string, machine: Machine): boolean {
  const [, hostId, bootId, pidNamespace, pid, startTicks] = partsOf(leaseId);
  if (typeof pid !== "number") return false;
  const unknown = { executable: null, exeId: null, comm: null };
  const holder = {
    ...{ hostId: textOf(hostId), bootId: textOf(bootId), pidNamespace: textOf(pidNamespace) },
    ...{ pid, startTicks: textOf(startTicks), ...unknown },
  };
  return liveness(holder, machine).state === "dead";
}

function partsOf(leaseId: string): readonly unknown[] {
  try {
    const parts: unknown = parseJson(leaseId);
    return Array.isArray(parts) ? parts : [];
  } catch {
    return [];
  }
}

function textOf(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}
