/** Owns how long each text of an event may be, and what a component may be called (contract section 1). */

/** The rules for text that names places on a machine; lengths in Unicode code points. */
export interface TextRules {
  readonly maxUsername: number;
  readonly maxHome: number;
  readonly maxCwd: number;
  readonly trims: boolean;
}

/** What the wire contract allows (section 1). */
export const wireTextRules: TextRules = { maxUsername: 100, maxHome: 500, maxCwd: 500, trims: true };

/**
 * What a shell of this machine may have: its directory is a fact, however long (`PATH_MAX` is 4096 bytes) and with
 * whatever spaces at its ends.
 */
export const hostTextRules: TextRules = { maxUsername: 4096, maxHome: 4096, maxCwd: 4096, trims: false };

export const maxMetadataBytes = 16_384;
export const maxComponentNameLength = 100;
export const maxPid = 4_194_304;
/** An exit status is one byte (exit(3)). */
export const largestExitCode = 255;

export const maxShellType = 100;
export const maxHostname = 255;
export const maxEnvironmentText = 255;
export const maxSessionId = 255;
/** The names of terminals are short; `/dev/` is not part of them. */
export const maxTty = 64;
/** What a shell claims of its surroundings is cut to this length. */
export const maxClaim = 255;
const componentNamePattern = /^[a-zA-Z0-9_-]+$/;

/** @returns the contract's sentence when `name` is not a component name, null when it is one. */
export function componentNameIssue(name: string): string | null {
  const issue = textIssue(name, maxComponentNameLength);
  if (issue !== null) return `component_name: ${issue}`;
  if (componentNamePattern.test(name)) return null;
  return `Invalid component_name '${name}': must match pattern ^[a-zA-Z0-9_-]+$`;
}

/** @returns what is wrong with a text of at most so many characters, to stand after its name; null when nothing is */
export function textIssue(value: unknown, maxLength: number): string | null {
  if (!isText(value)) return "Input should be a valid string";
  return isLongerThan(value, maxLength) ? `String should have at most ${maxLength} characters` : null;
}

/** Counts code points, and only when the count of UTF-16 units leaves the question open. */
function isLongerThan(text: string, maxLength: number): boolean {
  if (text.length <= maxLength) return false;
  if (text.length > maxLength * 2) return true;
  return [...text].length > maxLength;
}

/** A lone surrogate is no Unicode text: it could not be stored as it was sent. */
export function isText(value: unknown): value is string {
  return typeof value === "string" && value.isWellFormed();
}

/** @returns a text of at most {@link maxClaim} code points, its end replaced by `…` where it was longer */
export function limitedText(text: string): string {
  if (!isLongerThan(text, maxClaim)) return text.toWellFormed();
  // Twice as many units hold all of it; the rest of a huge text is not looked at.
  const points = [...text.slice(0, 2 * maxClaim).toWellFormed()];
  return `${points.slice(0, maxClaim - 1).join("")}…`;
}
