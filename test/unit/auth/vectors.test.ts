/** Proves that tokens of libraries of other languages are accepted; `test/vectors/` has them, and the scripts that made them. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { createGate } from "../../../src/auth/gate.ts";
import { importPublic, parseKeySet } from "../../../src/auth/key-set.ts";
import { importSecret } from "../../../src/auth/token-key.ts";
import { root } from "../../support/sandbox.ts";

interface Vectors {
  readonly made_by: string;
  readonly script: string;
  readonly tokens: readonly { readonly algorithm: string; readonly token: string }[];
}

const read = (name: string) => readFileSync(join(root, "test/vectors", name), "utf8");
const vectors: readonly Vectors[] = JSON.parse(read("tokens.json"));
const secret = "a secret of the test vectors, made for nothing else";
const issued = 1_770_381_296;
const expires = 4_102_444_800;
const pairs = await Promise.all((await parseKeySet(read("keys.json"), "the vectors")).map(importPublic));
const keys = [...pairs, await importSecret(secret, "the secret", "the vectors")];

const decisionAt = (token: string, seconds: number, usedKeys = keys) =>
  createGate({ keys: usedKeys, issuers: ["session-buddy"], now: () => seconds * 1000 })(token).then(
    ({ userId }) => userId,
    ({ code }: { code: string }) => code,
  );

test("there are three languages, each with its script, and every algorithm has two libraries", () => {
  assert.equal(new Set(vectors.map(({ script }) => script.replace(/.*\./, ""))).size, 3);
  for (const { script } of vectors) assert.match(read(script), /Debian 12 packages: /);
  for (const name of ["HS256", "EdDSA", "ES256"]) {
    const makers = vectors.filter(({ tokens }) => tokens.some(({ algorithm }) => algorithm === name));
    assert.ok(makers.length >= 2, name);
  }
});

for (const { made_by: maker, tokens } of vectors) {
  for (const [at, { algorithm, token }] of tokens.entries()) {
    test(`${maker}: ${algorithm} token ${at + 1} is accepted from its first to its last moment, with its own key alone`, async () => {
      for (const seconds of [issued - 5, issued, expires, expires + 4]) {
        assert.equal(await decisionAt(token, seconds), "vector");
      }
      assert.equal(await decisionAt(token, issued - 6), "auth.invalid");
      assert.equal(await decisionAt(token, expires + 5), "auth.expired");
      const own = keys.filter((key) => key.algorithm === algorithm);
      const others = keys.filter((key) => key.algorithm !== algorithm);
      assert.equal(await decisionAt(token, issued, own), "vector");
      assert.equal(await decisionAt(token, issued, others), "auth.invalid");
      const [header, payload, signature = ""] = token.split(".");
      const altered = `${header}.${payload}.${signature.startsWith("A") ? "B" : "A"}${signature.slice(1)}`;
      assert.equal(await decisionAt(altered, issued), "auth.invalid");
    });
  }
}
