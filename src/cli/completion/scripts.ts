/**
 * Owns the completion scripts: one for each shell, made from the command table, that runs no program. The build makes
 * them; the program itself only reads the files.
 */
import { settingRules } from "../../config/settings.ts";
import type { ShellName } from "../../install/hook-line.ts";
import { bashScript } from "./bash.ts";
import { fishScript } from "./fish.ts";
import type { CommandWords } from "./words.ts";
import { zshScript } from "./zsh.ts";

/** What is read of commander's `Command`. */
export interface CommandLike {
  name(): string;
  description(): string;
  readonly options: readonly {
    readonly long?: string;
    readonly flags: string;
    readonly description: string;
    readonly hidden: boolean;
  }[];
  readonly registeredArguments: readonly { name(): string; readonly argChoices?: string[] }[];
  readonly commands: readonly CommandLike[];
}

const help = { name: "--help", summary: "display help", value: null } as const;

/** @returns the script of each shell */
export function completionScripts(table: CommandLike): Readonly<Record<ShellName, string>> {
  const commands = wordsOf(table, "");
  return { bash: bashScript(commands), zsh: zshScript(commands), fish: fishScript(commands) };
}

/** @returns the command and all below it, the command itself first */
function wordsOf(command: CommandLike, path: string): CommandWords[] {
  const options = command.options.flatMap(({ long, flags, description, hidden }) => {
    if (long === undefined || hidden) return [];
    const value = /<([^>]+)>/.exec(flags)?.[1];
    const kind = value === undefined ? null : value === "file" ? ("file" as const) : ("text" as const);
    return [{ name: long, summary: description, value: kind }];
  });
  const own: CommandWords = {
    path,
    commands: command.commands.map((below) => ({ name: below.name(), summary: below.description() })),
    options: [...options, help],
    choices: command.registeredArguments.flatMap((argument) => choicesOf(path, argument)),
  };
  return [own, ...command.commands.flatMap((below) => wordsOf(below, `${path}/${below.name()}`))];
}

/** Session ids are not among them: a completion that starts a program makes a person wait. */
function choicesOf(path: string, argument: CommandLike["registeredArguments"][number]): readonly string[] {
  if (path.startsWith("/config/") && argument.name() === "name") return Object.keys(settingRules);
  return argument.argChoices ?? [];
}
