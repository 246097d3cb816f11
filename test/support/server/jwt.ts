/** Two independent ways to make a JWT, so that what holds for one library holds for any. */
import { createHmac, createPrivateKey, generateKeyPairSync, sign } from "node:crypto";
import { type JWTPayload, SignJWT, UnsecuredJWT } from "jose";

export const secret = "a secret of the tests, of more than 32 bytes";

export interface TokenOptions {
  /** Default `HS256`. */
  readonly alg?: "HS256" | "HS384" | "HS512" | "RS256" | "none";
  readonly secret?: string | Uint8Array;
}

type Claims = Readonly<Record<string, unknown>>;
export type TokenMaker = (claims: Claims, options?: TokenOptions) => Promise<string>;

export const tokenMakers: Readonly<Record<"jose" | "hand", TokenMaker>> = {
  jose: async (claims, { alg = "HS256", secret: key = secret } = {}) => {
    const payload = claims as JWTPayload;
    if (alg === "none") return new UnsecuredJWT(payload).encode();
    return new SignJWT(payload).setProtectedHeader({ alg }).sign(alg === "RS256" ? rsaKey() : bytesOf(key));
  },
  hand: async (claims, { alg = "HS256", secret: key = secret } = {}) => {
    const signed = [{ typ: "JWT", alg }, claims].map((part) => encoded(JSON.stringify(part))).join(".");
    return `${signed}.${signature(signed, alg, key)}`;
  },
};

/** The claims of the recipe (contract section 5); undefined takes one away. */
export function claims(changes: Claims = {}): Claims {
  const now = Math.floor(Date.now() / 1000);
  const recipe = { user_id: "admin-shell", exp: now + 86_400, iat: now, type: "access", iss: "session-buddy" };
  return JSON.parse(JSON.stringify({ ...recipe, ...changes }));
}

function bytesOf(key: string | Uint8Array): Uint8Array {
  return typeof key === "string" ? Buffer.from(key) : key;
}

function signature(text: string, alg: string, key: string | Uint8Array): string {
  if (alg === "none") return "";
  if (alg === "RS256") return sign("sha256", Buffer.from(text), rsaKey()).toString("base64url");
  return createHmac(alg.replace("HS", "sha"), key).update(text).digest("base64url");
}

function encoded(text: string): string {
  return Buffer.from(text).toString("base64url");
}

function rsaKey() {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  return createPrivateKey(privateKey.export({ type: "pkcs8", format: "pem" }));
}
