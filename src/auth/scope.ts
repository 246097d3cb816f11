/** Owns what a token allows its holder to ask for: the claim `scope`, words separated by spaces (RFC 8693, section 4.2). */
import type { SessionBuddyError } from "../tracker/errors.ts";
import { refusal } from "./refusal.ts";

/**
 * - `everything`: recording and reading, what a token without such words allows
 * - `read_all`: reading what is on record of everybody
 * - `read_own`: reading what is on record of one user
 * - `nothing`: none of its words is known here
 */
export type Scope =
  | { readonly kind: "everything" | "read_all" | "nothing" }
  | { readonly kind: "read_own"; readonly username: string };

/** Whoever holds a token that was accepted. */
export interface Caller {
  /** The token's `user_id`. */
  readonly userId: string;
  readonly scope: Scope;
  /** When the token ends, in milliseconds since the epoch. */
  readonly expiresAtMs: number;
  /** The user id of a user of this machine, where the token is one of its own service; missing in all other tokens. */
  readonly localUid?: number;
}

/** Whose sessions may be read: everybody's, or those of one user. */
export type Readable = { readonly of: "everybody" } | { readonly of: "user"; readonly username: string };

export const scopeWords = { all: "read:all", own: "read:own" } as const;

/** Every word that begins so is ours; others, as issuers put into the claim for programs of their own, say nothing here. */
const ourWord = /^read:/;

/** A word of ours that is not known allows nothing: a mistake in it must not open the record. */
export function scopeOf(scope: unknown, userId: string): Scope {
  const words = (typeof scope === "string" ? scope.split(" ") : []).filter((word) => ourWord.test(word));
  if (words.length === 0) return { kind: "everything" };
  if (words.includes(scopeWords.all)) return { kind: "read_all" };
  if (words.includes(scopeWords.own)) return { kind: "read_own", username: userId };
  return { kind: "nothing" };
}

/**
 * @param caller - null where no call needs a token
 * @throws SessionBuddyError `auth.scope` for a token that may not read
 */
export function readableBy(caller: Caller | null): Readable {
  if (caller === null) return { of: "everybody" };
  const { scope } = caller;
  if (scope.kind === "nothing") throw beyondScope("its scope allows nothing that is known here");
  return scope.kind === "read_own" ? { of: "user", username: scope.username } : { of: "everybody" };
}

/** @throws SessionBuddyError `auth.scope` for a token that may only read */
export function requireRecording(caller: Caller | null): void {
  if (caller === null || caller.scope.kind === "everything") return;
  throw beyondScope("its scope does not allow recording");
}

/** @throws SessionBuddyError `auth.scope` for a token that may not read what is on record of everybody */
export function requireEverybody(caller: Caller | null): void {
  if (readableBy(caller).of === "everybody") return;
  throw beyondScope("its scope allows reading the sessions of one user alone");
}

function beyondScope(detail: string): SessionBuddyError {
  return refusal("auth.scope", detail);
}
