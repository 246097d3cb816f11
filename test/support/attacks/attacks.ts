/** The table of attacks on the gate, by what they try; each is refused with the sentence of the contract and no other. */

import type { CheckName } from "../../../src/auth/examine.ts";
import { claims } from "../server/jwt.ts";
import { claimsAttacks } from "./claims.ts";
import { formAttacks } from "./form.ts";
import { signatureAttacks } from "./signature.ts";
import { claiming, claimsText, ec, ed, headed, hs, pairs, previousSecret } from "./target.ts";

export interface Attack {
  readonly name: string;
  /** What is sent as token to the target of `attack-target.ts`. */
  readonly token: () => unknown;
  readonly answer: keyof typeof sentences;
  /** The check that refuses it, so that none hides behind another; the first of several. */
  readonly check: CheckName | null;
}

/** Contract section 5. */
export const sentences = {
  missing: "❌ Authentication failed: Token required (SESSION_BUDDY_SECRET is set)",
  expired: "❌ Authentication failed: Token has expired",
  invalid: "❌ Authentication failed: Invalid token",
} as const;

export const attacks: readonly Attack[] = [...formAttacks, ...signatureAttacks, ...claimsAttacks];

const now = Math.floor(Date.now() / 1000);

/** What looks like an attack and is none: each must be accepted, so that the table above is refused for what it names. */
export const harmless: readonly (readonly [name: string, token: () => string])[] = [
  ["the recipe", () => claiming(claims())],
  ["no typ", () => headed({ alg: "HS256" })],
  ["another typ, and a cty", () => headed({ alg: "HS256", typ: "at+jwt", cty: "x" })],
  ["white space in the header", () => headed(' { "alg" : "HS256" } ')],
  ["a key of the header with an escape", () => headed('{"\\u0061lg":"HS256"}')],
  ["the previous secret", () => headed({ alg: "HS256" }, hs(previousSecret))],
  ["the Ed25519 key by its kid", () => headed({ alg: "EdDSA", kid: pairs.ed.kid }, ed())],
  ["the Ed25519 key without a kid", () => headed({ alg: "EdDSA" }, ed())],
  ["the P-256 key by its kid", () => headed({ alg: "ES256", kid: pairs.ec.kid }, ec())],
  ["the P-256 key without a kid", () => headed({ alg: "ES256" }, ec())],
  ["equal keys in two objects", () => claiming(claimsText('"a":{"x":1},"b":{"x":1},"c":[{"x":1},{"x":1}],"x":1'))],
  ["text that looks like equal keys", () => claiming(claimsText('"a":"\\"b\\":1,\\"b\\":1","b":["a:","a:","{"]'))],
  ["a claim of thousands of lists", () => claiming(claimsText(`"deep":${"[".repeat(5000)}${"]".repeat(5000)}`))],
  ["nearly the largest", () => claiming(claims({ filling: "x".repeat(12_000) }))],
  ["times with a fraction", () => claiming(claims({ exp: now + 60.25, iat: now - 0.5, nbf: now - 0.5 }))],
  ["the last second of the calendar", () => claiming(claims({ exp: 253_402_300_799 }))],
  ["an aud that is us", () => claiming(claims({ aud: "session-buddy" }))],
  ["an aud that contains us", () => claiming(claims({ aud: ["other", "session-buddy"] }))],
  ["a user id of several scripts", () => claiming(claims({ user_id: " Ünï 用户 👩‍💻 " }))],
];
