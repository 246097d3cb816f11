/** Owns the completion script of zsh: for a folder of $fpath as `_session-buddy`, or to be sourced. */
import { type CommandWords, commandPaths, headLines, optionsBefore, quoted } from "./words.ts";

export function zshScript(commands: readonly CommandWords[]): string {
  return [
    "#compdef session-buddy",
    ...headLines("zsh"),
    "",
    "_session-buddy() {",
    "  local at= i missed=1",
    "  local -a found options",
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
    ...commands.map((command) => `    (${quoted(command.path)}) ${arraysOf(command)} ;;`),
    "  esac",
    "  _describe 'word' found && missed=0",
    "  _describe -o 'option' options && missed=0",
    "  return missed",
    "}",
    "",
    `if [[ \${funcstack[1]-} == _session-buddy ]]; then _session-buddy "$@"; else compdef _session-buddy session-buddy; fi`,
    "",
  ].join("\n");
}

function arraysOf({ commands, choices, options }: CommandWords): string {
  const words = [...choices.map(quoted), ...commands.map(described)];
  return `found=(${words.join(" ")}) options=(${options.map(described).join(" ")})`;
}

function described({ name, summary }: { readonly name: string; readonly summary: string }): string {
  return quoted(`${name}:${summary.replaceAll(":", "\\:")}`);
}
