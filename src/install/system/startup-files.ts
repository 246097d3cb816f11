/**
 * Owns which global startup files the shells of a distribution read. bash, zsh and fish have the paths built in, and each
 * distribution builds others in; what a login shell of bash reads beside them is in `/etc/profile`.
 */
import { type ShellName, shellNames } from "../hook-line.ts";

/** A file that should load a hook. */
export interface StartupFile {
  readonly shell: ShellName;
  readonly path: string;
}

/** What is asked of a machine to find its files. */
export interface MachineLook {
  readonly isMac: boolean;
  exists(path: string): boolean;
  /** @returns the names in a folder; none where there is no such folder to read */
  list(folder: string): readonly string[];
  /** @returns null where there is no such file to read */
  read(path: string): string | null;
}

/** Where bash (interactive, no login shell) and zsh (interactive) look. */
interface Layout {
  readonly bash: string;
  readonly zsh: string;
}

const layouts = {
  debian: { bash: "/etc/bash.bashrc", zsh: "/etc/zsh/zshrc" },
  fedora: { bash: "/etc/bashrc", zsh: "/etc/zshrc" },
  alpine: { bash: "/etc/bash/bashrc", zsh: "/etc/zsh/zshrc" },
} as const satisfies Record<string, Layout>;

/** The `ID` or one of `ID_LIKE` (os-release(5)). */
const layoutOfId: Readonly<Record<string, Layout>> = {
  debian: layouts.debian,
  ubuntu: layouts.debian,
  arch: layouts.debian,
  fedora: layouts.fedora,
  rhel: layouts.fedora,
  centos: layouts.fedora,
  amzn: layouts.fedora,
  alpine: layouts.alpine,
  gentoo: layouts.alpine,
  void: layouts.alpine,
};

const programFolders = ["/bin", "/usr/bin", "/usr/local/bin", "/opt/homebrew/bin"];
const profile = "/etc/profile";
const profileFolder = "/etc/profile.d";
/** @returns the shells that are on this machine; files of others would be in the way of their packages */
export function shellsOf(machine: MachineLook): readonly ShellName[] {
  return shellNames.filter((shell) => programFolders.some((folder) => machine.exists(`${folder}/${shell}`)));
}

/** @returns the files that these shells read, each once */
export function startupFilesOf(shells: readonly ShellName[], machine: MachineLook): readonly StartupFile[] {
  return shells.flatMap((shell) => pathsOf(shell, machine).map((path) => ({ shell, path })));
}

/** @returns every file that may ever have got a line, on whatever distribution */
export function everyStartupFile(): readonly StartupFile[] {
  const all = Object.values(layouts);
  const paths: Record<ShellName, readonly string[]> = {
    bash: [...all.map(({ bash }) => bash), `${profileFolder}/session-buddy.sh`, profile],
    zsh: [...new Set(all.map(({ zsh }) => zsh))],
    fish: fishFolders.map(fishFileIn),
  };
  return shellNames.flatMap((shell) => paths[shell].map((path) => ({ shell, path })));
}

const fishFolders = ["/etc/fish", "/opt/homebrew/etc/fish", "/usr/local/etc/fish"];

function pathsOf(shell: ShellName, machine: MachineLook): readonly string[] {
  if (shell === "fish") return [fishFileIn(fishFolderOf(machine))];
  const paths = layoutsOf(machine).map((layout) => layout[shell]);
  return shell === "bash" ? withLogin(paths, machine) : [...new Set(paths)];
}

function fishFolderOf({ isMac, exists }: MachineLook): string {
  return (isMac ? fishFolders.slice(1) : fishFolders).find(exists) ?? "/etc/fish";
}

function fishFileIn(folder: string): string {
  return `${folder}/conf.d/session-buddy.fish`;
}

/** One of a known system; of another, those whose files it has. */
function layoutsOf(machine: MachineLook): readonly Layout[] {
  if (machine.isMac) return [layouts.fedora];
  const text = machine.read("/etc/os-release") ?? machine.read("/usr/lib/os-release") ?? "";
  const value = (name: string) => new RegExp(`^${name}=["']?([^"'\n]*)`, "m").exec(text)?.[1] ?? "";
  const ids = [value("ID"), ...value("ID_LIKE").split(" ")];
  const known = ids.map((id) => layoutOfId[id]).find((layout) => layout !== undefined);
  if (known !== undefined) return [known];
  return Object.values(layouts).filter(({ bash, zsh }) => machine.exists(bash) || machine.exists(zsh));
}

/** A login shell of bash reads `/etc/profile` alone, which leads to the other file on most systems. */
function withLogin(paths: readonly string[], machine: MachineLook): readonly string[] {
  const text = machine.read(profile) ?? "";
  const readsFolder = text.includes(profileFolder);
  const scripts = readsFolder ? machine.list(profileFolder).filter((name) => name.endsWith(".sh")) : [];
  const texts = [text, ...scripts.map((name) => machine.read(`${profileFolder}/${name}`) ?? "")];
  if (paths.length > 0 && paths.every((path) => texts.some((one) => reads(one, path)))) return paths;
  return [...paths, readsFolder ? `${profileFolder}/session-buddy.sh` : profile];
}

/** @returns whether a script reads a file in a way that can be recognized */
function reads(text: string, path: string): boolean {
  const command = /(?:^|[\s;&|({\\])(?:\.|source)\s+["']?(\S+?)["']?(?=[\s;&|)}]|$)/g;
  const lines = text.split("\n").filter((line) => !/^\s*#/.test(line));
  return lines.some((line) => [...line.matchAll(command)].some(([, word]) => word === path));
}
