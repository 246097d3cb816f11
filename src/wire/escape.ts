/** Owns how hostile text is made safe to print, to log and to show. */

/**
 * What a terminal or a log would act on instead of showing it: C0 and C1 controls, line and paragraph separators,
 * marks that turn the direction of text around (CVE-2021-42574), and halves of surrogate pairs.
 */
const unprintable = /[\p{Cc}\p{Cs}\u2028\u2029\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]/gu;
const shortEscapes: ReadonlyMap<string, string> = new Map([
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
]);

/** @returns the text with everything unprintable as an escape such as `\n` or `\x1b`, and `\` doubled before them. */
export function escapeControls(text: string): string {
  if (text.search(unprintable) === -1) return text;
  return text.replaceAll("\\", "\\\\").replaceAll(unprintable, (character) => {
    const code = character.codePointAt(0) ?? 0;
    const short = shortEscapes.get(character);
    if (short !== undefined) return short;
    return code <= 0xff ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u${code.toString(16).padStart(4, "0")}`;
  });
}

/** @returns JSON text that reads back the same, with everything unprintable as `\uXXXX`; line ends of its layout stay. */
export function escapeJson(json: string): string {
  return json.replaceAll(unprintable, (character) =>
    character === "\n" ? character : `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
