/** Homes with startup files of many kinds, and whether the shells in them load the hook. */
import assert from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { runToEnd, type Sandbox } from "../sandbox.ts";

type Files = Readonly<Record<string, string>>;

/** What people have in their homes; none of it may keep the hook from being loaded. */
export const installable: readonly (readonly [name: string, files: Files])[] = [
  ["no startup file", {}],
  ["empty files", { ".bashrc": "", ".profile": "", ".zshrc": "", ".config/fish/conf.d/session-buddy.fish": "" }],
  [
    "files of a distribution",
    { ".bashrc": "case $- in *i*) ;; *) return ;; esac\na=1\n", ".profile": ". ~/.bashrc\n", ".zshrc": "a=1\n" },
  ],
  [
    "files without a last line end",
    { ".bashrc": "a=1", ".bash_profile": "a=1", ".zshrc": "a=1", ".config/fish/conf.d/session-buddy.fish": "set a 1" },
  ],
  ["a last line that goes on", { ".bashrc": "a=1\\\n", ".bash_login": "a=1\\", ".zshrc": "a=1\\\n" }],
  ["CRLF", { ".bashrc": "export A=1\r\n", ".profile": "export A=1\r\nexport B=1", ".zshrc": "export A=1\r\n" }],
  [
    "strict options",
    { ".bashrc": "set -euo pipefail\n", ".profile": "set -eu\n", ".zshrc": "setopt err_return no_unset\n" },
  ],
  ["an alias of the dot", { ".bashrc": "alias .='echo wrong'\n", ".zshrc": "alias .='echo wrong'\n" }],
  ["bytes that are no UTF-8", { ".bashrc": "# \xff\xfe\n", ".profile": "# \xff", ".zshrc": "# \xff\n" }],
];

/** Fills the home of a sandbox; each character of a file is one byte. @returns the home */
export function homeOf(sandbox: Sandbox, files: Files): string {
  const home = sandbox.env.HOME ?? "";
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(home, name)), { recursive: true });
    writeFileSync(join(home, name), text, "latin1");
  }
  return home;
}

/** @returns every file below a folder by its path, one character for each byte */
export function filesBelow(folder: string): Files {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = entries.map((entry) => join(entry.parentPath, entry.name)).sort();
  return Object.fromEntries(paths.map((path) => [path.slice(folder.length + 1), readFileSync(path, "latin1")]));
}

/** What `hook status --json` tells. */
export async function hookRows(sandbox: Sandbox): Promise<readonly Readonly<Record<string, string | null>>[]> {
  const { stdout } = await sandbox.run(["hook", "status", "--json"]);
  return JSON.parse(stdout);
}

/** @returns which interactive shells load the hook */
export async function shellsThatLoad(sandbox: Sandbox): Promise<string[]> {
  const kinds = [["bash"], ["bash", "--login"], ["zsh"], ["fish"]] as const;
  const answers = await Promise.all(kinds.map(([shell, ...args]) => loads(sandbox, shell, args)));
  return kinds.filter((_, index) => answers[index]).map((kind) => kind.join(" "));
}

/** Starts a shell and asks for the mark that the hook leaves in it; the shell must say nothing about our line. */
export async function loads(
  sandbox: Sandbox,
  shell: "bash" | "zsh" | "fish",
  args: readonly string[],
): Promise<boolean> {
  const copy = copyOfHome(sandbox);
  // fish reads its commands from a pipe, but not from the socket that Node.js takes for one.
  const { stdout, stderr } = await runToEnd("sh", ["-c", 'cat | "$@"', "sh", shell, ...args, "-i"], {
    env: { ...sandbox.env, HOME: copy, TERM: "dumb", XDG_CACHE_HOME: join(copy, ".cache") },
    input: 'echo "pid=$__session_buddy_pid."\nexit 0\n',
    cwd: sandbox.folder,
  });
  assert.doesNotMatch(`${stdout}${stderr}`, /shell-hooks|syntax error|parse error/);
  return /pid=\d+\./.test(stdout);
}

/** Shells leave histories and caches in their homes, which are none of what the tests look at. */
function copyOfHome(sandbox: Sandbox): string {
  const copy = mkdtempSync(join(sandbox.folder, "home-"));
  cpSync(sandbox.env.HOME ?? "", copy, { recursive: true, verbatimSymlinks: true });
  // Without these a new fish reads every manual page of the machine in the background.
  for (const folder of [".local/share", ".cache"]) {
    mkdirSync(join(copy, folder, "fish/generated_completions"), { recursive: true });
  }
  return copy;
}
