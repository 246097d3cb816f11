/** Proves the gate's use of the clock to the second, its issuers, and that a refusal's detail never holds the token. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createGate } from "../../../src/auth/gate.ts";
import { importSecret } from "../../../src/auth/token-key.ts";
import type { ErrorCode } from "../../../src/tracker/errors.ts";
import { SessionBuddyError } from "../../../src/tracker/errors.ts";
import { secret, tokenMakers } from "../../support/server/jwt.ts";

const now = 1_770_381_296;
const keys = [await importSecret(secret, "the secret", "the test")];
const recipe = { user_id: "les", exp: now + 60, iat: now, type: "access", iss: "session-buddy" };

/** What the gate says at `now`, moved by some milliseconds: the user, or the code of the refusal. */
async function decision(changes: Readonly<Record<string, unknown>>, laterMs = 0): Promise<string> {
  const gate = createGate({ keys, issuers: ["session-buddy", "ci"], now: () => now * 1000 + laterMs });
  const token = await tokenMakers.hand(JSON.parse(JSON.stringify({ ...recipe, ...changes })));
  return gate(token).then(
    ({ userId }) => userId,
    (error: unknown) => {
      assert.ok(error instanceof SessionBuddyError);
      assert.ok(!JSON.stringify([error.message, error.detail]).includes(token));
      return error.code;
    },
  );
}

const expired: ErrorCode = "auth.expired";
const invalid: ErrorCode = "auth.invalid";
const cases: readonly (readonly [name: string, changes: Record<string, unknown>, laterMs: number, expected: string])[] =
  [
    ["an exp 4 s ago is tolerated", { exp: now - 4 }, 0, "les"],
    ["an exp 4.999 s ago is tolerated", { exp: now }, 4_999, "les"],
    ["an exp 5 s ago has expired (RFC 7519: on or after)", { exp: now - 5 }, 0, expired],
    ["an exp long ago has expired", { exp: 0 }, 0, expired],
    ["an exp of a fraction counts", { exp: now - 5.5 }, 0, expired],
    ["an iat 5 s ahead is tolerated", { iat: now + 5 }, 0, "les"],
    ["an iat 6 s ahead is in the future", { iat: now + 6 }, 0, invalid],
    ["an iat long ago is fine", { iat: 0 }, 0, "les"],
    ["an nbf 5 s ahead is tolerated", { nbf: now + 5 }, 0, "les"],
    ["an nbf 6 s ahead is not yet valid", { nbf: now + 6 }, 0, invalid],
    ["a nbf that is text is refused", { nbf: "0" }, 0, invalid],
    ["each issuer of the list is accepted", { iss: "ci" }, 0, "les"],
    ["an issuer that only begins alike is refused", { iss: "ci2" }, 0, invalid],
    ["a list of issuers is refused", { iss: ["ci"] }, 0, invalid],
    ["an aud of null is refused", { aud: null }, 0, invalid],
    ["a user_id is given back as it is", { user_id: " Ünï " }, 0, " Ünï "],
  ];

for (const [name, changes, laterMs, expected] of cases) {
  test(name, async () => assert.equal(await decision(changes, laterMs), expected));
}

test("the clock is asked anew for every token", async () => {
  let seconds = now;
  const gate = createGate({ keys, issuers: ["session-buddy"], now: () => seconds * 1000 });
  const token = await tokenMakers.jose(recipe);
  assert.equal((await gate(token)).userId, "les");
  seconds += 65;
  await assert.rejects(gate(token), { code: expired });
});

test("a header that asks for more than we know is refused", async () => {
  const gate = createGate({ keys, issuers: ["session-buddy"], now: () => now * 1000 });
  const [, payload, signature] = (await tokenMakers.hand(recipe)).split(".");
  for (const header of [{ alg: "HS256", crit: ["x"], x: 1 }, { alg: "HS256", b64: false }, { alg: "hs256" }, {}, []]) {
    const text = Buffer.from(JSON.stringify(header)).toString("base64url");
    await assert.rejects(gate(`${text}.${payload}.${signature}`), { code: invalid });
  }
});
