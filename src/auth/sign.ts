/** Owns making tokens. For the composition root. */
import { type JWTPayload, SignJWT } from "jose";
import { SessionBuddyError } from "../tracker/errors.ts";
import { claimNames, userIdIssue } from "./claims.ts";
import { longestToken } from "./decode.ts";
import type { TokenKey } from "./token-key.ts";

/** `aud` is left out by default, as in the recipe that programs use (contract section 5). */
export interface TokenClaims {
  readonly userId: string;
  readonly issuer: string;
  readonly audience?: string | undefined;
  /** Lifetime in seconds, 1 or more. */
  readonly ttlSeconds: number;
  /** Claims of one's own, by name; none by default. */
  readonly others?: Readonly<Record<string, unknown>> | undefined;
}

/**
 * Makes a token that {@link createGate} accepts when it holds the key and the issuer.
 *
 * @throws SessionBuddyError `usage` for a user id or a claim that cannot be, or when the token becomes too long
 */
export async function createToken(signing: TokenKey, claims: TokenClaims, nowMs: number): Promise<string> {
  const { userId, issuer, audience, ttlSeconds, others = {} } = claims;
  const issue = userIdIssue(userId);
  if (issue !== null) throw new SessionBuddyError("usage", `--user-id ${issue}`);
  const own = claimNames.find((name) => Object.hasOwn(others, name));
  if (own !== undefined) throw new SessionBuddyError("usage", `the claim ${own} cannot be set with --claim`);
  const nowSeconds = Math.floor(nowMs / 1000);
  const payload: JWTPayload = {
    ...others,
    user_id: userId,
    type: "access",
    iss: issuer,
    iat: nowSeconds,
    exp: nowSeconds + ttlSeconds,
  };
  if (audience !== undefined) payload.aud = audience;
  const header = { alg: signing.algorithm, typ: "JWT", ...(signing.kid === null ? {} : { kid: signing.kid }) };
  const token = await new SignJWT(payload).setProtectedHeader(header).sign(signing.key);
  if (token.length <= longestToken) return token;
  throw new SessionBuddyError(
    "usage",
    `the token would be ${token.length} characters long, and tokens longer than ${longestToken} are refused; use fewer claims`,
  );
}
