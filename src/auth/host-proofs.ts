/** Owns what of a host's tokens and proofs is believed: their form, their signature, what they are for, and when. */
import { type CryptoKey, compactVerify, importJWK } from "jose";
import { decodeToken } from "./decode.ts";
import { bodyHash, type HostJwk, hostProofType, hostTokenSeconds, hostTokenType, thumbprintOf } from "./host-keys.ts";

/** Why a token or a proof is not believed. `clock`: all that is wrong with it is its time. */
export interface Disbelief {
  readonly reason: "invalid" | "clock";
  /** For the log; says nothing of what was sent. */
  readonly words: string;
}

/** What a token or a proof must be for, beside its key. */
interface Purpose {
  readonly type: string;
  readonly audience: string;
  readonly nowMs: number;
  /** The claim that ties it to one thing, and what it must say. */
  readonly tie: { readonly claim: "bh" | "invite"; readonly value: string };
}

/** How far the clock of a host may be ahead, in seconds. */
const aheadSeconds = 5;
const headerNames = new Set(["alg", "kid", "typ"]);

/**
 * @returns the key that a token says it is signed with, which nobody has looked at yet; null for what is no token of a host
 */
export function keyNamedIn(token: unknown): string | null {
  const { kid } = headerOf(token, hostTokenType) ?? {};
  return typeof kid === "string" && /^[\w-]{43}$/.test(kid) ? kid : null;
}

/** @returns why a token is not believed; null when it is */
export function checkHostToken(
  token: string,
  { kid, key }: { readonly kid: string; readonly key: CryptoKey },
  request: { readonly body: Uint8Array; readonly audience: string; readonly nowMs: number },
): Promise<Disbelief | null> {
  const { body, audience, nowMs } = request;
  return check(token, kid, key, { type: hostTokenType, audience, nowMs, tie: { claim: "bh", value: bodyHash(body) } });
}

/**
 * @param jwk - the key that is to be proven to be somebody's
 * @param proven - the invitation, or the origin, that the proof must name
 * @returns why a proof is not believed; null when it is
 */
export async function checkHostProof(
  proof: unknown,
  jwk: HostJwk,
  proven: { readonly audience: string; readonly invite: string; readonly nowMs: number },
): Promise<Disbelief | null> {
  const { audience, invite, nowMs } = proven;
  if (typeof proof !== "string") return invalid("the proof is not a text");
  const key = await importHostKey(jwk);
  if (key === null) return invalid("the key cannot be used");
  const tie = { claim: "invite", value: invite } as const;
  return check(proof, thumbprintOf(jwk), key, { type: hostProofType, audience, nowMs, tie });
}

/** @returns null for 32 bytes that are no key */
export async function importHostKey({ kty, crv, x }: HostJwk): Promise<CryptoKey | null> {
  try {
    const key = await importJWK({ kty, crv, x }, "EdDSA");
    return key instanceof Uint8Array ? null : key;
  } catch {
    return null;
  }
}

async function check(token: string, kid: string, key: CryptoKey, purpose: Purpose): Promise<Disbelief | null> {
  const header = headerOf(token, purpose.type);
  if (header === null) return invalid(`it is no ${purpose.type} signed with EdDSA`);
  if (header.kid !== kid) return invalid("it names another key");
  try {
    await compactVerify(token, key, { algorithms: ["EdDSA"] });
  } catch {
    return invalid("the signature does not hold");
  }
  return checkClaims(decodeToken(token).claims, kid, purpose);
}

/** No other parameter is taken: some change what a token means (RFC 7515, section 4.1.11). */
function headerOf(token: unknown, type: string): Readonly<Record<string, unknown>> | null {
  try {
    const { header } = decodeToken(token);
    const isOurs = header.alg === "EdDSA" && header.typ === type;
    return isOurs && Object.keys(header).every((name) => headerNames.has(name)) ? header : null;
  } catch {
    return null;
  }
}

/** @returns the first claim that is wrong; what is wrong with the time comes last */
function checkClaims(claims: Readonly<Record<string, unknown>>, kid: string, purpose: Purpose): Disbelief | null {
  const { iss, aud, iat, exp } = claims;
  const { audience, tie, nowMs } = purpose;
  if (iss !== kid) return invalid("iss is not its key");
  if (aud !== audience) return invalid(`aud is not ${audience}`);
  if (claims[tie.claim] !== tie.value) return invalid(`${tie.claim} is of something else`);
  if (!(Number.isSafeInteger(iat) && Number.isSafeInteger(exp))) return invalid("iat or exp is no whole number");
  const [from, until, now] = [Number(iat), Number(exp), nowMs / 1000];
  if (until <= from || until - from > hostTokenSeconds)
    return invalid(`it is good for more than ${hostTokenSeconds} s`);
  if (from > now + aheadSeconds) return { reason: "clock", words: "it begins in the future" };
  return until <= now ? { reason: "clock", words: "it is over" } : null;
}

function invalid(words: string): Disbelief {
  return { reason: "invalid", words };
}
