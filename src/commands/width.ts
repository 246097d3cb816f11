/** Owns how many columns of a terminal a text takes, and how it is shortened to fit. For commands alone. */

/** East Asian Wide and Fullwidth characters (Unicode Standard Annex 11) and emoji take two columns. */
const wide =
  /^[\u1100-\u115f\u2329\u232a\u2e80-\u303e\u3041-\u4dbf\u4e00-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{16fe0}-\u{1b2fb}\u{1f200}-\u{1f2ff}\u{20000}-\u{3fffd}]|^\p{Emoji_Presentation}|^\p{Regional_Indicator}{2}|\ufe0f/u;
/** Marks that stand on the character before them, and characters without a look. */
const weightless = /^[\p{Mn}\p{Me}\p{Cf}]+$/u;
const plain = /^[\x20-\x7e]*$/;

const ellipsis = "…";

let segmenter: Intl.Segmenter | null = null;

/** @param text - without control characters */
export function widthOf(text: string): number {
  if (plain.test(text)) return text.length;
  return segments(text).reduce((sum, segment) => sum + segmentWidth(segment), 0);
}

/** Fills up with spaces; a text that is wider stays as it is. */
export function padTo(text: string, width: number, align: "left" | "right" = "left"): string {
  const spaces = " ".repeat(Math.max(0, width - widthOf(text)));
  return align === "left" ? text + spaces : spaces + text;
}

/**
 * Shortens a text to a width of 1 or more; `…` stands for what is left out.
 *
 * @param keep - which end of the text stays
 */
export function shorten(text: string, width: number, keep: "start" | "end" = "start"): string {
  if (widthOf(text) <= width) return text;
  const parts = segments(text);
  if (keep === "end") parts.reverse();
  const kept: string[] = [];
  let room = width - widthOf(ellipsis);
  for (const part of parts) {
    room -= segmentWidth(part);
    if (room < 0) break;
    kept.push(part);
  }
  return keep === "end" ? ellipsis + kept.reverse().join("") : kept.join("") + ellipsis;
}

/** What a person takes for one character. */
function segments(text: string): string[] {
  if (plain.test(text)) return [...text];
  segmenter ??= new Intl.Segmenter();
  return Array.from(segmenter.segment(text), ({ segment }) => segment);
}

function segmentWidth(segment: string): number {
  if (wide.test(segment)) return 2;
  return weightless.test(segment) ? 0 : 1;
}
