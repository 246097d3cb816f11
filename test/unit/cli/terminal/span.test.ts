/** Proves that spans of time and bars are drawn where they belong, and that what exists is seen however short it is. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { barDrawer } from "../../../../src/cli/terminal/bar.ts";
import { drawSpans, looks, type Span } from "../../../../src/cli/terminal/span.ts";

const window = { fromMs: 0, toMs: 100 };

function span(fromMs: number, sureUntilMs: number, untilMs = sureUntilMs, isOpen = false): Span {
  return { fromMs, sureUntilMs, untilMs, isOpen };
}

const drawings: readonly (readonly [why: string, spans: readonly Span[], drawn: string])[] = [
  ["nothing", [], "          "],
  ["a span inside", [span(20, 50)], "  ===     "],
  ["the whole window", [span(0, 100)], "=========="],
  ["more than the window", [span(-50, 150)], "=========="],
  ["a moment", [span(35, 35)], "   =      "],
  ["a moment at the very end", [span(100, 100)], "         ="],
  ["before the window", [span(-20, -10)], "          "],
  ["after it", [span(110, 120)], "          "],
  ["an end that is not known", [span(10, 30, 60)], " ==???    "],
  ["an open one", [span(60, 100, 100, true)], "      ===>"],
  ["an open one past the window", [span(60, 150, 150, true)], "      ===="],
  ["sure over unsure", [span(0, 10, 80), span(30, 50)], "=??==???  "],
];

for (const [why, spans, drawn] of drawings) {
  test(`${why} is drawn as '${drawn}'`, () => {
    assert.equal(drawSpans(spans, window, 10, looks.ascii), drawn);
  });
}

test("whatever the spans, a line has its width, and a span that touches the window is seen", () => {
  const moment = fc.integer({ min: -200, max: 300 });
  fc.assert(
    fc.property(moment, moment, fc.boolean(), fc.integer({ min: 1, max: 80 }), (a, b, isOpen, width) => {
      const one = span(Math.min(a, b), Math.max(a, b), Math.max(a, b), isOpen);
      const drawn = drawSpans([one], window, width, looks.unicode);
      assert.equal(drawn.length, width);
      const touches = one.untilMs >= window.fromMs && one.fromMs <= window.toMs;
      assert.equal(drawn.trim() !== "", touches);
    }),
  );
});

test("a bar is as long as its share, to an eighth of a column, and more than nothing is seen", () => {
  const draw = barDrawer(4, false);
  assert.deepEqual([0, 0.001, 0.25, 0.5, 0.53, 1].map(draw), ["", "▏", "█", "██", "██▏", "████"]);
  const ascii = barDrawer(4, true);
  assert.deepEqual([0, 0.001, 0.25, 0.5, 1].map(ascii), ["", "#", "#", "##", "####"]);
});
