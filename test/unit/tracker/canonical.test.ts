/** Proves that equal JSON data has one text. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
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

test("a value that ends like the opening of a key does not hide the key after it", () => {
  for (const space of ["", " "]) {
    for (const key of [":\\", ":\n", ":\\", ":\t"]) {
      const object = { opening: "x,", [key]: "1" };
      assert.deepEqual(parseJson(JSON.stringify(object, null, space)), object);
    }
  }
});

/** Strings of the characters that could lead a reader of keys astray. */
const trickyText = fc.string({
  unit: fc.constantFrom('"', "\\", ",", ":", "{", " ", "\n", "\u0001", "\uE000", "e", "0", "n", "u"),
});
const { tree: trickyJson } = fc.letrec((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4 },
    trickyText,
    fc.integer(),
    fc.array(tie("tree")),
    fc.dictionary(trickyText, tie("tree"), { noNullPrototype: true }),
  ),
}));

test("property: whatever the keys and values hold, with white space or without, JSON is read as it was written", () => {
  fc.assert(
    fc.property(trickyJson, fc.constantFrom(0, 2, "\t"), (value, space) => {
      const text = JSON.stringify(value, null, space);
      assert.deepEqual(parseJson(text), value);
    }),
    { numRuns: 1_000 },
  );
});

test("property: what JSON.parse refuses is refused, and nothing else", () => {
  const pieces = fc.constantFrom(
    '"',
    "\\",
    "\\x",
    "\\u00",
    '\\"',
    ",",
    ":",
    "{",
    "}",
    "[",
    "]",
    "1",
    "a",
    '"a"',
    '"a\\n":',
    "\n",
  );
  fc.assert(
    fc.property(fc.array(pieces), (parts) => {
      const text = parts.join("");
      assert.equal(
        isJson(() => parseJson(text)),
        isJson(() => JSON.parse(text)),
        text,
      );
    }),
    { numRuns: 2_000 },
  );
});

function isJson(read: () => unknown): boolean {
  try {
    read();
    return true;
  } catch {
    return false;
  }
}
