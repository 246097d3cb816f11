/** Owns what tokens are signed and verified with: secrets and key pairs, each with its one algorithm. For `auth/` and the composition root. */
import { randomBytes, type webcrypto } from "node:crypto";
import { SessionBuddyError } from "../tracker/errors.ts";

/** `HS256` for secrets, the others for key pairs (RFC 7518, RFC 8037). */
export type Algorithm = "HS256" | "EdDSA" | "ES256";

/** One key, ready for use. What a token says of its algorithm never changes which one a key is used with. */
export interface TokenKey {
  readonly algorithm: Algorithm;
  /** RFC 7517 section 4.5; null for a secret, which has no name. */
  readonly kid: string | null;
  /** What it is, for a person: `the secret`, `previous secret 2`, `key 3Vqo…`. */
  readonly name: string;
  readonly key: webcrypto.CryptoKey;
}

export interface Credentials {
  /** Null when there are public keys alone. */
  readonly signing: TokenKey | null;
  /** Every key that tokens may be signed with; one or more. */
  readonly verifying: readonly TokenKey[];
}

const smallestSecretBytes = 32;
const newSecretBytes = 48;

/** What is left where a variable or a list was to be filled in and was not. */
const blanksAndCommas = new Set(Buffer.from(" \t\r\n\v\f,"));

/**
 * Makes a secret ready for use.
 *
 * @param name - what it is, for a person
 * @param source - where it comes from, for the error
 * @throws SessionBuddyError `auth.secret` when it is empty, shorter than 32 bytes (RFC 7518 section 3.2) or blank
 */
export async function importSecret(secret: string | Uint8Array, name: string, source: string): Promise<TokenKey> {
  const bytes = typeof secret === "string" ? Buffer.from(secret) : secret;
  const problem = problemOf(bytes);
  if (problem !== null) {
    throw new SessionBuddyError(
      "auth.secret",
      `${source} ${problem}; make a good one with: session-buddy token secret`,
    );
  }
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", Buffer.from(bytes), algorithm, false, ["sign", "verify"]);
  return { algorithm: "HS256", kid: null, name, key };
}

function problemOf(bytes: Uint8Array): string | null {
  if (bytes.length === 0) return "is empty";
  if (bytes.length < smallestSecretBytes) return `is shorter than ${smallestSecretBytes} bytes`;
  return bytes.every((byte) => blanksAndCommas.has(byte)) ? "holds nothing but blanks and commas" : null;
}

/** @returns a new secret of 384 random bits, in base64url: 64 characters. */
export function createSecret(): string {
  return randomBytes(newSecretBytes).toString("base64url");
}
