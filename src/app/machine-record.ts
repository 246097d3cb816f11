/** Owns the questions as they are asked of this machine's service. Loaded where there is one. */
import type { MachinePlace } from "../config/machine-place.ts";
import { openProcesses } from "../host/machine.ts";
import { lineage, type Processes } from "../host/processes.ts";
import type { ListedSession } from "../wire/view.ts";
import { createMachineLink } from "./machine-link.ts";
import type { Questions } from "./questions.ts";
import { createServiceClient } from "./service-client.ts";
import { questionsOf } from "./service-questions.ts";

export interface MachineRecord extends Questions {
  /** The session of a process of this machine, or of the nearest one around it. @returns null when none has one */
  current(pid: number): Promise<ListedSession | null>;
  close(): void;
}

/** A service that is started again is waited for, one that was removed is not. */
const patienceMs = 30_000;

/** Nothing is sent before the first question. */
export function openMachineRecord(place: MachinePlace): MachineRecord {
  const client = createServiceClient(createMachineLink(place));
  const questions = questionsOf(client, { patienceMs });
  return {
    ...questions,
    current: async (pid) => currentOf(questions, pid, await openProcesses()),
    close: () => client.close(),
  };
}

/** A pid is used again and again; the time of the start tells processes of one boot apart. */
async function currentOf(questions: Questions, pid: number, processes: Processes): Promise<ListedSession | null> {
  const { sessions } = await questions.page({ states: ["active"] }, null, null);
  const byPid = Map.groupBy(sessions, (session) => session.pid);
  for (const ancestor of lineage(pid, processes)) {
    for (const session of byPid.get(ancestor) ?? []) {
      const process = (await questions.record(session.sessionId))?.session.process ?? null;
      const isSame =
        process?.boot_id === processes.bootId() && process.start_ticks === processes.stat(ancestor)?.startTicks;
      if (process !== null && isSame) return session;
    }
  }
  return null;
}
