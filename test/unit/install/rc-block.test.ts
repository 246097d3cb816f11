/** Proves how our block goes into a startup file, is brought up to date in its place, and comes out again. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { addBlock, readBlocks, removeBlocks } from "../../../src/install/rc-block.ts";
import { SessionBuddyError } from "../../../src/tracker/errors.ts";

const begin = "# >>> session-buddy >>>";
const end = "# <<< session-buddy <<<";
const block = (line: string, note = "", lineEnd = "\n") => [begin + note, line, end, ""].join(lineEnd);

/** Files before and after the line `load` is added; null: there is none. */
const additions: readonly (readonly [name: string, before: string | null, after: string])[] = [
  ["no file", null, block("load", " (made this file)")],
  ["an empty file", "", block("load")],
  ["a last line that is whole", "a\n", `a\n\n${block("load")}`],
  ["a last line without its end", "a\nb", `a\nb\n\n${block("load", " (added a line end)")}`],
  ["a last line that goes on", "a \\\n", `a \\\n\n${block("load")}`],
  ["CRLF", "a\r\n", `a\r\n\r\n${block("load", "", "\r\n")}`],
  ["CRLF without the last", "a\r\nb", `a\r\nb\r\n\r\n${block("load", " (added a line end)", "\r\n")}`],
  ["both line ends, LF last", "a\r\nb\n", `a\r\nb\n\n${block("load")}`],
];

for (const [name, before, after] of additions) {
  test(`the block goes to the end of a file with ${name}, once, and taking it out restores the file`, () => {
    const bytes = before === null ? null : Buffer.from(before);
    const edit = addBlock(bytes, "load");
    assert.equal(edit?.bytes?.toString(), after);
    assert.deepEqual(readBlocks(Buffer.from(after)), [["load"]]);
    assert.equal(addBlock(Buffer.from(after), "load"), null);
    assert.deepEqual(removeBlocks(Buffer.from(after))?.bytes?.toString() ?? null, before);
  });
}

/** Files whose block is not as it should be, and what they are made into. */
const updates: readonly (readonly [name: string, before: string, after: string])[] = [
  ["another line", `a\n\n${block("old")}b\n`, `a\n\n${block("load")}b\n`],
  ["several lines", `a\n${block("load\nmore")}`, `a\n${block("load")}`],
  ["no line", `${begin}\n${end}\nb`, `${block("load")}b`],
  ["CRLF", `a\r\n${block("old", "", "\r\n")}`, `a\r\n${block("load", "", "\r\n")}`],
  ["no last line end", `a\n${block("old")}`.slice(0, -1), `a\n${block("load")}`.slice(0, -1)],
  ["a note", `a\n\n${block("old", " (added a line end)")}`, `a\n\n${block("load", " (added a line end)")}`],
  ["a second one behind it", `a\n\n${block("load")}b\n\n${block("old")}c\n`, `a\n\n${block("load")}b\nc\n`],
];

for (const [name, before, after] of updates) {
  test(`a block with ${name} is brought up to date in its place`, () => {
    assert.equal(addBlock(Buffer.from(before), "load")?.bytes?.toString(), after);
    assert.equal(addBlock(Buffer.from(after), "load"), null);
  });
}

/** Files that were changed around the block since, and what is left of them. */
const removals: readonly (readonly [name: string, before: string, after: string | null])[] = [
  ["words behind it keep the line end before it", `a\n\n${block("load", " (added a line end)")}b\n`, "a\nb\n"],
  ["a file made for it keeps what came since", `${block("load", " (made this file)")}b\n`, "b\n"],
  ["a file made for it goes when nothing else is in it", block("load", " (made this file)"), null],
  ["an empty file stays", block("load"), ""],
  ["a line before it keeps its end", `a\n${block("load")}`, "a\n"],
  ["all of several go", `a\n\n${block("load")}\n${block("old")}`, "a\n"],
];

for (const [name, before, after] of removals) {
  test(`taking the block out: ${name}`, () => {
    const edit = removeBlocks(Buffer.from(before));
    assert.ok(edit !== null);
    assert.equal(edit.bytes?.toString() ?? null, after);
  });
}

test("a file without a block has nothing to take out", () => {
  assert.equal(removeBlocks(Buffer.from(`x ${begin}\n ${end}\n`)), null);
  assert.equal(removeBlocks(null), null);
});

test("a marker that stands alone is refused with its line", () => {
  const half = [`a\n${begin}\nload\n`, `a\n${end}\n`, `a\n${begin}\n${block("load")}`];
  for (const text of half) {
    const isRefusal = (error: unknown) =>
      error instanceof SessionBuddyError && error.code === "invalid" && /at line 2;/.test(error.message);
    assert.throws(() => addBlock(Buffer.from(text), "load"), isRefusal);
    assert.throws(() => removeBlocks(Buffer.from(text)), isRefusal);
    assert.throws(() => readBlocks(Buffer.from(text)), isRefusal);
  }
});

test("an edit tells the lines that change and where", () => {
  const { bytes: _, ...added } = addBlock(Buffer.from("a\nb"), "load") ?? {};
  assert.deepEqual(added, { line: 4, removed: [], added: [`${begin} (added a line end)`, "load", end] });
  const { bytes: __, ...updated } = addBlock(Buffer.from(`a\n${block("öld")}`), "löad") ?? {};
  assert.deepEqual(updated, { line: 3, removed: ["öld"], added: ["löad"] });
  const { bytes: ___, ...removed } = removeBlocks(Buffer.from(`a\n${block("load")}`)) ?? {};
  assert.deepEqual(removed, { line: 2, removed: [begin, "load", end], added: [] });
});
