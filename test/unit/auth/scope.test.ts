/** Proves what each scope of a token allows, and that a mistake in one allows nothing. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createGate } from "../../../src/auth/gate.ts";
import {
  type Caller,
  readableBy,
  requireEverybody,
  requireRecording,
  type Scope,
  scopeInWords,
  scopeOf,
} from "../../../src/auth/scope.ts";
import { createServiceTokens, tokenLifetimeSeconds } from "../../../src/auth/service-tokens.ts";
import { importSecret } from "../../../src/auth/token-key.ts";
import { claims, secret, tokenMakers } from "../../support/server/jwt.ts";

const everybody = { of: "everybody" } as const;
const les = { of: "user", username: "les" } as const;
const everything: Scope = { reads: everybody, mayRecord: true };
const nothing: Scope = { reads: null, mayRecord: false };
const readsAll: Scope = { reads: everybody, mayRecord: false };
const readsOwn: Scope = { reads: les, mayRecord: false };
const records: Scope = { reads: null, mayRecord: true };

const scopes: readonly (readonly [claim: unknown, expected: Scope])[] = [
  [undefined, everything],
  ["", everything],
  ["openid profile", everything],
  ["spread:all files.read readonly administrator rewrite", everything],
  [5, everything],
  [null, everything],
  [{ read: "own" }, everything],
  ["read:own", readsOwn],
  [["read:own"], readsOwn],
  ["openid read:own", readsOwn],
  ["read:own read:later", readsOwn],
  ["read:all", readsAll],
  ["read:own read:all", readsAll],
  ["write", records],
  ["openid write", records],
  ["write read:later", records],
  ["write read:own", { reads: les, mayRecord: true }],
  ["read:all write", everything],
  ["admin", everything],
  ["read:own admin", everything],
  ["read:", nothing],
  ["read", nothing],
  ["read_all", nothing],
  ["read:everything", nothing],
  ["read:own,read:all", nothing],
  ["openid,read:own", nothing],
  ["\tread:all", nothing],
  ["read:OWN", nothing],
  ["READ:ALL", nothing],
  ["write:all", nothing],
  ["write:own", nothing],
  ["Write", nothing],
  ["writes", everything],
  ["admin:users", nothing],
  ["ADMIN", nothing],
  ["admin,write", nothing],
  [["admin,write"], nothing],
];

for (const [claim, expected] of scopes) {
  test(`the scope ${JSON.stringify(claim)} is ${JSON.stringify(expected)}`, () => {
    assert.deepEqual(scopeOf(claim, "les"), expected);
  });
}

test("what a scope allows is said in words, and no two different ones in the same", () => {
  const said = [everything, nothing, readsAll, readsOwn, records].map(scopeInWords);
  assert.deepEqual(said, [
    "reads everybody's sessions, records",
    "reads nothing, records nothing",
    "reads everybody's sessions, records nothing",
    "reads its own user's sessions, records nothing",
    "reads nothing, records",
  ]);
});

const callerWith = (scope: Scope): Caller => ({ userId: "les", scope, expiresAtMs: 0 });
const beyond = { code: "auth.scope" };

test("who needs no token may do everything, a reader may only read, and a writer only record", () => {
  for (const caller of [null, callerWith(everything)]) {
    assert.deepEqual(readableBy(caller), { of: "everybody" });
    requireRecording(caller);
    requireEverybody(caller);
  }
  const all = callerWith(readsAll);
  assert.deepEqual(readableBy(all), { of: "everybody" });
  requireEverybody(all);
  assert.throws(() => requireRecording(all), beyond);
  const own = callerWith(readsOwn);
  assert.deepEqual(readableBy(own), les);
  assert.throws(() => requireEverybody(own), beyond);
  assert.throws(() => requireRecording(own), beyond);
  const writer = callerWith(records);
  requireRecording(writer);
  for (const check of [readableBy, requireEverybody]) assert.throws(() => check(writer), beyond);
  const nobody = callerWith(nothing);
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
    scope: { reads: { of: "user", username: "ann" }, mayRecord: false },
    expiresAtMs: ann.expiresAtMs,
    localUid: 1001,
  });
  const root = await service.make({ uid: 0, username: "root" }, true, nowMs);
  assert.deepEqual([root.scope, (await gate(root.token)).scope], ["read:all", readsAll]);
  await assert.rejects(other.gate(null)(ann.token), { code: "auth.invalid" });
  nowMs += (tokenLifetimeSeconds + 6) * 1000;
  await assert.rejects(gate(ann.token), { code: "auth.expired" });
});

test("beside tokens of logins, those of a configured secret are taken as ever, and neither makes the other's", async () => {
  const keys = [await importSecret(secret, "the secret", "the test")];
  const configured = createGate({ keys, issuers: ["session-buddy"], now: Date.now });
  const gate = (await createServiceTokens()).gate(configured);
  assert.deepEqual((await gate(await tokenMakers.jose(claims()))).scope, everything);
  await assert.rejects(gate(await tokenMakers.jose(claims({ exp: 1 }))), { code: "auth.expired" });
  await assert.rejects(gate(await tokenMakers.jose(claims({ iss: "session-buddy-login" }))), { code: "auth.invalid" });
  await assert.rejects(gate(""), { code: "auth.missing" });
});
