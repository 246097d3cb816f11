/**
 * Owns the key pair by which this host is known to another record, and what is signed with it (RFC 7515, RFC 8037).
 * Without a library: what runs beside each shell of a host signs one short text, and loads nothing for it.
 */
import { createHash, createPrivateKey, generateKeyPairSync, sign } from "node:crypto";
import { SessionBuddyError } from "../tracker/errors.ts";

/** The public part of an Ed25519 key (RFC 8037, section 2). */
export interface HostJwk {
  readonly kty: "OKP";
  readonly crv: "Ed25519";
  /** 32 bytes in base64url. */
  readonly x: string;
}

/** With the part that signs. */
export interface PrivateHostJwk extends HostJwk {
  readonly d: string;
}

export interface HostKey {
  /** {@link thumbprintOf} the public part. */
  readonly kid: string;
  readonly jwk: PrivateHostJwk;
}

/** What a token of a host is for. */
export interface HostTokenUse {
  /** The other record's address, as it was enrolled with: scheme, name and port. */
  readonly audience: string;
  /** The body that the token goes with, as it is sent, after compression; empty where there is none. */
  readonly body: string | Uint8Array;
  /** Milliseconds since the epoch. */
  readonly nowMs: number;
}

export const hostTokenType = "sb-host+jwt";
export const hostProofType = "sb-enroll+jwt";
/** A token is good for so long, in seconds. */
export const hostTokenSeconds = 120;
/** What this host gives its own; the clocks of two machines differ. */
const ownTokenSeconds = 60;
const proofSeconds = 120;

/** @returns a new pair. On a command line a kid that begins with a dash would be taken for an option: there is none. */
export function createHostKey(): HostKey {
  for (;;) {
    const { privateKey } = generateKeyPairSync("ed25519");
    const jwk = readHostJwk(privateKey.export({ format: "jwk" }), "private");
    const kid = thumbprintOf(jwk);
    if (!kid.startsWith("-")) return { kid, jwk };
  }
}

/** @returns the thumbprint of a key's public part (RFC 7638), 43 characters */
export function thumbprintOf({ kty, crv, x }: HostJwk): string {
  return createHash("sha256").update(JSON.stringify({ crv, kty, x })).digest("base64url");
}

/** @returns what goes into a token for a body: the hash of it */
export function bodyHash(body: string | Uint8Array): string {
  return createHash("sha256").update(body).digest("base64url");
}

/** @returns the token for one request, good for a minute and for no other body and no other record */
export function signHostToken({ kid, jwk }: HostKey, { audience, body, nowMs }: HostTokenUse): string {
  const iat = Math.floor(nowMs / 1000);
  const claims = { iss: kid, aud: audience, iat, exp: iat + ownTokenSeconds, bh: bodyHash(body) };
  return signed(jwk, { alg: "EdDSA", kid, typ: hostTokenType }, claims);
}

/** @returns a proof that this host has the key, for one invitation, or for the origin whose key it is to become */
export function signHostProof(
  { kid, jwk }: HostKey,
  { audience, invite, nowMs }: { readonly audience: string; readonly invite: string; readonly nowMs: number },
): string {
  const iat = Math.floor(nowMs / 1000);
  const claims = { iss: kid, aud: audience, iat, exp: iat + proofSeconds, invite };
  return signed(jwk, { alg: "EdDSA", kid, typ: hostProofType }, claims);
}

function signed(jwk: PrivateHostJwk, header: object, claims: object): string {
  const text = `${encoded(header)}.${encoded(claims)}`;
  const key = createPrivateKey({ key: { ...jwk }, format: "jwk" });
  return `${text}.${sign(null, Buffer.from(text), key).toString("base64url")}`;
}

function encoded(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString("base64url");
}

const keyBytes = 32;

/**
 * Reads a key, and nothing else that is beside it.
 *
 * @throws SessionBuddyError `invalid` for anything but an Ed25519 key in its one form
 */
export function readHostJwk(value: unknown, part: "public"): HostJwk;
export function readHostJwk(value: unknown, part: "private"): PrivateHostJwk;
export function readHostJwk(value: unknown, part: "public" | "private"): HostJwk | PrivateHostJwk {
  const { kty, crv, x, d } = (typeof value === "object" && value !== null ? value : {}) as Record<string, unknown>;
  if (kty !== "OKP" || crv !== "Ed25519" || !isKeyText(x)) {
    throw new SessionBuddyError("invalid", "jwk should be the public part of an Ed25519 key");
  }
  if (part === "public") return { kty, crv, x };
  if (!isKeyText(d)) throw new SessionBuddyError("invalid", "jwk should have the part that signs");
  return { kty, crv, x, d };
}

/** Bits that are left over must be zero, or one key would have several texts. */
function isKeyText(text: unknown): text is string {
  if (typeof text !== "string" || text.length !== 43) return false;
  const bytes = Buffer.from(text, "base64url");
  return bytes.length === keyBytes && bytes.toString("base64url") === text;
}
