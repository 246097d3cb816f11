/** Owns rows of cells that are printed aligned below each other and never shortened. */
import { escapeControls } from "../../wire/escape.ts";
import { printLine } from "./print.ts";
import { padTo, widthOf } from "./width.ts";

/** Changes how a padded cell looks, not how wide it is. */
export type CellStyle = (cell: string, row: number, column: number) => string;

/** Prints one line a row; each cell is escaped, the last one of a row is not padded. @param style - none by default */
export function printColumns(rows: readonly (readonly string[])[], style: CellStyle = (cell) => cell): void {
  for (const line of alignColumns(rows, style)) printLine(line);
}

/** @returns a cell for a value of any kind: `-` for null, JSON for what has parts */
export function toCell(value: unknown): string {
  if (value === null) return "-";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function alignColumns(rows: readonly (readonly string[])[], style: CellStyle): string[] {
  const cells = rows.map((row) => row.map(escapeControls));
  const widths = (cells[0] ?? []).map((_, column) => Math.max(...cells.map((row) => widthOf(row[column] ?? ""))));
  return cells.map((row, at) => {
    const last = row.findLastIndex((cell) => cell !== "");
    const shown = row.slice(0, last + 1);
    return shown
      .map((cell, column) => style(column === last ? cell : padTo(cell, widths[column] ?? 0), at, column))
      .join("  ");
  });
}
