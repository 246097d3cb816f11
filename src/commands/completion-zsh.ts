/** Owns the completion script of zsh: for a folder of $fpath as `_session-buddy`, or to be sourced. For commands alone. */
import { type CommandWords, commandPaths, headLines, optionsBefore, quoted } from "./completion-words.ts";

export function zshScript(commands: readonly CommandWords[]): string {
  return [
    "#compdef session-buddy",
    ...headLines("zsh"),
    "",
    "_session-buddy() {",
    "  local at= i",
    "  local -a found",
    "  for ((i = 2; i < CURRENT; i++)); do",
    `    case $at/\${words[i]} in`,
    `      (${commandPaths(commands).join("|")}) at=$at/\${words[i]} ;;`,
    "    esac",
    "  done",
    `  case "$at \${words[CURRENT-1]}" in`,
    `    (${optionsBefore("file", commands).map(quoted).join("|")}) _files; return ;;`,
    `    (${optionsBefore("text", commands).map(quoted).join("|")}) return 1 ;;`,
    "  esac",
    "  case $at in",
    ...commands.map((command) => `    (${quoted(command.path)}) found=(${wordsOf(command).join(" ")}) ;;`),
    "  esac",
    "  _describe -o 'session-buddy' found",
    "}",
    "",
    `if [[ \${funcstack[1]-} == _session-buddy ]]; then _session-buddy "$@"; else compdef _session-buddy session-buddy; fi`,
    "",
  ].join("\n");
}

function wordsOf({ commands, choices, options }: CommandWords): string[] {
  const described = [...commands, ...options].map(({ name, summary }) => `${name}:${summary.replaceAll(":", "\\:")}`);
  return [...choices, ...described].map(quoted);
}
