/** Owns what the completion scripts of all shells are made from, and how it is quoted. */

/** One command of the table: what may follow it. */
export interface CommandWords {
  /** Empty for the program itself, then `/config`, `/config/get`. */
  readonly path: string;
  readonly commands: readonly { readonly name: string; readonly summary: string }[];
  readonly options: readonly {
    readonly name: string;
    readonly summary: string;
    /** What follows the option; null: nothing. */
    readonly value: "file" | "text" | null;
  }[];
  /** Known words of its arguments. */
  readonly choices: readonly string[];
}

export const headLines = (shell: string): string[] => [
  `# Completes the command line of session-buddy in ${shell}, without running it.`,
];

/** @returns the paths of all commands but the program itself */
export function commandPaths(commands: readonly CommandWords[]): string[] {
  return commands.map(({ path }) => path).filter((path) => path !== "");
}

/** @returns `PATH OPTION` of every option that a value of this kind follows */
export function optionsBefore(value: "file" | "text", commands: readonly CommandWords[]): string[] {
  return commands.flatMap(({ path, options }) =>
    options.filter((option) => option.value === value).map(({ name }) => `${path} ${name}`),
  );
}

/** @returns a word for bash and zsh */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
