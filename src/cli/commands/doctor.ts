/** `session-buddy doctor`: what is wrong with this installation, and what to do about it. */
import { examine } from "../../install/doctor.ts";
import type { Finding } from "../../install/finding.ts";
import { hookOptions } from "../hook-options.ts";
import type { DoctorOptions } from "../syntax/setup.ts";
import { printWrapped } from "../terminal/columns.ts";
import { glyphs } from "../terminal/glyphs.ts";
import { printJson } from "../terminal/print.ts";
import { styleLevel } from "../terminal/style.ts";

/** Exit status when something is wrong. */
const somethingIsWrong = 1;

export async function run(options: DoctorOptions): Promise<void> {
  const findings = await examine(process.env, hookOptions(), process.ppid);
  if (findings.some(({ level }) => level === "problem")) process.exitCode = somethingIsWrong;
  if (options.json) return printJson(findings);
  printWrapped(findings.flatMap(toRows), (cell, _row, column) => (column === 0 ? styleLevel(cell) : cell));
}

function toRows({ level, check, words, remedy }: Finding): string[][] {
  const row = [level, check, words];
  return remedy === null ? [row] : [row, ["", "", `${glyphs().arrow} ${remedy}`]];
}
