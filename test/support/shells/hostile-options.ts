/** The options, aliases and functions that break hooks of shells (rows 31 to 33 of the table of scenarios). */
import type { ShellKind } from "./shells.ts";

/** Lines of an rc file before the hook's. */
export interface HostileSetup {
  readonly kind: ShellKind;
  readonly row: 31 | 32 | 33;
  readonly lines: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Names that people, and hooks of others, give to variables. */
const ordinaryNames =
  "IFS folder name id code stat text boot suffix now uptime exe printed whole written reason signal fd value limit umask";

const bashOptions = [
  "set -u",
  "set -e",
  "set -eu -o pipefail",
  "set -C",
  "set -f",
  "shopt -s nullglob",
  "shopt -s failglob",
  "shopt -s extdebug",
  "set -T -E",
  "shopt -s lastpipe",
  "set -a",
  "IFS=/-_.",
  "IFS=0123456789abcdef",
  "IFS=",
  "set -o posix",
  "shopt -s xpg_echo",
  "shopt -s compat31 2>/dev/null",
  "set -k",
  "set -P",
  "TMOUT=100",
  "shopt -s inherit_errexit; set -e",
  `readonly ${ordinaryNames}`,
  `declare -i ${ordinaryNames.replace("IFS ", "")}; shopt -s localvar_inherit`,
  "enable -n local",
  "enable -n declare typeset export shopt",
];

const zshOptions = [
  "setopt ksh_arrays",
  "setopt sh_word_split",
  "setopt no_unset",
  "setopt err_exit",
  "setopt err_return",
  "setopt no_clobber no_append_create",
  "setopt warn_create_global",
  "setopt ignore_braces",
  "emulate sh",
  "emulate ksh",
  "setopt glob_subst",
  "setopt posix_traps",
  "setopt no_monitor",
  "setopt posix_builtins",
  "setopt all_export",
  "setopt no_exec_bogus 2>/dev/null; setopt csh_null_glob",
  "setopt ksh_arrays no_unset",
  "setopt sh_word_split glob_subst no_clobber",
  "setopt ignore_braces err_return warn_create_global",
  "setopt prompt_subst no_prompt_percent",
  "setopt typeset_silent warn_nested_var",
  "setopt no_bad_pattern no_nomatch ksh_glob",
  "setopt no_function_argzero",
  "setopt path_script cdable_vars",
  "IFS=/-_.",
  "disable -r if 2>/dev/null; enable -r if",
  `typeset -r ${ordinaryNames}`,
  `typeset -ri ${ordinaryNames.replace("IFS ", "").replace(" umask", "")}`,
  "disable local typeset declare export",
];

const functionNames = [
  "printf",
  "trap",
  "local",
  "typeset",
  "sh",
  "setsid",
  "emulate",
  "read",
  "set",
  "test",
  "unset",
  "export",
  "eval",
  "command",
  "umask",
  "mapfile",
];
const zshAliasNames = [...functionNames, "end", "start", "HUP", "node", "session-buddy"];

const functions = {
  bash: functionNames.map((name) => `${name}() { echo shadowed; }`),
  zsh: functionNames.map((name) => `function ${name}() { echo shadowed }`),
  fish: ["printf", "trap", "sh", "setsid", "string_", "math", "realpath", "command_"].map(
    (name) => `function ${name}; echo shadowed; end`,
  ),
} as const;

const aliases = {
  bash: functionNames.map((name) => `alias ${name}='echo aliased'`),
  zsh: zshAliasNames.map((name) => `alias '${name}=echo aliased'`),
  fish: ["printf", "sh", "setsid"].map((name) => `alias ${name} 'echo aliased'`),
} as const;

const globalAliases = ["end", "start", "-c", "trap", "__session_buddy_end", "builtin"];

export const hostileOptions: readonly HostileSetup[] = [
  ...bashOptions.map((lines) => ({ kind: "bash", row: 31, lines }) as const),
  { kind: "bash", row: 31, lines: "", env: { POSIXLY_CORRECT: "1", ENV: "$HOME/.bashrc" } },
  ...zshOptions.map((lines) => ({ kind: "zsh", row: 32, lines }) as const),
  ...(["bash", "zsh", "fish"] as const).flatMap((kind) => [
    { kind, row: 33, lines: functions[kind].join("\n") } as const,
    { kind, row: 33, lines: aliases[kind].join("\n") } as const,
  ]),
  { kind: "zsh", row: 33, lines: globalAliases.map((name) => `alias -g -- '${name}=aliased'`).join("\n") },
];
