/** Owns rows of cells that are printed aligned below each other and never shortened. */
import { escapeControls } from "../../wire/escape.ts";
import { printLine, terminalWidth } from "./print.ts";
import { padTo, widthOf, wrap } from "./width.ts";

/** Changes how a padded cell looks, not how wide it is. */
export type CellStyle = (cell: string, row: number, column: number) => string;

/** Prints one line a row; each cell is escaped, the last one of a row is not padded. @param style - none by default */
export function printColumns(rows: readonly (readonly string[])[], style: CellStyle = (cell) => cell): void {
  for (const line of alignColumns(rows, style)) printLine(line);
}

/** The same where the last cells are sentences: on a terminal they are wrapped at words, and no word is broken. */
export function printWrapped(rows: readonly (readonly string[])[], style: CellStyle = (cell) => cell): void {
  const width = terminalWidth();
  const lines = width === null ? alignColumns(rows, style) : wrapColumns(rows, width, style);
  for (const line of lines) printLine(line);
}

/** Narrower than this, a column of sentences is hard to read. */
const leastRoom = 30;
const narrowIndent = 4;

/**
 * What does not fit behind the cells before it stands below them, indented a little.
 *
 * @param width - columns of the terminal
 * @returns lines that are wider only where a single word is
 */
export function wrapColumns(rows: readonly (readonly string[])[], width: number, style: CellStyle): string[] {
  const cells = rows.map((row) => row.map(escapeControls));
  const before = cells.map((row) => row.slice(0, -1));
  const widths = columnWidths(before);
  const indent = widths.reduce((sum, one) => sum + one + gap.length, 0);
  const room = width - indent;
  return cells.flatMap((row, at) => {
    const text = row.at(-1) ?? "";
    const longest = text.split(" ").reduce((most, word) => Math.max(most, widthOf(word)), 0);
    if (widthOf(text) <= room || (room >= leastRoom && longest <= room)) {
      const [first = "", ...more] = wrap(text, Math.max(1, room));
      const line = alignRow([...(before[at] ?? []), first], widths, at, style);
      return [line, ...more.map((part) => " ".repeat(indent) + part)];
    }
    const head = alignRow(before[at] ?? [], widths, at, style);
    if (text === "") return [head];
    const below = wrap(text, Math.max(1, width - narrowIndent)).map((part) => " ".repeat(narrowIndent) + part);
    return head === "" ? below : [head, ...below];
  });
}

/** @returns a cell for a value of any kind: `-` for null, JSON for what has parts */
export function toCell(value: unknown): string {
  if (value === null) return "-";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

const gap = "  ";

function alignColumns(rows: readonly (readonly string[])[], style: CellStyle): string[] {
  const cells = rows.map((row) => row.map(escapeControls));
  const widths = columnWidths(cells);
  return cells.map((row, at) => alignRow(row, widths, at, style));
}

function columnWidths(cells: readonly (readonly string[])[]): number[] {
  return (cells[0] ?? []).map((_, column) => Math.max(...cells.map((row) => widthOf(row[column] ?? ""))));
}

/** The last cell with something in it is not padded. */
function alignRow(row: readonly string[], widths: readonly number[], at: number, style: CellStyle): string {
  const last = row.findLastIndex((cell) => cell !== "");
  const shown = row.slice(0, last + 1);
  return shown
    .map((cell, column) => style(column === last ? cell : padTo(cell, widths[column] ?? 0), at, column))
    .join(gap);
}
