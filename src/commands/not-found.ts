/** Owns what is said when an id is not on record. For commands alone. */
import { SessionBuddyError } from "../tracker/errors.ts";

export function noSession(sessionId: string): SessionBuddyError {
  return new SessionBuddyError(
    "not_found",
    `no session ${sessionId} is on record; 'session-buddy list --all' shows the ids`,
  );
}
