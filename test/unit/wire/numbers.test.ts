/** Proves which numbers of JSON text are kept as they are, and which become ones that every rule refuses. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { withoutInexactNumbers } from "../../../src/wire/numbers.ts";

const kept = [
  "0",
  "-0",
  "0.1",
  "1.50",
  "9007199254740991",
  "9007199254740992",
  "-9007199254740994",
  "1e3",
  "1E+300",
  "1.7976931348623157e308",
  "5e-324",
  "0e999999",
  "0.30000000000000004",
  // As programs write it that always give 17 digits.
  "0.10000000000000001",
  "100000000000000000000000",
  "12345678901234567e-2",
];
const changed = [
  "9007199254740993",
  "-9007199254740993",
  "9007199254740993.0",
  "90071992547409930e-1",
  "12345678901234567890",
  "1152921504606846976",
  "0.1000000000000000055511151231257827",
  "1.00000000000000000001",
  "1e400",
  "-1e400",
  "1e-400",
];

for (const number of kept) {
  test(`${number} is kept`, () => {
    for (const text of [`{"a":${number}}`, `[1, ${number} ,2]`, `{"a":[\n${number}]}`])
      assert.equal(withoutInexactNumbers(text), text);
  });
}

for (const number of changed) {
  test(`${number} is put out of range`, () => {
    assert.deepEqual(JSON.parse(withoutInexactNumbers(`{"a":[1,{"b": ${number}}]}`)), {
      a: [1, { b: Number.POSITIVE_INFINITY }],
    });
  });
}

test("what stands in a string, or is no JSON, stays as it is", () => {
  for (const text of [
    '{"a":"x: 12345678901234567890"}',
    '{"a\\": 12345678901234567890":"\\\\"}',
    '{"a:1e400":1}',
    '{"a": 012345678901234567890}',
    '{"a": 12345678901234567890.}',
    '{"a": 1e400e5}',
    '{"a":"12345678901234567890',
    "1e400",
  ]) {
    assert.equal(withoutInexactNumbers(text), text);
  }
});

test("whatever a program of 64-bit floats writes is kept", () => {
  const number = fc.double({ noNaN: true, noDefaultInfinity: true });
  fc.assert(
    fc.property(fc.array(fc.oneof(number, fc.maxSafeInteger())), (numbers) => {
      const written = [JSON.stringify(numbers), `[${numbers.map((value) => value.toPrecision(17)).join(", ")}]`];
      for (const text of written) assert.deepEqual(JSON.parse(withoutInexactNumbers(text)), JSON.parse(text));
    }),
  );
});

test("an integer that is kept is written again as it was", () => {
  // From here on a float is written with an exponent.
  const edge = 10n ** 21n - 1n;
  fc.assert(
    fc.property(fc.bigInt({ min: -edge, max: edge }), (integer) => {
      const [read] = JSON.parse(withoutInexactNumbers(`[${integer}]`));
      assert.ok(read === Number.POSITIVE_INFINITY || String(read) === String(integer), String(integer));
    }),
  );
});

test("a text of hundreds of kilobytes takes no longer than its length asks for", () => {
  for (const digits of [`1${"0".repeat(250_000)}1`, `0.${"0".repeat(250_000)}1`, `${"1e".repeat(120_000)}1`]) {
    withoutInexactNumbers(`{"a":${digits}}`);
    withoutInexactNumbers(`{"a":"${digits}\\"${"\\\\".repeat(100_000)}`);
  }
});
