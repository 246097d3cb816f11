/** Owns the one line that loads a hook: how each shell reads it, and which hook a line loads. */
import { SessionBuddyError } from "../tracker/errors.ts";

export const shellNames = ["bash", "zsh", "fish"] as const;
export type ShellName = (typeof shellNames)[number];

/**
 * The line, with `Q` where the quoted path stands. It must leave `$?` at 0, pass `set -eu`, be silent when the file is
 * gone or cut off, and be no trouble as part of `.profile`, which other shells read too. Where line ends are CRLF, the
 * comment takes the CR.
 */
const lines: Readonly<Record<ShellName, string>> = {
  bash: `if [ -n "\${BASH_VERSION-}" ] && [ -r Q ]; then \\. Q 2>/dev/null || :; fi`,
  zsh: "if [[ -r Q ]]; then \\. Q 2>/dev/null || :; fi",
  fish: "if status is-interactive; and test -r Q; source Q 2>/dev/null; end",
};
const comment = " # by 'session-buddy hook install'";

/**
 * The same for files that all users' shells read. A login shell of bash may read two of them, and a script or a remote copy
 * one; what the hook would find out by itself after it was read, this line knows before.
 */
const machineLines: Readonly<Record<ShellName, string>> = {
  bash: `case $-:\${BASH_VERSION-} in *i*:?*) if [ "\${__session_buddy_pid-}" != "$$" ] && [ -r Q ]; then \\. Q 2>/dev/null || :; fi ;; esac`,
  zsh: lines.zsh,
  fish: lines.fish,
};
const machineComment = " # by 'session-buddy install --system'";

/**
 * @param hookPath - absolute path of the hook
 * @throws SessionBuddyError `invalid` when the path does not fit on a line
 */
export function hookLine(shell: ShellName, hookPath: string): string {
  if (/\p{Cc}/u.test(hookPath)) {
    throw new SessionBuddyError(
      "invalid",
      "the folder of session-buddy has control characters in its name; move it to another",
    );
  }
  return lines[shell].split("Q").join(quoted(shell, hookPath)) + comment;
}

/** @returns the line for a file that the shells of all users read */
export function machineHookLine(shell: ShellName, hookPath: string): string {
  return machineLines[shell].split("Q").join(quoted(shell, hookPath)) + machineComment;
}

/** @returns the hook that one of our lines loads; null when the line is not ours. */
export function hookPathOf(shell: ShellName, line: string): string | null {
  const [before = "", between = "", after = ""] = lines[shell].split("Q");
  const length = (line.length - before.length - between.length - after.length - comment.length) / 2;
  const word = line.slice(before.length, before.length + Math.max(0, length));
  const inside = word.slice(1, -1);
  const path = shell === "fish" ? inside.replaceAll(/\\(['\\])/g, "$1") : inside.replaceAll("'\\''", "'");
  try {
    return hookLine(shell, path) === line ? path : null;
  } catch {
    return null;
  }
}

/** @returns whether a file loads the hook by a line that a person wrote. */
export function hasLineByHand(text: string, hookPath: string): boolean {
  return text.split("\n").some((line) => !/^\s*#/.test(line) && line.includes(hookPath));
}

/** @returns whether a startup file of bash reads ~/.bashrc in a way that can be recognized. */
export function readsBashrc(text: string): boolean {
  return /^(?!\s*#).*(?:^|[\s;&|({\\])(?:\.|source)\s+\S*bashrc/m.test(text);
}

function quoted(shell: ShellName, text: string): string {
  if (shell === "fish") return `'${text.replaceAll(/['\\]/g, "\\$&")}'`;
  return `'${text.replaceAll("'", "'\\''")}'`;
}
