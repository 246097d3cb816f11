/** Owns rows of cells that are aligned below each other and never shortened. For commands alone. */
import { escapeControls } from "../../wire/escape.ts";
import { padTo, widthOf } from "./width.ts";

/**
 * Aligns columns; each cell is escaped, the last one of a row is not padded.
 *
 * @param style - changes how a padded cell looks, not how wide it is; nothing by default
 */
export function alignColumns(
  rows: readonly (readonly string[])[],
  style: (cell: string, row: number, column: number) => string = (cell) => cell,
): string[] {
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
