/** Owns the completion script of bash, 3.2 and newer; it needs no bash-completion. */
import { type CommandWords, commandPaths, headLines, optionsBefore, quoted } from "./words.ts";

export function bashScript(commands: readonly CommandWords[]): string {
  return [
    ...headLines("bash"),
    "# shellcheck shell=bash disable=SC2207",
    "",
    "__session_buddy_complete() {",
    `  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD - 1]} at='' words='' i IFS=$' \\t\\n'`,
    "  COMPREPLY=()",
    "  for ((i = 1; i < COMP_CWORD; i++)); do",
    `    case $at/\${COMP_WORDS[i]} in`,
    `      ${commandPaths(commands).join(" | ")}) at=$at/\${COMP_WORDS[i]} ;;`,
    "    esac",
    "  done",
    '  case "$at $before" in',
    `    ${optionsBefore("file", commands).map(quoted).join(" | ")})`,
    "      compopt -o filenames 2>/dev/null",
    "      IFS=$'\\n'",
    '      COMPREPLY=($(compgen -f -- "$word"))',
    "      return",
    "      ;;",
    `    ${optionsBefore("text", commands).map(quoted).join(" | ")}) return ;;`,
    "  esac",
    "  case $at in",
    ...commands.map((command) => `    ${quoted(command.path)}) words=${quoted(wordsOf(command).join(" "))} ;;`),
    "  esac",
    '  COMPREPLY=($(compgen -W "$words" -- "$word"))',
    "}",
    "complete -F __session_buddy_complete session-buddy",
    "",
  ].join("\n");
}

function wordsOf({ commands, choices, options }: CommandWords): string[] {
  return [...commands.map(({ name }) => name), ...choices, ...options.map(({ name }) => name)];
}
