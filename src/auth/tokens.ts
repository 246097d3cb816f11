/** Owns making tokens and good secrets. For `app.ts` alone, which loads it only when a token is asked for. */
import { randomBytes } from "node:crypto";
import { SignJWT } from "jose";

/** `aud` is left out, as in the recipe that programs use (contract section 5). */
export interface TokenClaims {
  readonly userId: string;
  readonly issuer: string;
  /** Lifetime in seconds, 1 or more. */
  readonly ttlSeconds: number;
}

/** @returns a JWT that {@link createGate} accepts when it holds the same secret and issuer. */
export function createToken(secret: string, claims: TokenClaims, nowMs: number): Promise<string> {
  const nowSeconds = Math.floor(nowMs / 1000);
  return new SignJWT({ user_id: claims.userId, type: "access" })
    .setProtectedHeader({ alg: "HS256", typ: "JWT" })
    .setIssuer(claims.issuer)
    .setIssuedAt(nowSeconds)
    .setExpirationTime(nowSeconds + claims.ttlSeconds)
    .sign(new TextEncoder().encode(secret));
}

const secretBytes = 48;

/** @returns a new secret of 384 random bits, in base64url: 64 characters. */
export function createSecret(): string {
  return randomBytes(secretBytes).toString("base64url");
}
