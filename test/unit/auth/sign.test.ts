/** Proves that our own tokens are the recipe of the contract and pass our own gate, and that secrets are good ones. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createGate } from "../../../src/auth/gate.ts";
import { createToken } from "../../../src/auth/sign.ts";
import { createSecret, importSecret } from "../../../src/auth/token-key.ts";
import { refusal } from "../../support/refusals.ts";
import { secret } from "../../support/server/jwt.ts";

const signing = await importSecret(secret, "the secret", "the test");
const nowMs = 1_770_381_296_789;

test("a token holds the claims of the recipe and nothing else", async () => {
  const token = await createToken(signing, { userId: "les", issuer: "ci", ttlSeconds: 90 }, nowMs);
  const [header, payload] = token.split(".").map((part) => Buffer.from(part, "base64url").toString());
  assert.deepEqual(JSON.parse(String(header)), { alg: "HS256", typ: "JWT" });
  assert.deepEqual(JSON.parse(String(payload)), {
    user_id: "les",
    type: "access",
    iss: "ci",
    iat: 1_770_381_296,
    exp: 1_770_381_386,
  });
});

test("a new secret has 384 random bits, is never the same, and opens the gate for its tokens", async () => {
  const secrets = new Set(Array.from({ length: 100 }, createSecret));
  assert.equal(secrets.size, 100);
  for (const made of secrets) assert.match(made, /^[\w-]{64}$/);
  const [made = ""] = secrets;
  const key = await importSecret(made, "the secret", "the test");
  const token = await createToken(key, { userId: "les", issuer: "session-buddy", ttlSeconds: 1 }, nowMs);
  const gate = createGate({ keys: [key], issuers: ["session-buddy"], now: () => nowMs });
  assert.equal((await gate(token)).userId, "les");
});

const usual = { userId: "les", issuer: "session-buddy", ttlSeconds: 60 };

test("an audience and claims of one's own are in the token, and the gate still accepts it", async () => {
  const others = { roles: ["a"], sub: "x", "https://example.com/a": null, ["__proto__"]: 1 };
  const token = await createToken(signing, { ...usual, audience: "session-buddy", others }, nowMs);
  const claims = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString());
  assert.equal(claims.aud, "session-buddy");
  assert.deepEqual(
    Object.keys(claims).sort(),
    [...Object.keys(others), "aud", "user_id", "type", "iss", "iat", "exp"].sort(),
  );
  const gate = createGate({ keys: [signing], issuers: ["session-buddy"], now: () => nowMs });
  assert.equal((await gate(token)).userId, "les");
});

test("no claim of the contract is overridden, and no token is made that the gate would refuse for its form", async () => {
  for (const name of ["user_id", "exp", "iat", "nbf", "iss", "type", "aud"]) {
    const made = createToken(signing, { ...usual, others: { [name]: "x" } }, nowMs);
    await assert.rejects(made, refusal("usage", `the claim ${name} cannot be set with --claim`));
  }
  for (const userId of ["", "a\u0000", "\ud800"]) {
    await assert.rejects(createToken(signing, { ...usual, userId }, nowMs), refusal("usage", /^--user-id must not/));
  }
  const long = createToken(signing, { ...usual, others: { filling: "x".repeat(16_384) } }, nowMs);
  await assert.rejects(long, refusal("usage", /characters long.*use fewer claims/));
});
