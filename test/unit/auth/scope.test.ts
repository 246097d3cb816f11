/** Proves what each scope of a token allows, and that a mistake in one allows nothing. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createGate } from "../../../src/auth/gate.ts";
import { type Caller, readableBy, requireEverybody, requireRecording, scopeOf } from "../../../src/auth/scope.ts";
import { createServiceTokens, tokenLifetimeSeconds } from "../../../src/auth/service-tokens.ts";
import { importSecret } from "../../../src/auth/token-key.ts";
import { claims, secret, tokenMakers } from "../../support/server/jwt.ts";

const own = { kind: "read_own", username: "les" };

const scopes: readonly (readonly [claim: unknown, expected: object])[] = [
  [undefined, { kind: "everything" }],
  ["", { kind: "everything" }],
  ["openid profile", { kind: "everything" }],
  ["spread:all", { kind: "everything" }],
  [["read:own"], { kind: "everything" }],
  [5, { kind: "everything" }],
  [null, { kind: "everything" }],
  ["read:own", own],
  ["openid read:own", own],
  ["read:own read:later", own],
  ["read:all", { kind: "read_all" }],
  ["read:own read:all", { kind: "read_all" }],
  ["read:", { kind: "nothing" }],
  ["read:everything", { kind: "nothing" }],
  ["read:own,read:all", { kind: "nothing" }],
  ["read:OWN", { kind: "nothing" }],
];

for (const [claim, expected] of scopes) {
  test(`the scope ${JSON.stringify(claim)} is ${JSON.stringify(expected)}`, () => {
    assert.deepEqual(scopeOf(claim, "les"), expected);
  });
}

const callerWith = (scope: Caller["scope"]): Caller => ({ userId: "les", scope, expiresAtMs: 0 });
const beyond = { code: "auth.scope" };

test("who needs no token may do everything, and a reader may only read", () => {
  for (const caller of [null, callerWith({ kind: "everything" })]) {
    assert.deepEqual(readableBy(caller), { of: "everybody" });
    requireRecording(caller);
    requireEverybody(caller);
  }
  const all = callerWith({ kind: "read_all" });
  assert.deepEqual(readableBy(all), { of: "everybody" });
  requireEverybody(all);
  assert.throws(() => requireRecording(all), beyond);
  const les = callerWith({ kind: "read_own", username: "les" });
  assert.deepEqual(readableBy(les), { of: "user", username: "les" });
  assert.throws(() => requireEverybody(les), beyond);
  assert.throws(() => requireRecording(les), beyond);
  const nobody = callerWith({ kind: "nothing" });
  for (const check of [readableBy, requireEverybody, requireRecording]) assert.throws(() => check(nobody), beyond);
});

test("a token of a login is of its user and scope, ends, and is good at the service that made it alone", async () => {
  let nowMs = Date.now();
  const [service, other] = [await createServiceTokens(() => nowMs), await createServiceTokens(() => nowMs)];
  const ann = await service.make({ uid: 1001, username: "ann" }, false, nowMs);
  const gate = service.gate(null);
  const caller = await gate(ann.token);
  assert.deepEqual(caller, {
    userId: "ann",
    scope: { kind: "read_own", username: "ann" },
    expiresAtMs: ann.expiresAtMs,
    localUid: 1001,
  });
  const root = await service.make({ uid: 0, username: "root" }, true, nowMs);
  assert.deepEqual([root.scope, (await gate(root.token)).scope], ["read:all", { kind: "read_all" }]);
  await assert.rejects(other.gate(null)(ann.token), { code: "auth.invalid" });
  nowMs += (tokenLifetimeSeconds + 6) * 1000;
  await assert.rejects(gate(ann.token), { code: "auth.expired" });
});

test("beside tokens of logins, those of a configured secret are taken as ever, and neither makes the other's", async () => {
  const keys = [await importSecret(secret, "the secret", "the test")];
  const configured = createGate({ keys, issuers: ["session-buddy"], now: Date.now });
  const gate = (await createServiceTokens()).gate(configured);
  assert.deepEqual((await gate(await tokenMakers.jose(claims()))).scope, { kind: "everything" });
  await assert.rejects(gate(await tokenMakers.jose(claims({ exp: 1 }))), { code: "auth.expired" });
  await assert.rejects(gate(await tokenMakers.jose(claims({ iss: "session-buddy-login" }))), { code: "auth.invalid" });
  await assert.rejects(gate(""), { code: "auth.missing" });
});
