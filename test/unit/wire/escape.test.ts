/** Proves that whatever cannot be seen is shown, and that JSON stays the same data for whoever reads it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { escapeControls, escapeJson } from "../../../src/wire/escape.ts";

const unseen = [
  ..."\u0000\u001b\u007f\u0085\u00ad\u034f\u061c\u115f\u1160\u17b4\u180b\u180e\u200b\u200c\u200d\u200e\u2028\u2029\u202e",
  ..."\u2060\u2064\u2066\u206f\u2800\u3164\ufe00\ufe0f\ufeff\uffa0\ufff9\u{16fe4}\u{1d159}\u{1d173}\u{e0001}\u{e0041}\u{e007f}\u{e01ef}",
];

test("none of what cannot be seen is left in a text or in JSON", () => {
  for (const character of unseen) {
    const name = `U+${character.codePointAt(0)?.toString(16)}`;
    assert.match(escapeControls(`a${character}b`), /^a\\[ -~]+b$/, name);
    const json = escapeJson(JSON.stringify([character]));
    assert.match(json, /^[ -~]+$/, name);
    assert.deepEqual(JSON.parse(json), [character], name);
  }
});

test("what can be seen stays as it is", () => {
  for (const text of ["é 漢字 한국어 עברית العربية 😀 ñ Ω", "a\u0301", "/home/les/project (2)", "C:\\new"]) {
    assert.equal(escapeControls(text), text);
    assert.equal(escapeJson(JSON.stringify(text)), JSON.stringify(text));
  }
});

test("different texts stay different, and JSON reads back the same", () => {
  const piece = fc.constantFrom(...unseen, "\\", "\\u200b", "\\u{e0041}", "\ue004", "1", "a", "{", "\ud83d");
  const text = fc.array(piece).map((pieces) => pieces.join(""));
  fc.assert(
    fc.property(text, text, (a, b) => {
      assert.equal(escapeControls(`${a}\n`) === escapeControls(`${b}\n`), a === b);
      assert.deepEqual(JSON.parse(escapeJson(JSON.stringify({ [a]: b }))), { [a]: b });
    }),
  );
});
