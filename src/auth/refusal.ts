/** Owns the sentences with which a caller is refused (contract section 5). */
import { type ErrorCode, SessionBuddyError } from "../tracker/errors.ts";

const sentences = {
  "auth.missing": "❌ Authentication failed: Token required (SESSION_BUDDY_SECRET is set)",
  "auth.expired": "❌ Authentication failed: Token has expired",
  "auth.invalid": "❌ Authentication failed: Invalid token",
  "auth.scope": "❌ Authentication failed: The scope of this token does not allow it",
} as const satisfies Partial<Record<ErrorCode, string>>;

/** @param detail - for the log; says nothing that only the token's holder should know */
export function refusal(code: keyof typeof sentences, detail: string): SessionBuddyError {
  return new SessionBuddyError(code, sentences[code], { detail });
}
