/** Owns CSV as of RFC 4180 (lines end with CR LF) that is safe to open in a spreadsheet. */
import { escapeControls } from "../../wire/escape.ts";

export type CsvValue = string | number | null;

/**
 * A spreadsheet takes a cell that begins so for a formula and runs it
 * (https://owasp.org/www-community/attacks/CSV_Injection); some take the wide forms of East Asia alike.
 */
const formula = /^[=+\-@\t\r\n＝＋－＠]/;
/**
 * Where the separator is `;`, as in much of Europe, a cell of ours is taken apart at each of its own: quotes in the middle
 * of what is a cell there mean nothing. Quotes behind the separator are taken away before the cell is read.
 */
const innerFormula = /;(?="*[=+\-@＝＋－＠])/g;

/** @returns one line with its end; nothing for null, `'` before what would be a formula, what cannot be seen escaped */
export function toCsvLine(values: readonly CsvValue[]): string {
  return `${values.map(toCell).join(",")}\r\n`;
}

function toCell(value: CsvValue): string {
  if (typeof value !== "string") return value === null ? "" : String(value);
  const text = escapeControls(value);
  const inner = text.replaceAll(innerFormula, ";'");
  const safe = formula.test(value) ? `'${inner}` : inner;
  return /[",;]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
