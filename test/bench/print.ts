/** How measurements are shown to a person. */

/** Aligns the rows under the names of their fields, below a title. */
export function printTable(title: string, rows: readonly object[]): void {
  const cells = [Object.keys(rows[0] ?? {}), ...rows.map((row) => Object.values(row).map(String))];
  const widths = (cells[0] ?? []).map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  const lines = cells.map((row) => row.map((cell, column) => cell.padStart(widths[column] ?? 0)).join("  "));
  process.stdout.write(`${title}\n${lines.join("\n")}\n\n`);
}
