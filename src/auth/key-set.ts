/** Owns key sets: the JWKS form (RFC 7517) in which key pairs are kept and published. For the composition root. */
import { calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type JWK } from "jose";
import { SessionBuddyError } from "../tracker/errors.ts";
import type { TokenKey } from "./token-key.ts";

export const keyAlgorithms = ["EdDSA", "ES256"] as const;
export type KeyAlgorithm = (typeof keyAlgorithms)[number];

/** One key pair as it is kept. The algorithm follows from the curve, never from a token. */
export interface StoredKey {
  readonly kid: string;
  readonly algorithm: KeyAlgorithm;
  /** The public members that the thumbprint is made of (RFC 7638 section 3.2). */
  readonly publicPart: JWK;
  /** The member `d`; null for a key that only verifies. */
  readonly privatePart: string | null;
}

interface Curve {
  readonly algorithm: KeyAlgorithm;
  readonly kty: string;
  readonly crv: string;
  readonly coordinates: readonly ("x" | "y")[];
}

const curves: readonly Curve[] = [
  { algorithm: "EdDSA", kty: "OKP", crv: "Ed25519", coordinates: ["x"] },
  { algorithm: "ES256", kty: "EC", crv: "P-256", coordinates: ["x", "y"] },
];

/** @returns a new key pair, named by the thumbprint of its public part (RFC 7638) */
export async function generateKey(algorithm: KeyAlgorithm): Promise<StoredKey> {
  for (;;) {
    const { privateKey } = await generateKeyPair(algorithm, { extractable: true });
    const key = await readKey(await exportJWK(privateKey));
    // On a command line such a kid would be taken for an option; one key of 64 has it.
    if (!key.kid.startsWith("-")) return key;
  }
}

/** @returns whether a key set holds a private part; for a text that is not a key set, whether it might. */
export function holdsPrivatePart(text: string): boolean {
  try {
    return !JSON.parse(text).keys.every((jwk: object) => !("d" in jwk || "k" in jwk));
  } catch {
    return true;
  }
}

/**
 * Reads a key set. The first key with a private part is the one that signs.
 *
 * @param source - where it comes from, for the error
 * @throws SessionBuddyError `auth.secret` with the number of the key that cannot be used
 */
export async function parseKeySet(text: string, source: string): Promise<readonly StoredKey[]> {
  const keys: StoredKey[] = [];
  for (const [at, jwk] of readMembers(text, source).entries()) {
    const key = await readKey(jwk).catch((error: Error) => {
      throw refused(source, `key ${at + 1} ${error.message}`);
    });
    if (keys.some(({ kid }) => kid === key.kid)) throw refused(source, `key ${at + 1} has the same kid as another key`);
    keys.push(key);
  }
  return keys;
}

function readMembers(text: string, source: string): readonly unknown[] {
  let members: unknown;
  try {
    members = JSON.parse(text)?.keys;
  } catch {
    throw refused(source, "it is not JSON");
  }
  if (!Array.isArray(members) || members.length === 0) throw refused(source, "it contains no keys");
  return members;
}

/** @throws Error the rest of a sentence that begins with the key; never what the key holds */
async function readKey(member: unknown): Promise<StoredKey> {
  const jwk = (typeof member === "object" ? (member ?? {}) : {}) as JWK;
  const curve = curves.find(({ kty, crv }) => kty === jwk.kty && crv === jwk.crv);
  if (curve === undefined) throw new Error("is of a kind that is not supported; use Ed25519 or P-256");
  const { algorithm, kty, crv, coordinates } = curve;
  if (jwk.alg !== undefined && jwk.alg !== algorithm)
    throw new Error(`has an alg that does not fit it; it must be ${algorithm}`);
  if (jwk.use !== undefined && jwk.use !== "sig") throw new Error("is not for signatures (use)");
  const publicPart = { kty, crv, ...Object.fromEntries(coordinates.map((name) => [name, jwk[name]])) } as JWK;
  const key = { algorithm, publicPart, privatePart: jwk.d ?? null, kid: jwk.kid ?? "" };
  try {
    // Both parts: a private one that does not fit the public one is found here.
    await Promise.all([importPublic(key), importPrivate(key)]);
  } catch {
    throw new Error(`is not a valid ${crv} key`);
  }
  if (jwk.kid === undefined) return { ...key, kid: await calculateJwkThumbprint(publicPart) };
  if (typeof jwk.kid !== "string" || jwk.kid === "") throw new Error("has a kid that is not a string");
  return key;
}

/** @returns the key set's text for a file of mode 0600 */
export function formatKeySet(keys: readonly StoredKey[]): string {
  const members = keys.map((key) => (key.privatePart === null ? toPublic(key) : toPrivate(key, key.privatePart)));
  return `${JSON.stringify({ keys: members }, null, 2)}\n`;
}

/** @returns the key set without anything that signs */
export function toPublicKeySet(keys: readonly StoredKey[]): { readonly keys: readonly JWK[] } {
  return { keys: keys.map(toPublic) };
}

function toPublic({ publicPart, kid, algorithm }: StoredKey): JWK {
  return { ...publicPart, kid, alg: algorithm, use: "sig" };
}

function toPrivate(key: StoredKey, d: string): JWK {
  return { ...toPublic(key), d };
}

/** @returns the key for verifying */
export async function importPublic({ publicPart, algorithm, kid }: StoredKey): Promise<TokenKey> {
  return { algorithm, kid, name: `key ${kid}`, key: await imported(publicPart, algorithm) };
}

/** @returns the key for signing; null when there is no private part */
export async function importPrivate(stored: StoredKey): Promise<TokenKey | null> {
  const { publicPart, privatePart, algorithm, kid } = stored;
  if (privatePart === null) return null;
  return { algorithm, kid, name: `key ${kid}`, key: await imported({ ...publicPart, d: privatePart }, algorithm) };
}

async function imported(jwk: JWK, algorithm: KeyAlgorithm): Promise<TokenKey["key"]> {
  const key = await importJWK(jwk, algorithm);
  if (key instanceof Uint8Array) throw new TypeError("a secret is not a key pair");
  return key;
}

function refused(source: string, words: string): SessionBuddyError {
  return new SessionBuddyError("auth.secret", `${source} cannot be used: ${words}`);
}
