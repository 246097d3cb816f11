/** Owns which record a question is asked of: the machine's, where one is installed, or this user's own. */
import { openApp } from "../../app/app.ts";
import { currentSession } from "../../app/current.ts";
import { createQuestions, type Questions } from "../../app/questions.ts";
import { createReconcile, type ReconcileReport } from "../../capture/reconcile.ts";
import { type Config, resolveConfig } from "../../config/config.ts";
import { machinePlace } from "../../config/machine-place.ts";
import { createLog } from "../../log.ts";
import type { ListedSession } from "../../wire/view.ts";
import type { RecordChoice } from "../syntax/ask.ts";

export interface AskedRecord extends Questions {
  /** The session of a process of this machine, or of the nearest one around it. @returns null when none has one */
  current(pid: number): Promise<ListedSession | null>;
}

type Work<T> = (record: AskedRecord) => Promise<T>;

/**
 * Asks one record, and closes it whatever happens.
 *
 * @param onReconciled - told what became of what shells left behind, where that is for this program to finish
 * @throws SessionBuddyError `network` when the machine's record does not answer
 */
export async function withQuestions<T>(
  choice: RecordChoice,
  work: Work<T>,
  onReconciled: (report: ReconcileReport | null) => void = () => {},
): Promise<T> {
  const config = await resolveConfig(process.env);
  const place = choice.personal ? null : machinePlace(config);
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
