/** Owns the form of one step of an installation: it is looked at first, then made, and told in a line of its own. */
import { SessionBuddyError } from "../../tracker/errors.ts";

/** `kept`: left on purpose; `told`: a person has to do it. */
export type Action =
  | "added"
  | "updated"
  | "removed"
  | "started"
  | "restarted"
  | "stopped"
  | "unchanged"
  | "kept"
  | "refused"
  | "told";

/** What a look at one part has found. */
export interface Plan {
  readonly action: Action;
  /** The rest of a sentence about the part; null: nothing more to say. */
  readonly reason?: string | null;
  /** What a person has to do; null: nothing. */
  readonly remedy?: string | null;
  /** Lines that change in a file. */
  readonly removed?: readonly string[];
  readonly added?: readonly string[];
  /** Makes it so; none where nothing is to be done. */
  readonly act?: () => void | Promise<void>;
}

export interface Step {
  /** As a person would say it: `system user`. */
  readonly part: string;
  /** What it is about: a path, a name. */
  readonly subject: string;
  /** Whether the steps after it make no sense where it cannot be done. */
  readonly isNeeded?: boolean;
  /** Whether it is told of only where there was something to do. */
  readonly isQuiet?: boolean;
  /** Looks, and changes nothing; what it throws is a refusal. */
  plan(): Plan | Promise<Plan>;
}

/** What became of one step. */
export interface Change {
  readonly part: string;
  readonly subject: string;
  readonly action: Action;
  readonly reason: string | null;
  readonly remedy: string | null;
  readonly removed: readonly string[];
  readonly added: readonly string[];
}

export const unchanged: Plan = { action: "unchanged" };

export function refused(reason: string, remedy: string | null = null): Plan {
  return { action: "refused", reason, remedy };
}

/**
 * Takes the steps in their order. What cannot be done is told in its row; the others are taken all the same, unless it was
 * needed by them.
 *
 * @param isDryRun - looks alone
 */
export async function takeSteps(steps: readonly Step[], isDryRun: boolean): Promise<readonly Change[]> {
  const changes: Change[] = [];
  for (const step of steps) {
    const change = await take(step, isDryRun);
    if (change.action !== "unchanged" || !step.isQuiet) changes.push(change);
    if (change.action === "refused" && step.isNeeded) break;
  }
  return changes;
}

async function take(step: Step, isDryRun: boolean): Promise<Change> {
  const { part, subject } = step;
  try {
    const { action, reason = null, remedy = null, removed = [], added = [], act } = await step.plan();
    if (!isDryRun) await act?.();
    return { part, subject, action, reason, remedy, removed, added };
  } catch (error) {
    const { reason, remedy } = wordsOf(error);
    return { part, subject, action: "refused", reason, remedy, removed: [], added: [] };
  }
}

/** What even root is refused, and why that may be. */
const remedies: Readonly<Record<string, string>> = {
  EPERM:
    "see 'lsattr -d' for the attribute i, which 'chattr -i' takes away, or what SELinux says in 'ausearch -m avc -ts recent'",
  EACCES: "see what SELinux or AppArmor says in 'ausearch -m avc -ts recent' or 'journalctl -k'",
  EROFS: "the file system is mounted read-only; mount it writable first",
  ENOSPC: "make room on that file system",
  EDQUOT: "make room on that file system",
};

function wordsOf(error: unknown): { readonly reason: string; readonly remedy: string | null } {
  if (!(error instanceof Error)) throw error;
  const cause = error.cause instanceof Error ? error.cause : error;
  const remedy = remedies[(cause as NodeJS.ErrnoException).code ?? ""] ?? null;
  if (error instanceof SessionBuddyError) return { reason: error.message, remedy };
  // What is no error of the system is a mistake of ours.
  if ((error as NodeJS.ErrnoException).code === undefined) throw error;
  const again = "do what the message says and run this again";
  return { reason: `cannot be done: ${error.message}`, remedy: remedy ?? again };
}
