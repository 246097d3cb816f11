/** Proves with any tokens that the gate lets the untouched one through and refuses every other in our own words. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createGate } from "../../src/auth/gate.ts";
import { importSecret } from "../../src/auth/token-key.ts";
import { SessionBuddyError } from "../../src/tracker/errors.ts";
import { anyCodePoint } from "../support/arbitraries.ts";
import { assertGrowth, collectedHeap, fuzzing, inputCount, shown } from "../support/fuzz/fuzz.ts";
import { secret, tokenMakers } from "../support/server/jwt.ts";

const now = 1_770_381_296;
const claims = { user_id: "les", exp: now + 60, iat: now, type: "access", iss: "session-buddy" };
const good = await tokenMakers.hand(claims);
const [goodHeader = "", goodPayload = "", goodSignature = ""] = good.split(".");

const encoded = (text: string) => Buffer.from(text).toString("base64url");
const part = fc.oneof(
  fc.constantFrom(goodHeader, goodPayload, goodSignature, ""),
  fc.stringMatching(/^[A-Za-z0-9_-]{0,50}$/),
  fc.json({ maxDepth: 1 }).map(encoded),
  fc
    .record({
      alg: fc.constantFrom("none", "HS256", "HS512", "RS256", "", "hs256"),
      typ: fc.string(),
      crit: fc.anything(),
    })
    .map((header) => encoded(JSON.stringify({ ...header, crit: undefined, b64: true }))),
);
const putTogether = fc.array(part, { maxLength: 5 }).map((parts) => parts.join("."));

const alphabet = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"];
const edit = fc.record({
  at: fc.nat(),
  drop: fc.nat(3),
  insert: fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom("", ".", "=", "\n", " ", "\0", ...alphabet) },
    fc.string({ unit: anyCodePoint, maxLength: 3 }),
  ),
});
const edited = fc.array(edit, { minLength: 1, maxLength: 3 }).map((edits) =>
  edits.reduce((token, { at, drop, insert }) => {
    const from = at % (token.length + 1);
    return token.slice(0, from) + insert + token.slice(from + drop);
  }, good),
);
const signedBefore = fc
  .dictionary(fc.constantFrom(...Object.keys(claims), "aud", "nbf"), fc.jsonValue({ maxDepth: 1 }), { maxKeys: 2 })
  .map((changes) => ({ ...claims, ...changes }));
const signed = signedBefore.map((some) => ({ signed: some }));

const anyToken: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 8, arbitrary: edited },
  { weight: 4, arbitrary: putTogether },
  { weight: 2, arbitrary: signed },
  { weight: 1, arbitrary: fc.string({ unit: anyCodePoint }) },
  { weight: 1, arbitrary: fc.anything() },
  { weight: 1, arbitrary: fc.constantFrom(good, "x".repeat(100_000), ".".repeat(10_000), `${good}.`, `${good}\n`) },
);
const tokensPerRun = 50;

/** The end of the year 9999, the last one that a date of RFC 3339 can name. */
const lastSecond = 253_402_300_799;

/** Claims that the gate may let through, by the table of contract section 5; the tolerance is 5 s. */
function isAllowed(some: Readonly<Record<string, unknown>>): boolean {
  const { user_id: user, exp, iat, nbf, type, iss, aud } = some;
  return (
    typeof user === "string" &&
    user !== "" &&
    !/[\p{Cc}\p{Cs}]/u.test(user) &&
    typeof exp === "number" &&
    exp > now - 5 &&
    exp <= lastSecond &&
    typeof iat === "number" &&
    iat <= now + 5 &&
    (nbf === undefined || (typeof nbf === "number" && nbf <= now + 5)) &&
    type === "access" &&
    iss === "session-buddy" &&
    (aud === undefined || aud === "session-buddy" || (Array.isArray(aud) && aud.includes("session-buddy")))
  );
}

async function assertDecision(gate: ReturnType<typeof createGate>, input: unknown): Promise<void> {
  const made = typeof input === "object" && input !== null && "signed" in input ? input.signed : null;
  const token = made === null ? input : await tokenMakers.hand(made as Record<string, unknown>);
  const mayPass = made === null ? token === good : isAllowed(made as Record<string, unknown>);
  const refusal = await gate(token).then(
    () => null,
    (error: unknown) => error,
  );
  const isOurs = refusal instanceof SessionBuddyError && refusal.code.startsWith("auth.");
  const tells = isOurs && `${refusal.message}${refusal.detail}`.includes(goodSignature);
  if (mayPass ? refusal === null : isOurs && !tells) return;
  assert.fail(`${refusal ?? "let through"}: ${fc.stringify(made ?? token).slice(0, 500)}`);
}

test(`${inputCount} tokens at the gate`, async (t) => {
  const keys = [await importSecret(secret, "the secret", "test")];
  const gate = createGate({ keys, issuers: ["session-buddy"], now: () => now * 1000 });
  assert.equal((await gate(good)).userId, "les");
  const property = fc.asyncProperty(
    fc.array(anyToken, { minLength: tokensPerRun, maxLength: tokensPerRun }),
    async (tokens) => {
      await Promise.all(tokens.map((token) => assertDecision(gate, token)));
    },
  );
  await fc.assert(property, { ...fuzzing(tokensPerRun), seed: 1, numRuns: 20 });
  const before = collectedHeap();
  await fc.assert(property, fuzzing(tokensPerRun));
  const after = collectedHeap();
  t.diagnostic(`${inputCount} tokens; ${shown("heap", before, after)}`);
  assertGrowth("heap", before, after);
});
