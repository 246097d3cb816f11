/** Proves how many columns texts take, and that a shortened one fits and keeps the end that was asked for. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { padTo, shorten, widthOf, wrap } from "../../../../src/cli/terminal/width.ts";

// What the words of these tests are drawn with; the locale of whoever runs them is another matter.
process.env.LC_ALL = "C.UTF-8";

const widths: readonly (readonly [text: string, width: number])[] = [
  ["", 0],
  ["plain", 5],
  ["проект", 6],
  ["日本語", 6],
  ["한국어", 6],
  ["ｆｕｌｌ", 8],
  ["ｱ", 1],
  ["e\u0301", 1],
  ["o\u0308\u0323x", 2],
  // A sign that takes room of its own beside its letter.
  ["नि", 2],
  ["ไทย", 3],
  ["😀", 2],
  ["👩‍👩‍👧", 2],
  ["👨🏽‍🚀", 2],
  ["🇩🇪", 2],
  ["1\ufe0f\u20e3", 2],
  ["❤\ufe0f", 2],
  ["zero\u200bwidth", 9],
  ["…│█", 3],
];

for (const [text, width] of widths) {
  test(`${JSON.stringify(text)} takes ${width} columns`, () => {
    assert.equal(widthOf(text), width);
  });
}

test("a text is shortened at either end, never inside a character", () => {
  assert.equal(shorten("/srv/project", 12), "/srv/project");
  assert.equal(shorten("/srv/project", 8), "/srv/pr…");
  assert.equal(shorten("/srv/project", 8, "end"), "…project");
  assert.equal(shorten("日本語", 4), "日…");
  assert.equal(shorten("日本語", 4, "end"), "…語");
  assert.equal(shorten("ab👩‍👩‍👧cd", 4), "ab…");
  assert.equal(shorten("abc", 1), "…");
});

test("where the locale is not UTF-8 three points stand for what is left out, as far as there is room", (t) => {
  t.after(() => {
    process.env.LC_ALL = "C.UTF-8";
  });
  process.env.LC_ALL = "C";
  assert.equal(shorten("/srv/project", 8), "/srv/...");
  assert.equal(shorten("/srv/project", 8, "end"), "...oject");
  assert.equal(shorten("日本語", 5), "日...");
  assert.equal(shorten("abc", 2), "..");
});

test("filling up aligns texts of any script to the left and to the right", () => {
  assert.equal(padTo("日本", 6), "日本  ");
  assert.equal(padTo("12", 4, "right"), "  12");
  assert.equal(padTo("longer", 3), "longer");
});

test("whatever the text, it is at most as wide as was asked for when shortened, and exactly so when filled up", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), fc.integer({ min: 1, max: 20 }), (text, width) => {
      for (const keep of ["start", "end"] as const) {
        const short = shorten(text, width, keep);
        assert.ok(widthOf(short) <= width, short);
        assert.equal(widthOf(padTo(short, width)), width);
      }
    }),
  );
});

const wrapped: readonly (readonly [text: string, width: number, lines: readonly string[]])[] = [
  ["", 5, [""]],
  ["one", 5, ["one"]],
  ["one two", 7, ["one two"]],
  ["one two", 6, ["one", "two"]],
  ["one two three", 7, ["one two", "three"]],
  ["a-long-word of it", 5, ["a-long-word", "of it"]],
  ["日本 日本", 8, ["日本", "日本"]],
  ["日本 日本", 9, ["日本 日本"]],
];

for (const [text, width, lines] of wrapped) {
  test(`"${text}" wrapped at ${width} columns is ${JSON.stringify(lines)}`, () => {
    assert.deepEqual(wrap(text, width), lines);
  });
}
