/** Owns colour: for a person's terminal alone, and never when NO_COLOR is set (no-color.org). */
import { Chalk } from "chalk";
import { usesColor } from "../../config/environment.ts";
import type { SessionState } from "../../tracker/fold.ts";
import type { CellStyle } from "./columns.ts";
import { isTerminal } from "./print.ts";

const colored = new Chalk({ level: 1 });
const plain = new Chalk({ level: 0 });

const stateColors = {
  active: "green",
  orphaned: "yellow",
  replaced: "dim",
  ended: "dim",
} as const satisfies Record<SessionState, keyof typeof plain>;

/** @param text - the state, padded to its column or not */
export function styleState(text: string, state: SessionState): string {
  return chalk()[stateColors[state]](text);
}

export function styleHeading(text: string): string {
  return chalk().bold(text);
}

/** The first line is a heading. */
export const withTitles: CellStyle = (cell, row) => (row === 0 ? styleHeading(cell) : cell);

/** The first cell of each line is a heading. */
export const withNames: CellStyle = (cell, _row, column) => (column === 0 ? styleHeading(cell) : cell);

/** @param text - `ok`, `note` or `problem`, padded to its column or not */
export function styleLevel(text: string): string {
  if (text.startsWith("problem")) return chalk().red(text);
  return text.startsWith("note") ? chalk().yellow(text) : chalk().green(text);
}

/** @param text - `ok`, `failed` or `not checked`, padded to its column or not */
export function styleVerdict(text: string): string {
  if (text.startsWith("failed")) return chalk().red(text);
  return text.startsWith("ok") ? chalk().green(text) : chalk().dim(text);
}

/** Looked at when something is styled, not when this file is loaded: what is printed to is known only then. */
function chalk(): typeof plain {
  return usesColor(process.env, isTerminal()) ? colored : plain;
}
