/** Owns which record a question is asked of: one elsewhere, the machine's where one is installed, or this user's own. */
import { openApp } from "../../app/app.ts";
import { currentSession } from "../../app/current.ts";
import { createQuestions, type Questions } from "../../app/questions.ts";
import { createReconcile, type ReconcileReport } from "../../capture/reconcile.ts";
import { type Config, resolveConfig } from "../../config/config.ts";
import { machinePlace } from "../../config/machine-place.ts";
import { recordAddress, requireOneRecord } from "../../config/record-address.ts";
import { createLog } from "../../log.ts";
import type { ListedSession } from "../../wire/view.ts";
import type { RecordChoice } from "../syntax/ask.ts";

/** A record of this machine. */
export interface RecordHere extends Questions {
  /** The session of a process of this machine, or of the nearest one around it. @returns null when none has one */
  current(pid: number): Promise<ListedSession | null>;
}

type Work<T> = (record: RecordHere) => Promise<T>;
type OnReconciled = (report: ReconcileReport | null) => void;

/**
 * Asks one record, and closes it whatever happens.
 *
 * @param onReconciled - told what became of what shells left behind, where that is for this program to finish
 * @throws SessionBuddyError `network` when a record elsewhere or the machine's does not answer, `auth.*` when it refuses the token
 */
export async function withQuestions<T>(
  { personal, from }: RecordChoice,
  work: (questions: Questions) => Promise<T>,
  onReconciled: OnReconciled = () => {},
): Promise<T> {
  requireOneRecord(personal, from);
  const config = await resolveConfig(process.env);
  const address = personal ? null : recordAddress(config, process.env, from);
  if (address === null) return askHere(config, personal, work, onReconciled);
  const { openRemoteRecord } = await import("../../app/remote-record.ts");
  const record = openRemoteRecord(address);
  try {
    return await work(record);
  } finally {
    record.close();
  }
}

/** Asks a record of this machine, whatever the settings say of one elsewhere. */
export async function withRecordHere<T>({ personal }: Pick<RecordChoice, "personal">, work: Work<T>): Promise<T> {
  return askHere(await resolveConfig(process.env), personal, work, () => {});
}

async function askHere<T>(
  config: Config,
  isPersonal: boolean | undefined,
  work: Work<T>,
  onReconciled: OnReconciled,
): Promise<T> {
  const place = isPersonal ? null : machinePlace(config);
  if (place === null) return withOwn(config, work, onReconciled);
  const { openMachineRecord } = await import("../../app/machine-record.ts");
  const record = openMachineRecord(place);
  try {
    return await work(record);
  } finally {
    record.close();
  }
}

/** Log lines go to the log file alone. */
async function withOwn<T>(
  config: Config,
  work: Work<T>,
  onReconciled: (report: ReconcileReport | null) => void,
): Promise<T> {
  const app = await openApp(config, createLog({ toStandardError: false, file: config.settings.log_file }));
  const { reconcile } = createReconcile(app);
  const questions = createQuestions(app, async (deadlineMs) => {
    const report = await reconcile(deadlineMs);
    onReconciled(report);
    return report;
  });
  try {
    return await work({ ...questions, current: (pid) => currentSession(app, pid) });
  } finally {
    await app.close();
  }
}
