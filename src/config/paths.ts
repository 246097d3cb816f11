/** Owns where everything lies: the folders of the XDG Base Directory Specification, and those that shells use. */
import { existsSync } from "node:fs";
import { userInfo } from "node:os";
import { basename, isAbsolute, join } from "node:path";
import { SessionBuddyError } from "../tracker/errors.ts";
import type { Environment } from "./environment.ts";

/** Where everything lies: the folders of the XDG Base Directory Specification, or one folder for all. */
export interface Paths {
  readonly dataFolder: string;
  readonly database: string;
  readonly stateFolder: string;
  /** Used as a host id's home on machines without one of their own. */
  readonly hostIdFile: string;
  readonly settingsFolder: string;
  readonly settingsFile: string;
}

/** @throws SessionBuddyError `usage` when there is no home folder, or a folder is not an absolute path */
export function resolvePaths(env: Environment): Paths {
  const one = env.SESSION_BUDDY_HOME;
  if (one) {
    if (!isAbsolute(one))
      throw new SessionBuddyError("usage", `SESSION_BUDDY_HOME must be an absolute path, not '${one}'`);
    return pathsIn(one, one, one);
  }
  const folder = (name: string, fallback: string) => below(xdgFolder(env, name, fallback), "session-buddy");
  return pathsIn(
    folder("XDG_DATA_HOME", ".local/share"),
    folder("XDG_STATE_HOME", ".local/state"),
    folder("XDG_CONFIG_HOME", ".config"),
  );
}

function pathsIn(dataFolder: string, stateRoot: string, settingsFolder: string): Paths {
  return {
    dataFolder,
    database: below(dataFolder, "sessions.db"),
    stateFolder: below(stateRoot, "shells"),
    hostIdFile: below(stateRoot, "host-id"),
    settingsFolder,
    settingsFile: below(settingsFolder, "settings.json"),
  };
}

/** The specification says to ignore a variable that holds a relative path. */
function xdgFolder(env: Environment, name: string, fallback: string): string {
  const value = env[name];
  return value && isAbsolute(value) ? value : below(homeFolder(env), fallback);
}

/**
 * What `join` gives. That looks at every letter of both, so often in a start that V8 has it compiled for speed, in another
 * thread, which costs more than all the paths.
 */
function below(folder: string, name: string): string {
  const hasEmptyOrDots = /\/\.{0,2}(?:\/|$)/.test(folder);
  return hasEmptyOrDots ? join(folder, name) : `${folder}/${name}`;
}

function homeFolder(env: Environment): string {
  const home = env.HOME;
  if (home && isAbsolute(home)) return home;
  try {
    return userInfo().homedir;
  } catch {
    throw new SessionBuddyError(
      "usage",
      "the home folder is not known; set HOME or SESSION_BUDDY_HOME to an absolute path",
    );
  }
}

/** Where this user's shells look for startup files and completions. */
export interface ShellFolders {
  readonly home: string;
  /** Folder of `.zshrc`. */
  readonly zsh: string;
  readonly config: string;
  readonly data: string;
  /** Command name of the login shell, such as `bash`; empty when it is not known. */
  readonly loginShell: string;
}

/** @throws SessionBuddyError `usage` when there is no home folder */
export function resolveShellFolders(env: Environment): ShellFolders {
  const home = homeFolder(env);
  if (!existsSync(home)) throw new SessionBuddyError("usage", `the home folder ${home} does not exist; set HOME`);
  return {
    home,
    zsh: env.ZDOTDIR && isAbsolute(env.ZDOTDIR) ? env.ZDOTDIR : home,
    config: xdgFolder(env, "XDG_CONFIG_HOME", ".config"),
    data: xdgFolder(env, "XDG_DATA_HOME", ".local/share"),
    loginShell: basename(env.SHELL || registeredShell()),
  };
}

function registeredShell(): string {
  try {
    return userInfo().shell ?? "";
  } catch {
    return "";
  }
}

/**
 * A home that is not there, as service users have, is not ours to make, which root could.
 *
 * @throws SessionBuddyError `usage` when the folders lie in a home that does not exist
 */
export function requireHome({ HOME: home }: Environment, { dataFolder, stateFolder }: Paths): void {
  if (!home || !isAbsolute(home) || existsSync(home)) return;
  if ([dataFolder, stateFolder].every((folder) => !folder.startsWith(join(home, "/")))) return;
  throw new SessionBuddyError(
    "usage",
    `the home folder ${home} does not exist; set HOME or SESSION_BUDDY_HOME to an absolute path`,
  );
}
