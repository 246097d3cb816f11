/** Proves that a table fits its terminal: what is told in brief, shortened and left out, and in which order. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Column, drawTable } from "../../../../src/cli/terminal/table.ts";
import { widthOf } from "../../../../src/cli/terminal/width.ts";

// What the words of these tests are drawn with; the locale of whoever runs them is another matter.
process.env.LC_ALL = "C.UTF-8";

interface Row {
  readonly id: string;
  readonly at: string;
  readonly end: string;
  readonly path: string;
}

const columns: readonly Column<Row>[] = [
  { title: "ID", text: (row) => row.id, importance: 9 },
  { title: "AT", text: (row) => row.at, brief: (row) => row.at.slice(11), importance: 8 },
  { title: "END", text: (row) => row.end, importance: 1 },
  { title: "PATH", text: (row) => row.path, least: 6, keep: "end", importance: 5 },
];
const rows: readonly Row[] = [
  { id: "a-1", at: "2026-02-06 12:00", end: "-", path: "/srv/project/日本語" },
  { id: "b-22", at: "2026-02-06 13:00", end: "-", path: "/srv" },
];

test("without a limit everything is shown in full, and the last cell is not filled up", () => {
  assert.deepEqual(drawTable(columns, rows, null), [
    "ID    AT                END  PATH",
    "a-1   2026-02-06 12:00  -    /srv/project/日本語",
    "b-22  2026-02-06 13:00  -    /srv",
  ]);
});

const narrower: readonly (readonly [width: number, why: string, lines: readonly string[]])[] = [
  [
    48,
    "all of it just fits",
    ["ID    AT                END  PATH", "a-1   2026-02-06 12:00  -    /srv/project/日本語"],
  ],
  [47, "a column without news goes", ["ID    AT                PATH", "a-1   2026-02-06 12:00  /srv/project/日本語"]],
  [38, "the path loses its beginning", ["ID    AT                PATH", "a-1   2026-02-06 12:00  …roject/日本語"]],
  [29, "the time is told in brief", ["ID    AT     PATH", "a-1   12:00  …/project/日本語"]],
  [18, "the path goes", ["ID    AT", "a-1   12:00"]],
  [10, "the time goes", ["ID", "a-1"]],
];

for (const [width, why, lines] of narrower) {
  test(`at ${width} columns ${why}`, () => {
    assert.deepEqual(drawTable(columns, rows, width).slice(0, 2), lines);
  });
}

test("a long text leaves room for the others: each is told modestly before one is told in full", () => {
  const path = "/a/directory/that/is/as/long/as/the/terminal/is/wide";
  const wide: readonly Column<Row>[] = [
    { title: "PATH", text: (row) => row.path, least: 6, importance: 5 },
    { title: "END", text: (row) => row.end, least: 6, importance: 1 },
  ];
  const drawn = (width: number) => drawTable(wide, [{ id: "", at: "", end: "web.example.com", path }], width)[1];
  assert.equal(drawn(37), "/a/directory/that/i…  web.example.com");
  assert.equal(drawn(47), "/a/directory/that/is/as/long/…  web.example.com");
  assert.equal(drawn(30), "/a/directory/that/i…  web.exa…");
});

test("control characters are measured as they are shown, so that a tab moves no column", () => {
  const some = [{ id: "a\tb", at: "日\u0000", end: "-", path: "/" }, ...rows.slice(1)];
  assert.deepEqual(drawTable(columns, some, null), [
    "ID    AT                END  PATH",
    "a\\tb  日\\x00            -    /",
    "b-22  2026-02-06 13:00  -    /srv",
  ]);
});

test("numbers are aligned to the right, titles too", () => {
  const counts: readonly Column<number>[] = [{ title: "COUNT", text: String, align: "right", importance: 1 }];
  assert.deepEqual(drawTable(counts, [7, 1234567], null), ["  COUNT", "      7", "1234567"]);
});

test("whatever the rows and the width, every line fits and holds no control character", () => {
  const text = fc.string({ unit: "grapheme", minLength: 1 });
  const row = fc.record({ id: fc.stringMatching(/^[a-z]{1,8}$/), at: text, end: text, path: text });
  fc.assert(
    fc.property(fc.array(row, { minLength: 1, maxLength: 5 }), fc.integer({ min: 8, max: 60 }), (some, width) => {
      for (const line of drawTable(columns, some, width)) {
        assert.ok(widthOf(line) <= width, `${line} is wider than ${width}`);
        assert.doesNotMatch(line, /\p{Cc}/u);
      }
    }),
  );
});
