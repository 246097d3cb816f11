/** Owns how many columns of a terminal a text takes, and how it is shortened to fit. */
import stringWidth from "string-width";
import { glyphs } from "./glyphs.ts";

const plain = /^[\x20-\x7e]*$/;

let segmenter: Intl.Segmenter | null = null;

/** @param text - without control characters */
export function widthOf(text: string): number {
  return stringWidth(text);
}

/** Fills up with spaces; a text that is wider stays as it is. */
export function padTo(text: string, width: number, align: "left" | "right" = "left"): string {
  const spaces = " ".repeat(Math.max(0, width - widthOf(text)));
  return align === "left" ? text + spaces : spaces + text;
}

/**
 * Shortens a text to a width of 1 or more; `…` stands for what is left out, `...` where the locale is not UTF-8.
 *
 * @param keep - which end of the text stays
 */
export function shorten(text: string, width: number, keep: "start" | "end" = "start"): string {
  if (widthOf(text) <= width) return text;
  const ellipsis = glyphs().ellipsis.slice(0, width);
  const parts = segments(text);
  if (keep === "end") parts.reverse();
  const kept: string[] = [];
  let room = width - widthOf(ellipsis);
  for (const part of parts) {
    room -= widthOf(part);
    if (room < 0) break;
    kept.push(part);
  }
  return keep === "end" ? ellipsis + kept.reverse().join("") : kept.join("") + ellipsis;
}

/**
 * Wraps a text at its spaces.
 *
 * @param width - columns of a line, 1 or more
 * @returns at least one line; one is wider only where a single word is
 */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line: string | null = null;
  for (const word of text.split(" ")) {
    const longer: string = line === null ? word : `${line} ${word}`;
    if (line === null || widthOf(longer) <= width) line = longer;
    else {
      lines.push(line);
      line = word;
    }
  }
  return [...lines, line ?? ""];
}

/** What a person takes for one character. */
function segments(text: string): string[] {
  if (plain.test(text)) return [...text];
  segmenter ??= new Intl.Segmenter();
  return Array.from(segmenter.segment(text), ({ segment }) => segment);
}
