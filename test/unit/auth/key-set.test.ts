/** Proves which key sets are read, what a key is named, and that nothing private is published or said in an error. */
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import {
  formatKeySet,
  generateKey,
  holdsPrivatePart,
  importPrivate,
  importPublic,
  keyAlgorithms,
  parseKeySet,
  toPublicKeySet,
} from "../../../src/auth/key-set.ts";
import { pairs, thumbprintOf } from "../../support/attacks/target.ts";
import { refusal } from "../../support/refusals.ts";

const ed = pairs.ed.privateKey.export({ format: "jwk" });
const ec = pairs.ec.privateKey.export({ format: "jwk" });
const set = (...keys: unknown[]) => JSON.stringify({ keys });

test("the thumbprint is that of RFC 8037, appendix A.3", async () => {
  const jwk = { kty: "OKP", crv: "Ed25519", x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" };
  const [key] = await parseKeySet(set(jwk), "it");
  assert.equal(key?.kid, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
  assert.equal(thumbprintOf(jwk), key.kid);
});

for (const algorithm of keyAlgorithms) {
  test(`a new ${algorithm} key is named by its thumbprint, comes back as it was, and signs what its public part verifies`, async () => {
    const key = await generateKey(algorithm);
    assert.equal(key.kid, thumbprintOf(key.publicPart));
    assert.deepEqual(await parseKeySet(formatKeySet([key]), "it"), [key]);
    assert.equal(holdsPrivatePart(formatKeySet([key])), true);
    const published = JSON.stringify(toPublicKeySet([key]));
    assert.ok(!published.includes(String(key.privatePart)));
    assert.equal(holdsPrivatePart(published), false);
    assert.deepEqual(await parseKeySet(published, "it"), [{ ...key, privatePart: null }]);
    const [signing, verifying] = [await importPrivate(key), await importPublic(key)];
    assert.deepEqual([signing?.algorithm, signing?.kid], [algorithm, key.kid]);
    assert.deepEqual([signing?.key.extractable, verifying.key.usages], [false, ["verify"]]);
    assert.notEqual((await generateKey(algorithm)).kid, key.kid);
  });
}

test("no new key has a kid that a command line would take for an option", async () => {
  const keys = await Promise.all(Array.from({ length: 400 }, () => generateKey("EdDSA")));
  assert.equal(new Set(keys.map(({ kid }) => kid)).size, 400);
  for (const { kid } of keys) assert.match(kid, /^[A-Za-z0-9_][\w-]{42}$/);
});

test("a kid of one's own stays, an alg and a use that fit are taken, unknown members are passed over", async () => {
  const keys = await parseKeySet(set({ ...ed, kid: "mine", alg: "EdDSA", use: "sig", note: 1 }, ec), "it");
  assert.deepEqual(
    keys.map(({ kid, algorithm }) => [kid, algorithm]),
    [
      ["mine", "EdDSA"],
      [pairs.ec.kid, "ES256"],
    ],
  );
});

const other = generateKeyPairSync("ed25519").publicKey.export({ format: "jwk" });
const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey.export({ format: "jwk" });
const p384 = generateKeyPairSync("ec", { namedCurve: "P-384" }).publicKey.export({ format: "jwk" });
const kind = /key 1 is of a kind that is not supported/;
const bad: readonly (readonly [name: string, text: string, words: RegExp])[] = [
  ["no JSON", "{", /it is not JSON/],
  ["null", "null", /it contains no keys/],
  ["no list", "{}", /it contains no keys/],
  ["a list of nothing", set(), /it contains no keys/],
  ["a key without its set", JSON.stringify(ed), /it contains no keys/],
  ["null for a key", set(null), kind],
  ["text for a key", set("key"), kind],
  ["an RSA key", set(rsa), kind],
  ["a key of P-384", set(p384), kind],
  ["a secret", set({ kty: "oct", k: "A".repeat(43) }), kind],
  ["an X25519 key", set({ ...ed, crv: "X25519" }), kind],
  ["an alg of another kind", set({ ...ed, alg: "ES256" }), /key 1 has an alg that does not fit it; it must be EdDSA/],
  ["HS256 for a public key", set({ ...other, alg: "HS256" }), /key 1 has an alg that does not fit it/],
  ["a key for encryption", set({ ...ed, use: "enc" }), /key 1 is not for signatures/],
  ["a short x", set({ ...ed, x: "AAAA" }), /key 1 is not a valid Ed25519 key/],
  ["no x", set({ ...ed, x: undefined }), /key 1 is not a valid Ed25519 key/],
  ["a point that is not on the curve", set({ ...ec, d: undefined, y: ec.x }), /key 1 is not a valid P-256 key/],
  ["parts of two keys", set({ ...ed, x: other.x }), /key 1 is not a valid Ed25519 key/],
  ["a d that is no text", set({ ...ed, d: 5 }), /key 1 is not a valid Ed25519 key/],
  ["a kid that is no text", set({ ...ed, kid: 5 }), /key 1 has a kid that is not a string/],
  ["an empty kid", set({ ...ed, kid: "" }), /key 1 has a kid that is not a string/],
  ["one kid for two keys", set({ ...ed, kid: "a" }, { ...ec, kid: "a" }), /key 2 has the same kid as another key/],
  ["one key twice", set(ed, ed), /key 2 has the same kid as another key/],
];

for (const [name, text, words] of bad) {
  test(`${name} is refused by the number of the key, without a word of what it holds`, async () => {
    const refused = await parseKeySet(text, "the keys file f").catch((error: Error) => error);
    refusal("auth.secret", words)(refused);
    refusal("auth.secret", /^the keys file f cannot be used: /)(refused);
    assert.ok(!String(refused).includes(String(ed.d)) && !String(refused).includes(String(ec.d)));
  });
}

test("what cannot be read as a key set might hold a secret", () => {
  for (const text of [
    "",
    "{",
    "null",
    "{}",
    set(ed),
    set(pairs.ed.publicJwk, ec),
    set({ kty: "oct", k: "" }),
    set(null),
  ]) {
    assert.equal(holdsPrivatePart(text), true, text.slice(0, 20));
  }
  assert.equal(holdsPrivatePart(set(pairs.ed.publicJwk, pairs.ec.publicJwk)), false);
});
