/** Proves that sentences in a last column are wrapped beside what stands before them, or below it where there is no room. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { wrapColumns } from "../../../../src/cli/terminal/columns.ts";

const plain = (cell: string) => cell;

test("a sentence is wrapped behind the cells before it, and each cell is styled once", () => {
  const rows = [
    ["ok", "first check", "one two three four five six seven eight nine ten"],
    ["problem", "x", "short"],
  ];
  const styled = wrapColumns(rows, 61, (cell, row, column) => (column === 0 ? `<${row}:${cell}>` : cell));
  assert.deepEqual(styled, [
    "<0:ok     >  first check  one two three four five six seven eight",
    "                      nine ten",
    "<1:problem>  x            short",
  ]);
});

test("a word that does not fit there stands below, and is never broken", () => {
  const path = `/${"folder/".repeat(6)}file`;
  const rows = [["ok", "a check", `${path} is a path that is long`]];
  assert.deepEqual(wrapColumns(rows, 50, plain), ["ok  a check", `    ${path}`, "    is a path that is long"]);
});

test("where there is hardly any room, sentences stand below, and rows without one are as they are", () => {
  const rows = [
    ["TITLE", "A VERY LONG TITLE OF A COLUMN", ""],
    ["x", "y", "one two three four five"],
  ];
  assert.deepEqual(wrapColumns(rows, 50, plain), [
    "TITLE  A VERY LONG TITLE OF A COLUMN",
    "x      y",
    "    one two three four five",
  ]);
});

test("what a terminal would act on is escaped before it is measured", () => {
  assert.deepEqual(wrapColumns([["a", "\u001b[2J two"]], 9, plain), ["a", "    \\x1b[2J", "    two"]);
});
