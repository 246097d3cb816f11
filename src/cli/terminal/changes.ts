/** Owns how the steps of an installation are printed: a line each, with the lines of a file that change below it. */
import type { Action, Change } from "../../install/system/step.ts";
import { escapeControls } from "../../wire/escape.ts";
import { glyphs } from "./glyphs.ts";
import { printJson, printLine, printMessage } from "./print.ts";

export interface ReportOptions {
  /** Whether nothing was done yet. */
  readonly isDryRun: boolean;
  readonly isJson: boolean;
  /** What is said when there was nothing to do. */
  readonly nothing: string;
}

/** Exit status when something is left for a person to do. */
const leftToDo = 1;

const plainWords: Partial<Record<Action, string>> = {
  unchanged: "is in order",
  kept: "stays",
  told: "is yours to run",
};

/** Prints what was done, or would be, and sets the exit status. */
export function reportChanges(changes: readonly Change[], { isDryRun, isJson, nothing }: ReportOptions): void {
  if (changes.some(({ action }) => action === "refused")) process.exitCode = leftToDo;
  if (isJson) {
    printJson(changes);
    return;
  }
  for (const change of changes) printChange(change, isDryRun);
  if (changes.every(({ action }) => action === "unchanged")) printLine(nothing);
}

function printChange(change: Change, isDryRun: boolean): void {
  const { part, subject, action, reason, remedy, removed, added } = change;
  if (action === "refused") {
    const words = [`${part}: ${subject}: ${reason}`, ...(remedy === null ? [] : [remedy])].join("; ");
    printMessage(`session-buddy: ${escapeControls(words)}\n`);
    return;
  }
  const verb = plainWords[action] ?? `${isDryRun ? "would be" : "was"} ${action}`;
  printLine(escapeControls(`${part}: ${subject}: ${verb}${reason === null ? "" : ` (${reason})`}`));
  for (const line of removed) printLine(escapeControls(`  - ${line}`));
  for (const line of added) printLine(escapeControls(`  + ${line}`));
  if (remedy !== null) printLine(escapeControls(`  ${glyphs().arrow} ${remedy}`));
}
