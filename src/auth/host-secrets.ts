/** Owns the secrets of invitations: what is kept of one, and whether a text is it. */
import { createHash, timingSafeEqual } from "node:crypto";

/** It has 256 random bits, so that there is nothing to guess from its hash. */
export function hashOfSecret(invite: string, secret: string): string {
  return createHash("sha256").update(`${invite}.${secret}`).digest("base64url");
}

export function isSecretOf(hash: string, invite: string, secret: string): boolean {
  const [kept, given] = [Buffer.from(hash), Buffer.from(hashOfSecret(invite, secret))];
  return kept.length === given.length && timingSafeEqual(kept, given);
}
