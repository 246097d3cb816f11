/** Owns the completion script of fish, 3.6 and newer. */
import { type CommandWords, commandPaths, headLines } from "./words.ts";

export function fishScript(commands: readonly CommandWords[]): string {
  return [
    ...headLines("fish"),
    "",
    "function __session_buddy_at",
    "    set -l at ''",
    "    for word in (commandline -opc)[2..-1]",
    "        switch $at/$word",
    `            case ${commandPaths(commands).join(" ")}`,
    "                set at $at/$word",
    "        end",
    "    end",
    '    test "$at" = "$argv[1]"',
    "end",
    "",
    "complete -c session-buddy -f",
    ...commands.flatMap(linesOf),
    "",
  ].join("\n");
}

function linesOf({ path, commands, choices, options }: CommandWords): string[] {
  const start = `complete -c session-buddy -n '__session_buddy_at "${path}"'`;
  return [
    ...commands.map(({ name, summary }) => `${start} -a ${name} -d ${quoted(summary)}`),
    ...(choices.length === 0 ? [] : [`${start} -a ${quoted(choices.join(" "))}`]),
    ...options.map(({ name, summary, value }) => {
      const takes = value === null ? "" : value === "file" ? " -rF" : " -x";
      return `${start} -l ${name.replace(/^--/, "")}${takes} -d ${quoted(summary)}`;
    }),
  ];
}

function quoted(text: string): string {
  return `'${text.replaceAll(/['\\]/g, "\\$&")}'`;
}
