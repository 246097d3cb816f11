/** Proves that CSV reads back as it was written, and that no cell can be run by a spreadsheet. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { toCsvLine } from "../../../../src/cli/terminal/csv.ts";

const cells: readonly (readonly [value: string | number | null, cell: string])[] = [
  [null, ""],
  ["", ""],
  [0, "0"],
  [-1, "-1"],
  ["plain", "plain"],
  ["a,b", '"a,b"'],
  ['say "x"', '"say ""x"""'],
  ["=1+1", "'=1+1"],
  ["+1", "'+1"],
  ["-1", "'-1"],
  ["@SUM(A1)", "'@SUM(A1)"],
  ["\t=1", "'\\t=1"],
  ["\r=1", "'\\r=1"],
  ["＝1", "'＝1"],
  ['=cmd|"/C calc",A0', `"'=cmd|""/C calc"",A0"`],
  ["a\nb", "a\\nb"],
  ['"=1', '"""=1"'],
  ["\n@x", "'\\n@x"],
  ["\u001b[2J", "\\x1b[2J"],
  ["\u200b=1", "\\u200b=1"],
  ["a;b", '"a;b"'],
  ["x;=1+1;y", `"x;'=1+1;y"`],
  ["x;@A;-1;+1;＝1", `"x;'@A;'-1;'+1;'＝1"`],
  ['x;"=1"', `"x;'""=1"""`],
  ["x;\t=1", '"x;\\t=1"'],
  ["=a;=b", `"'=a;'=b"`],
];

for (const [value, cell] of cells) {
  test(`${JSON.stringify(value)} becomes ${JSON.stringify(cell)}`, () => {
    assert.equal(toCsvLine([value, "end"]), `${cell},end\r\n`);
  });
}

test("whatever the values, a line is one record of as many cells, and none begins like a formula", () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: "grapheme" }), { minLength: 2, maxLength: 5 }), (values) => {
      const line = toCsvLine(values);
      const read = readLine(line.slice(0, -2));
      assert.equal(read.length, values.length);
      for (const cell of read) assert.doesNotMatch(cell, /^[=+\-@\t\r\n＝＋－＠]/);
    }),
  );
});

test("whatever the values, no cell of a spreadsheet that separates by semicolons begins like a formula", () => {
  const piece = fc.constantFrom(";", "=", "+", "-", "@", '"', ",", "'", "\t", "\n", "1", " ", "＝");
  const value = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(""));
  fc.assert(
    fc.property(fc.array(value, { minLength: 1, maxLength: 3 }), (values) => {
      for (const cell of readWithSemicolons(toCsvLine(values).slice(0, -2))) {
        assert.doesNotMatch(cell, /^[=+\-@\t\r\n＝＋－＠]/);
      }
    }),
    { numRuns: 2_000 },
  );
});

/** Quotes mean something at the beginning of a cell alone; what follows the closing one belongs to the cell as it is. */
function readWithSemicolons(line: string): string[] {
  return [...`;${line}`.matchAll(/;(?:"((?:[^"]|"")*)"?([^;]*)|([^;]*))/g)].map(([, quoted, rest = "", bare = ""]) =>
    quoted === undefined ? bare : quoted.replaceAll('""', '"') + rest,
  );
}

/** Reads one record as RFC 4180 says. */
function readLine(line: string): string[] {
  return [...`,${line}`.matchAll(/,(?:"((?:[^"]|"")*)"|([^",\r\n]*))/g)].map(([, quoted, bare]) =>
    quoted === undefined ? (bare ?? "") : quoted.replaceAll('""', '"'),
  );
}
