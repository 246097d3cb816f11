/** Proves that equal JSON data has one text. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { canonicalJson, parseJson } from "../../../src/tracker/canonical.ts";

const texts: readonly (readonly [input: string, canonical: string])[] = [
  ["null", "null"],
  ["-0", "0"],
  ["1e3", "1000"],
  ['"a\\u0000\\ud83d"', '"a\\u0000\\ud83d"'],
  ["[]", "[]"],
  ["[ 1, [ ], { } ]", "[1,[],{}]"],
  ['{ "b": 1, "a": { "d": [true, null], "c": "" } }', '{"a":{"c":"","d":[true,null]},"b":1}'],
  ['{"2":0,"10":0,"a":0,"":0}', '{"":0,"10":0,"2":0,"a":0}'],
  ['{"b":1,"__proto__":{"y":1,"x":2}}', '{"__proto__":{"x":2,"y":1},"b":1}'],
];
for (const [input, canonical] of texts) {
  test(`${input} is written as ${canonical}`, () => {
    assert.equal(canonicalJson(JSON.parse(input)), canonical);
  });
}

test("a number that JSON cannot hold is refused wherever it is", () => {
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
    for (const data of [value, [value], { a: [{ b: value }] }]) assert.throws(() => canonicalJson(data), TypeError);
  }
});

test("no nesting is too deep", () => {
  const depth = 100_000;
  const text = `${"[".repeat(depth)}${"]".repeat(depth)}`;
  // Compared with ===, because a failed assertion would print both.
  assert.ok(canonicalJson(JSON.parse(text)) === text);
});

test("keys that JSON escapes come back as they were, whatever was read before", () => {
  const keys = [
    "",
    "\n",
    "\\",
    "\t",
    '"',
    "\b",
    "\u0001",
    "a",
    "a\n",
    "a\\",
    "\uE000",
    "\uE000000a",
    "\ud800",
    'x"',
    ',"\\n":',
  ];
  const objects = keys.flatMap((first) =>
    keys.map((second) =>
      Object.fromEntries([
        [first, "1"],
        [second, { [first]: ',"\n":' }],
      ]),
    ),
  );
  for (const object of [...objects, ...objects.reverse()]) {
    assert.deepEqual(parseJson(canonicalJson(object)), object);
    assert.deepEqual(parseJson(JSON.stringify(object)), object);
  }
});
