/** What the attacks on the gate aim at: a secret, key pairs of both kinds, and tokens put together part by part. */
import {
  createHash,
  createHmac,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  type webcrypto,
} from "node:crypto";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { CredentialSources } from "../../../src/auth/credentials.ts";
import { claims, secret } from "../server/jwt.ts";

type Json = Readonly<Record<string, unknown>>;
/** Makes the third part for the first two. */
export type Signer = (input: string) => Buffer;

export const previousSecret = "a previous secret of the tests, 32 bytes or more".replaceAll(/[ ,]/g, "_");

export interface Pair {
  readonly alg: "EdDSA" | "ES256";
  readonly kid: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  readonly publicJwk: webcrypto.JsonWebKey;
}

export const pairs = { ed: pairOf("EdDSA"), ec: pairOf("ES256") } as const;
/** Keys that the server never heard of. */
export const strangers = { ed: pairOf("EdDSA"), ec: pairOf("ES256") } as const;

function pairOf(alg: Pair["alg"]): Pair {
  const { privateKey, publicKey } =
    alg === "EdDSA" ? generateKeyPairSync("ed25519") : generateKeyPairSync("ec", { namedCurve: "P-256" });
  const publicJwk = publicKey.export({ format: "jwk" });
  return { alg, kid: thumbprintOf(publicJwk), privateKey, publicKey, publicJwk };
}

/** RFC 7638: the needed members, sorted, without white space. */
export function thumbprintOf(jwk: webcrypto.JsonWebKey): string {
  const { crv, kty, x, y } = jwk;
  return createHash("sha256").update(JSON.stringify({ crv, kty, x, y })).digest("base64url");
}

/** Writes the keys file of the target. @returns its surroundings */
export function targetIn(folder: string) {
  const file = join(folder, "keys.json");
  const keys = [pairs.ed, pairs.ec].map(({ privateKey, kid }) => ({ ...privateKey.export({ format: "jwk" }), kid }));
  writeFileSync(file, JSON.stringify({ keys }));
  chmodSync(file, 0o600);
  const sources: CredentialSources = {
    secret,
    secretFile: undefined,
    previousSecrets: previousSecret,
    previousSecretsFile: undefined,
    keysFile: file,
    credentialsFolder: undefined,
  };
  const env = {
    SESSION_BUDDY_SECRET: secret,
    SESSION_BUDDY_PREVIOUS_SECRETS: previousSecret,
    SESSION_BUDDY_KEYS_FILE: file,
  };
  return { sources, env };
}

export const hs =
  (key: string | Buffer = secret, bits = 256): Signer =>
  (input) =>
    createHmac(`sha${bits}`, key).update(input).digest();
export const ed =
  ({ privateKey }: Pair = pairs.ed): Signer =>
  (input) =>
    sign(null, Buffer.from(input), privateKey);
export const ec =
  ({ privateKey }: Pair = pairs.ec, dsaEncoding: "ieee-p1363" | "der" = "ieee-p1363"): Signer =>
  (input) =>
    sign("sha256", Buffer.from(input), { key: privateKey, dsaEncoding });
export const unsigned: Signer = () => Buffer.alloc(0);

/** A part as an object, or as the very text. */
export type Part = Json | string;

/** Puts a token together. */
export function token(header: Part, payload: Part, signer: Signer): string {
  const input = [header, payload].map(encoded).join(".");
  return `${input}.${signer(input).toString("base64url")}`;
}

/** A token that is the recipe but for its header; signed with the secret unless it is said otherwise. */
export function headed(header: Part, signer: Signer = hs()): string {
  return token(header, claims(), signer);
}

/** A token that is the recipe but for its claims, signed with the secret. */
export function claiming(payload: Part): string {
  return token({ alg: "HS256", typ: "JWT" }, payload, hs());
}

export function encoded(part: Part): string {
  return Buffer.from(typeof part === "string" ? part : JSON.stringify(part)).toString("base64url");
}

/** The recipe's text with one more member, written as it stands. */
export function claimsText(member: string, changes: Json = {}): string {
  return JSON.stringify(claims(changes)).replace(/\}$/, `,${member}}`);
}

/** Every text of a public key that a careless verifier may take for a secret. */
export function publicTexts({ publicKey, publicJwk }: Pair): Readonly<Record<string, string | Buffer>> {
  const pem = publicKey.export({ type: "spki", format: "pem" }).toString();
  return {
    PEM: pem,
    "PEM without its last newline": pem.trimEnd(),
    DER: publicKey.export({ type: "spki", format: "der" }),
    JWK: JSON.stringify(publicJwk),
    "x of the JWK": String(publicJwk.x),
    "bytes of x": Buffer.from(String(publicJwk.x), "base64url"),
  };
}

/** The same key as it would be read from a certificate's public part. */
export function spkiOf(pair: Pair): string {
  return createPublicKey(pair.privateKey).export({ type: "spki", format: "der" }).toString("base64");
}

/** Letters of base64url whose last one has bits that mean nothing, and now are set: the same bytes in another text. */
export function withUnusedBits(part: string): string {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  return part.slice(0, -1) + alphabet.charAt(alphabet.indexOf(part.slice(-1)) + 1);
}

/** The text with white space behind it, so that its last byte stands alone and its last letter has unused bits. */
export function unaligned(text: string): string {
  return text + " ".repeat((4 - (Buffer.byteLength(text) % 3)) % 3);
}
