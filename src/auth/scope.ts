/** Owns what a token allows its holder to ask for: the claim `scope`, words separated by spaces (RFC 8693, section 4.2). */
import type { SessionBuddyError } from "../tracker/errors.ts";
import { refusal } from "./refusal.ts";

/** Whose sessions may be read: everybody's, or those of one user. */
export type Readable = { readonly of: "everybody" } | { readonly of: "user"; readonly username: string };

export interface Scope {
  /** Null where nothing may be read. */
  readonly reads: Readable | null;
  readonly mayRecord: boolean;
}

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

/**
 * - `read:own`: reading what is on record of the token's user
 * - `read:all`: reading what is on record of everybody
 * - `write`: recording
 * - `admin`: both, as a token without such words
 */
export const scopeWords = { own: "read:own", all: "read:all", write: "write", admin: "admin" } as const;

/**
 * Every word that begins so is ours, however it goes on: a mistake in one must not open the record. Others, as issuers put
 * into the claim for programs of their own, say nothing here.
 */
const ourWord = /(?:^|[\s,;])(?:read|write|admin)(?:[^a-z0-9]|$)/i;

/** The words of a token are added to each other; one of ours that is not known allows nothing. */
export function scopeOf(scope: unknown, userId: string): Scope {
  const text = Array.isArray(scope) ? scope.join(" ") : scope;
  const words = (typeof text === "string" ? text.split(" ") : []).filter((word) => ourWord.test(word));
  const isFull = words.length === 0 || words.includes(scopeWords.admin);
  const reads = isFull || words.includes(scopeWords.all) ? { of: "everybody" as const } : null;
  const readsOwn = words.includes(scopeWords.own) ? { of: "user" as const, username: userId } : null;
  return { reads: reads ?? readsOwn, mayRecord: isFull || words.includes(scopeWords.write) };
}

/** @returns what a token allows, for a person */
export function scopeInWords({ reads, mayRecord }: Scope): string {
  const read =
    reads === null ? "reads nothing" : `reads ${reads.of === "everybody" ? "everybody's" : "its own user's"} sessions`;
  return `${read}, ${mayRecord ? "records" : "records nothing"}`;
}

/**
 * @param caller - null where no call needs a token
 * @throws SessionBuddyError `auth.scope` for a token that may not read
 */
export function readableBy(caller: Caller | null): Readable {
  if (caller === null) return { of: "everybody" };
  const { reads } = caller.scope;
  if (reads === null) throw beyondScope("its scope does not allow reading");
  return reads;
}

/** @throws SessionBuddyError `auth.scope` for a token that may not record */
export function requireRecording(caller: Caller | null): void {
  if (caller === null || caller.scope.mayRecord) return;
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
