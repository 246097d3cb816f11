/** Owns the form in which is answered what became of sessions that were sent. Part of the pure core. */
import { isObject } from "../tracker/canonical.ts";
import { SessionBuddyError } from "../tracker/errors.ts";
import { isText } from "../tracker/limits.ts";

/** What is answered of one session that was sent, in the same order. */
export interface SentSessionRow {
  readonly outcome: "imported" | "known" | "refused";
  /** Its id in the record that took it; null where that refused it. */
  readonly session_id: string | null;
  readonly new_events: number;
  /** Why it was refused, to be read after its id; null otherwise. */
  readonly reason: string | null;
}

/** @throws SessionBuddyError `network` when it is no such answer */
export function readSentSessions(answer: unknown, sent: number): readonly SentSessionRow[] {
  const rows = isObject(answer) && Array.isArray(answer.sessions) ? answer.sessions : [];
  if (rows.length === sent && rows.every(isRow)) return rows;
  throw new SessionBuddyError("network", "the answer has an unexpected form at answer.sessions");
}

function isRow(row: unknown): row is SentSessionRow {
  if (!isObject(row)) return false;
  const { outcome, session_id, new_events, reason } = row;
  const isRefused = outcome === "refused";
  return (
    (isRefused || outcome === "imported" || outcome === "known") &&
    (isRefused ? isText(reason) : isText(session_id)) &&
    Number.isSafeInteger(new_events)
  );
}
