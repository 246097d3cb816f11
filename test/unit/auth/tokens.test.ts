/** Proves that our own tokens are the recipe of the contract and pass our own gate, and that secrets are good ones. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createGate } from "../../../src/auth/gate.ts";
import { createSecret, createToken } from "../../../src/auth/tokens.ts";
import { secret } from "../../support/jwt.ts";

const nowMs = 1_770_381_296_789;

test("a token holds the claims of the recipe and nothing else", async () => {
  const token = await createToken(secret, { userId: "les", issuer: "ci", ttlSeconds: 90 }, nowMs);
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
  const token = await createToken(made, { userId: "les", issuer: "session-buddy", ttlSeconds: 1 }, nowMs);
  const gate = createGate({ secret: made, issuers: ["session-buddy"], now: () => nowMs });
  assert.equal(await gate(token), "les");
});
