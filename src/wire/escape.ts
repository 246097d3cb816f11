/** Owns how hostile text is made safe to print, to log and to show. */

/**
 * What a terminal or a log would act on, and what cannot be seen: controls (Cc), line and paragraph separators (Zl, Zp),
 * halves of surrogate pairs (Cs), format characters (Cf), among them marks that turn the direction of text around
 * (CVE-2021-42574), zero-width spaces, the soft hyphen and tags, and whatever Unicode's programs are to show nothing for,
 * among it the Hangul fillers and variation selectors. The last three are blank without a property that says so: a pattern
 * of Braille without a dot, the filler of the Khitan script and a note without a head.
 *
 * V8 makes the set of characters when it comes to the expression, and most commands never do.
 */
const unprintable = () => /[\p{Cc}\p{Cs}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800\u{16FE4}\u{1D159}]/gu;
const shortEscapes: ReadonlyMap<string, string> = new Map([
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
]);

/** @returns the text with everything unprintable as an escape such as `\n` or `\x1b`, and `\` doubled before them. */
export function escapeControls(text: string): string {
  if (text.search(unprintable()) === -1) return text;
  return text.replaceAll("\\", "\\\\").replaceAll(unprintable(), (character) => {
    const code = character.codePointAt(0) ?? 0;
    const short = shortEscapes.get(character);
    if (short !== undefined) return short;
    if (code > 0xffff) return `\\u{${code.toString(16)}}`;
    return code <= 0xff ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u${code.toString(16).padStart(4, "0")}`;
  });
}

/** @returns JSON text that reads back the same, with everything unprintable as `\uXXXX`; line ends of its layout stay. */
export function escapeJson(json: string): string {
  return json.replaceAll(unprintable(), (character) =>
    character === "\n" ? character : character.split("").map(jsonEscape).join(""),
  );
}

/** @param unit - of UTF-16, in which JSON has its escapes */
function jsonEscape(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
