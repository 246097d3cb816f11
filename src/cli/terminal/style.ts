/** Owns colour: for a person's terminal alone, and never when NO_COLOR is set (no-color.org). For commands alone. */
import { Chalk } from "chalk";
import { usesColor } from "../../config/environment.ts";
import type { SessionState } from "../../tracker/fold.ts";
import { isTerminal } from "./print.ts";

const chalk = new Chalk({ level: usesColor(process.env, isTerminal()) ? 1 : 0 });

const stateColors = {
  active: chalk.green,
  orphaned: chalk.yellow,
  replaced: chalk.dim,
  ended: chalk.dim,
} as const satisfies Record<SessionState, unknown>;

/** @param text - the state, padded to its column or not */
export function styleState(text: string, state: SessionState): string {
  return stateColors[state](text);
}

export function styleHeading(text: string): string {
  return chalk.bold(text);
}

/** @param text - `ok`, `note` or `problem`, padded to its column or not */
export function styleLevel(text: string): string {
  if (text.startsWith("problem")) return chalk.red(text);
  return text.startsWith("note") ? chalk.yellow(text) : chalk.green(text);
}

/** @param text - `ok`, `failed` or `not checked`, padded to its column or not */
export function styleVerdict(text: string): string {
  if (text.startsWith("failed")) return chalk.red(text);
  return text.startsWith("ok") ? chalk.green(text) : chalk.dim(text);
}
