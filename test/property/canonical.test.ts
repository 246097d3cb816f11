/** Proves for any JSON data that its canonical text means the same and does not depend on the order of keys. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { canonicalJson, type Json, type JsonObject } from "../../src/tracker/canonical.ts";
import { jsonObject } from "../support/arbitraries.ts";

test("the text is JSON of the same data, and is its own canonical text", () => {
  fc.assert(
    fc.property(jsonObject, (data) => {
      const text = canonicalJson(data);
      assert.deepEqual(JSON.parse(text), data);
      assert.equal(canonicalJson(JSON.parse(text)), text);
    }),
  );
});

test("the order of keys makes no difference at any depth", () => {
  fc.assert(fc.property(jsonObject, (data) => assert.equal(canonicalJson(reversed(data)), canonicalJson(data))));
});

test("different data has different texts", () => {
  fc.assert(
    fc.property(jsonObject, jsonObject, (a, b) => {
      assert.equal(canonicalJson(a) === canonicalJson(b), isSame(a, b));
    }),
  );
});

function reversed(value: Json): Json {
  if (value === null || typeof value !== "object") return value;
  if (Array.isArray(value)) return value.map(reversed);
  const entries = Object.entries(value as JsonObject).reverse();
  return Object.fromEntries(entries.map(([key, item]) => [key, reversed(item)]));
}

function isSame(a: Json, b: Json): boolean {
  try {
    assert.deepEqual(a, b);
    return true;
  } catch {
    return false;
  }
}
