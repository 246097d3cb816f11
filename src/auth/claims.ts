/** Owns the rules for the claims of a token (contract section 5). For `auth/`, and `tokens.ts` to show times. */
import { formatInstant, instantFromMs } from "../tracker/instant.ts";

/** What became of one rule. */
export interface Finding {
  readonly verdict: "ok" | "failed";
  /** For a person and the log; never holds what only the token's holder should know. */
  readonly words: string;
}

export interface ClaimRules {
  readonly issuers: readonly string[];
  /** Milliseconds since the epoch. */
  readonly nowMs: number;
}

export const claimNames = ["exp", "iat", "nbf", "iss", "type", "aud", "user_id"] as const;
export type ClaimName = (typeof claimNames)[number];
type Claims = Readonly<Record<string, unknown>>;

const clockToleranceSeconds = 5;
const audience = "session-buddy";
const firstSecond = Date.parse("0001-01-01T00:00:00Z") / 1000;
/** Beyond it a time is a mistake, most often milliseconds. */
const lastSecond = Date.parse("9999-12-31T23:59:59Z") / 1000;

/** Holds claims to every rule, whichever others they break. */
export function checkClaims(claims: Claims, { issuers, nowMs }: ClaimRules): Readonly<Record<ClaimName, Finding>> {
  const { exp, iat, nbf, iss, type, aud, user_id: userId } = claims;
  const nowSeconds = nowMs / 1000;
  return {
    exp: checkExpiry(exp, nowSeconds),
    iat: iat === undefined ? failed("it is missing") : checkBegin(iat, nowSeconds),
    nbf: nbf === undefined ? ok("there is none") : checkBegin(nbf, nowSeconds),
    iss: typeof iss === "string" && issuers.includes(iss) ? ok(iss) : failed("it is not an accepted issuer"),
    type: type === "access" ? ok("access") : failed("it is not access"),
    aud: checkAudience(aud),
    user_id: checkUserId(userId),
  };
}

/** @returns whether the time of `exp` was right and is over, as {@link checkClaims} sees it */
export function hasExpired({ exp }: Claims, nowMs: number): boolean {
  return isNumber(exp) && exp <= nowMs / 1000 - clockToleranceSeconds;
}

function checkExpiry(exp: unknown, nowSeconds: number): Finding {
  if (exp === undefined) return failed("it is missing");
  if (!isNumber(exp)) return failed("it is not a number");
  if (exp > lastSecond) return failed("it is after the year 9999; it counts seconds, not milliseconds");
  const shown = momentOf(exp) ?? "before the year 1";
  return hasExpired({ exp }, nowSeconds * 1000) ? failed(`it expired at ${shown}`) : ok(`until ${shown}`);
}

function checkBegin(seconds: unknown, nowSeconds: number): Finding {
  if (!isNumber(seconds)) return failed("it is not a number");
  const shown = momentOf(seconds) ?? "beyond the calendar";
  return seconds > nowSeconds + clockToleranceSeconds ? failed(`it is in the future: ${shown}`) : ok(`since ${shown}`);
}

/** JSON reads 1e999 as infinity. */
function isNumber(value: unknown): value is number {
  return Number.isFinite(value);
}

function checkAudience(aud: unknown): Finding {
  if (aud === undefined) return ok("there is none");
  const isOurs = aud === audience || (Array.isArray(aud) && aud.includes(audience));
  return isOurs ? ok(audience) : failed(`it does not name ${audience}`);
}

function checkUserId(userId: unknown): Finding {
  if (typeof userId !== "string") return failed(userId === undefined ? "it is missing" : "it is not a string");
  const issue = userIdIssue(userId);
  return issue === null ? ok(userId) : failed(`it ${issue}`);
}

/** @returns what is wrong with a user id, as the rest of a sentence that begins with it */
export function userIdIssue(userId: string): string | null {
  if (userId === "") return "must not be empty";
  // They cannot be stored as they are, or end a text early where it is read by a program in C.
  return /[\p{Cc}\p{Cs}]/u.test(userId) ? "must not contain control characters or unpaired surrogates" : null;
}

/** @returns the time of a claim in RFC 3339, whole seconds; null when it is none of the years 1 to 9999 */
export function momentOf(seconds: unknown): string | null {
  if (!isNumber(seconds) || seconds < firstSecond || seconds > lastSecond) return null;
  return formatInstant(instantFromMs(Math.floor(seconds) * 1000));
}

function ok(words: string): Finding {
  return { verdict: "ok", words };
}

function failed(words: string): Finding {
  return { verdict: "failed", words };
}
