/** Owns what the token commands ask for: making a token, examining one as the gate does, and showing one. */

import { SessionBuddyError } from "../tracker/errors.ts";
import { momentOf } from "./claims.ts";
import { type CredentialSources, openCredentials } from "./credentials.ts";
import { type DecodedToken, decodeToken } from "./decode.ts";
import { type Examination, examineToken } from "./examine.ts";
import { scopeInWords, scopeOf } from "./scope.ts";
import { createToken, type TokenClaims } from "./sign.ts";
import { type Credentials, createSecret } from "./token-key.ts";

export interface AccessToken {
  readonly token: string;
  readonly algorithm: string;
  /** Null for a token that a secret signed. */
  readonly kid: string | null;
  /** RFC 3339. */
  readonly expiresAt: string | null;
}

/** What became of a token, and what it says about itself, as far as that may be relied on. */
export interface Verified extends Pick<Examination, "outcome" | "checks"> {
  /** Null unless the token is accepted. */
  readonly userId: string | null;
  /** RFC 3339; null when the signature does not hold, or there is no such time. */
  readonly expiresAt: string | null;
  /** What it allows, for a person; null unless the token is accepted. */
  readonly allows: string | null;
}

/** A token taken apart, not verified. */
export interface ShownToken extends DecodedToken {
  /** RFC 3339; null when the claim is missing or is not a time. */
  readonly issuedAt: string | null;
  readonly validFrom: string | null;
  readonly expiresAt: string | null;
  /** What it would allow, for a person. */
  readonly allows: string;
}

const waysToSign =
  "set SESSION_BUDDY_SECRET or SESSION_BUDDY_SECRET_FILE (make one with: session-buddy token secret), or SESSION_BUDDY_KEYS_FILE (session-buddy token keys create)";

/**
 * Makes a token for a client.
 *
 * @throws SessionBuddyError `auth.secret` when there is nothing to sign with; `usage` for claims that cannot be
 */
export async function createAccessToken(sources: CredentialSources, claims: TokenClaims): Promise<AccessToken> {
  const { signing } = await requireCredentials(sources, "sign");
  if (signing === null) {
    throw new SessionBuddyError(
      "auth.secret",
      `the keys file holds only public keys, which cannot sign; ${waysToSign}`,
    );
  }
  const token = await createToken(signing, claims, Date.now());
  const expiresAt = momentOf(decodeToken(token).claims.exp);
  return { token, algorithm: signing.algorithm, kid: signing.kid, expiresAt };
}

/**
 * Examines a token exactly as the gate of a server with these secrets, keys and issuers would.
 *
 * @throws SessionBuddyError `auth.secret` when there is nothing to verify with
 */
export async function verifyToken(
  sources: CredentialSources,
  token: string,
  issuers: readonly string[],
): Promise<Verified> {
  const { verifying } = await requireCredentials(sources, "verify");
  const examination = await examineToken(token, { keys: verifying, issuers, nowMs: Date.now() });
  const { outcome, checks, claims } = examination;
  const userId = outcome === "accepted" && typeof claims?.user_id === "string" ? claims.user_id : null;
  const allows = userId === null ? null : scopeInWords(scopeOf(claims?.scope, userId));
  return { outcome, checks, userId, expiresAt: momentOf(claims?.exp), allows };
}

/** @throws SessionBuddyError `invalid` when it is no JWT */
export function showToken(token: string): ShownToken {
  const { header, claims } = decodeToken(token);
  return {
    header,
    claims,
    issuedAt: momentOf(claims.iat),
    validFrom: momentOf(claims.nbf),
    expiresAt: momentOf(claims.exp),
    allows: scopeInWords(scopeOf(claims.scope, "")),
  };
}

/** @returns a new secret that {@link createAccessToken} and the gate accept. */
export function createNewSecret(): string {
  return createSecret();
}

async function requireCredentials(sources: CredentialSources, purpose: "sign" | "verify"): Promise<Credentials> {
  const credentials = await openCredentials(sources);
  if (credentials !== null) return credentials;
  throw new SessionBuddyError("auth.secret", `there is no secret to ${purpose} with; ${waysToSign}`);
}
