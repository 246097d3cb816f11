/**
 * Owns our block in a shell's startup file: finds it, puts it in and takes it out, and changes no byte around it.
 */
import { SessionBuddyError } from "../tracker/errors.ts";

const beginMarker = "# >>> session-buddy >>>";
const endMarker = "# <<< session-buddy <<<";
/** What else must be undone when the block is taken out is noted after the first marker. */
const madeFileNote = " (made this file)";
const addedLineEndNote = " (added a line end)";

/** A change of one file, with what a small diff shows of it. */
export interface Edit {
  /** What the file holds afterwards; null: there is none any more. */
  readonly bytes: Buffer | null;
  /** First line that changes, counted from 1. */
  readonly line: number;
  readonly removed: readonly string[];
  readonly added: readonly string[];
}

/** Bytes are handled as one character each, so that a file in any encoding comes out as it went in. */
interface Block {
  readonly start: number;
  readonly bodyStart: number;
  readonly bodyEnd: number;
  readonly end: number;
  /** Line of the first marker, counted from 1. */
  readonly line: number;
  readonly lineEnd: string;
  readonly note: string;
  readonly body: readonly string[];
}

/**
 * Puts a block with `content` at the end of a file; brings one that is there already up to date in its place, and
 * removes further ones.
 *
 * @param bytes - what the file holds; null when there is none
 * @param content - one line
 * @returns null when there is nothing to do
 * @throws SessionBuddyError `invalid` when a marker stands alone
 */
export function addBlock(bytes: Buffer | null, content: string): Edit | null {
  const text = toCharacters(bytes);
  const blocks = findBlocks(text);
  const [first, ...others] = blocks;
  if (first === undefined) return appended(text, content, bytes === null);
  const inner = toCharacters(Buffer.from(content));
  if (others.length === 0 && first.body.length === 1 && first.body[0] === inner) return null;
  const kept = others.reduceRight((rest, block) => withoutBlock(rest, block), text);
  return {
    bytes: toBytes(kept.slice(0, first.bodyStart) + inner + first.lineEnd + kept.slice(first.bodyEnd)),
    line: first.line + 1,
    removed: [...first.body, ...others.flatMap((block) => shown(block))].map(toWords),
    added: [content],
  };
}

/**
 * Takes every block out, and what was added with it; the file goes when it was made for the block and holds no more.
 *
 * @returns null when there is no block
 * @throws SessionBuddyError `invalid` when a marker stands alone
 */
export function removeBlocks(bytes: Buffer | null): Edit | null {
  const text = toCharacters(bytes);
  const blocks = findBlocks(text);
  const [first] = blocks;
  if (first === undefined) return null;
  const rest = blocks.reduceRight((remaining, block) => withoutBlock(remaining, block), text);
  const isOurs = rest === "" && blocks.some(({ note }) => note === madeFileNote);
  return {
    bytes: isOurs ? null : toBytes(rest),
    line: first.line,
    removed: blocks.flatMap((block) => shown(block)).map(toWords),
    added: [],
  };
}

/**
 * Reads what the blocks of a file hold.
 *
 * @returns the lines of each block
 * @throws SessionBuddyError `invalid` when a marker stands alone
 */
export function readBlocks(bytes: Buffer | null): string[][] {
  return findBlocks(toCharacters(bytes)).map(({ body }) => body.map(toWords));
}

function appended(text: string, content: string, isNew: boolean): Edit {
  const lineEnd = lastLineEnd(text);
  const isUnfinished = text !== "" && !text.endsWith("\n");
  const note = isNew ? madeFileNote : isUnfinished ? addedLineEndNote : "";
  // The empty line keeps us apart from a last line that ends with a backslash.
  const gap = text === "" ? "" : isUnfinished ? lineEnd + lineEnd : lineEnd;
  const added = [beginMarker + note, content, endMarker];
  const block = added.map((line) => toCharacters(Buffer.from(line)) + lineEnd).join("");
  return { bytes: toBytes(text + gap + block), line: countLines(text + gap) + 1, removed: [], added };
}

function withoutBlock(text: string, { start, end, lineEnd, note }: Block): string {
  let before = text.slice(0, start);
  const after = text.slice(end);
  if (before.endsWith(lineEnd + lineEnd)) before = before.slice(0, -lineEnd.length);
  // What has been written after the block since then needs the line end.
  if (note === addedLineEndNote && after === "" && before.endsWith(lineEnd)) before = before.slice(0, -lineEnd.length);
  return before + after;
}

function findBlocks(text: string): Block[] {
  const blocks: Block[] = [];
  let open: (Omit<Block, "bodyEnd" | "end"> & { readonly body: string[] }) | null = null;
  let start = 0;
  let line = 0;
  for (const whole of text.match(/[^\n]*\n|[^\n]+$/g) ?? []) {
    line += 1;
    const end = start + whole.length;
    const words = whole.replace(/\r?\n$/, "");
    if (words.startsWith(beginMarker)) {
      if (open !== null) throw torn(open.line);
      const note = words.slice(beginMarker.length);
      open = { start, bodyStart: end, line, lineEnd: whole.slice(words.length), note, body: [] };
    } else if (words === endMarker) {
      if (open === null) throw torn(line);
      blocks.push({ ...open, bodyEnd: start, end });
      open = null;
    } else open?.body.push(words);
    start = end;
  }
  if (open !== null) throw torn(open.line);
  return blocks;
}

function shown({ note, body }: Block): string[] {
  return [beginMarker + note, ...body, endMarker];
}

function lastLineEnd(text: string): string {
  return /\r\n[^\n]*$/.test(text) ? "\r\n" : "\n";
}

function countLines(text: string): number {
  return text.split("\n").length - 1;
}

function toCharacters(bytes: Buffer | null): string {
  return bytes === null ? "" : bytes.toString("latin1");
}

function toBytes(characters: string): Buffer {
  return Buffer.from(characters, "latin1");
}

function toWords(characters: string): string {
  return toBytes(characters).toString("utf8");
}

function torn(line: number): SessionBuddyError {
  return new SessionBuddyError("invalid", `has half a session-buddy block at line ${line}; remove its lines by hand`);
}

/**
 * Finds what replaces the trap of our hook: bash has one trap on EXIT, and the last one that is set wins.
 *
 * @returns the numbers of the lines after our block that set or clear it, counted from 1
 */
export function trapsAfterBlock(text: string): number[] {
  const lines = text.split("\n");
  const end = lines.findLastIndex((line) => line.startsWith(endMarker));
  if (end === -1) return [];
  const numbered = lines.map((line, at) => ({ line, number: at + 1 })).slice(end + 1);
  return numbered.filter(({ line }) => /^[^#]*\btrap\s.*\b(?:EXIT|0)\b/.test(line)).map(({ number }) => number);
}
