/** `session-buddy doctor`: what is wrong with this installation, and what to do about it. */
import { examine, type Finding } from "../doctor.ts";
import { alignColumns } from "./columns.ts";
import type { CommandLike } from "./completion.ts";
import { glyphs } from "./glyphs.ts";
import { hookOptions } from "./hook.ts";
import { printJson, printLine } from "./print.ts";
import { styleLevel } from "./style.ts";

/** Exit status when something is wrong. */
const somethingIsWrong = 1;

export async function run(options: { readonly json?: boolean }, table: CommandLike): Promise<void> {
  const findings = await examine(process.env, hookOptions(table));
  if (findings.some(({ level }) => level === "problem")) process.exitCode = somethingIsWrong;
  if (options.json) return printJson(findings);
  const lines = alignColumns(findings.flatMap(toRows), (cell, _row, column) => styleCell(cell, column));
  for (const line of lines) printLine(line);
}

function toRows({ level, check, words, remedy }: Finding): string[][] {
  const row = [level, check, words];
  return remedy === null ? [row] : [row, ["", "", `${glyphs().arrow} ${remedy}`]];
}

function styleCell(cell: string, column: number): string {
  return column === 0 ? styleLevel(cell) : cell;
}
