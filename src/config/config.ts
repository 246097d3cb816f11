/**
 * The only reader of environment names and settings. Commands and server get a resolved configuration from here.
 * Longer than 250 lines because every name of the environment is read in one place.
 */
import { existsSync } from "node:fs";
import { userInfo } from "node:os";
import { basename, isAbsolute, join } from "node:path";
import { SessionBuddyError } from "../tracker/errors.ts";
import { componentNameIssue } from "../tracker/limits.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

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

/** Settings a person may keep; every one has a flag or an environment name that wins over it. */
export interface Settings {
  /** Component name of sessions that name none; default `shell`. */
  readonly component: string;
  /** Address `serve` listens on; default `127.0.0.1`. */
  readonly host: string;
  /** Port `serve` listens on, 0 to 65535, 0 for any free one; default 8678. */
  readonly port: number;
  /** Accepted `iss` claims; default `session-buddy` alone. */
  readonly issuers: readonly string[];
  /** File that log lines are appended to, an absolute path; none by default. */
  readonly log_file: string | null;
  /** Connections that `serve` takes at once, 0 for any number; default 1000. */
  readonly max_connections: number;
  /** Requests that `serve` takes from one address in a second, 0 for any number; default 20000. */
  readonly max_calls_per_second: number;
  /** Refused tokens of one address in a minute, 0 for any number; default 300. */
  readonly max_refusals_per_minute: number;
  /** MCP sessions that `serve` keeps at once, 0 for none; default 100. */
  readonly max_mcp_sessions: number;
  /** Minutes that an MCP session lives without a request, 1 or more; default 30. */
  readonly mcp_session_minutes: number;
  /** Whether `/metrics` is for everyone, also where calls need a token: `yes` or `no`, the default. */
  readonly open_metrics: string;
}

export type SettingName = keyof Settings;

interface SettingRule {
  readonly fallback: string | number | readonly string[] | null;
  readonly environmentName: string;
  readonly description: string;
  /** JSON Schema for conf. */
  readonly schema: Readonly<Record<string, unknown>>;
  /** Reads the text of an environment variable or of `config set`. */
  readonly parse: (text: string) => string | number | string[];
}

const largestCount = 1_000_000_000;

/** The table of settings: defaults, names, rules. */
export const settingRules: Readonly<Record<SettingName, SettingRule>> = {
  component: {
    fallback: "shell",
    environmentName: "SESSION_BUDDY_COMPONENT",
    description: "component name of sessions that name none",
    schema: { type: "string", pattern: "^[a-zA-Z0-9_-]{1,100}$" },
    parse: (text) => checked(text, componentNameIssue(text)),
  },
  host: {
    fallback: "127.0.0.1",
    environmentName: "SESSION_BUDDY_HOST",
    description: "address that serve listens on",
    schema: { type: "string", minLength: 1 },
    parse: (text) => checked(text, text === "" ? "an address is needed, for example 127.0.0.1" : null),
  },
  port: {
    fallback: 8678,
    environmentName: "SESSION_BUDDY_PORT",
    description: "port that serve listens on",
    schema: { type: "integer", minimum: 0, maximum: 65535 },
    parse: parsePort,
  },
  issuers: {
    fallback: ["session-buddy"],
    environmentName: "SESSION_BUDDY_ISSUERS",
    description: "accepted token issuers, separated by commas",
    schema: { type: "array", items: { type: "string", minLength: 1 }, minItems: 1 },
    parse: (text) => parseList(text),
  },
  log_file: {
    fallback: null,
    environmentName: "SESSION_BUDDY_LOG_FILE",
    description: "file that log lines are appended to",
    schema: { type: "string", pattern: "^/" },
    parse: (text) => checked(text, isAbsolute(text) ? null : "an absolute path is needed"),
  },
  max_connections: countRule(1000, "MAX_CONNECTIONS", "connections that serve takes at once, 0 for any number"),
  max_calls_per_second: countRule(
    20_000,
    "MAX_CALLS_PER_SECOND",
    "requests that serve takes from one address in a second, 0 for any number",
  ),
  max_refusals_per_minute: countRule(
    300,
    "MAX_REFUSALS_PER_MINUTE",
    "refused tokens after which an address has to wait, 0 for any number",
  ),
  max_mcp_sessions: countRule(100, "MAX_MCP_SESSIONS", "MCP sessions that serve keeps at once, 0 for none"),
  mcp_session_minutes: countRule(30, "MCP_SESSION_MINUTES", "minutes that an MCP session lives without a request", 1),
  open_metrics: {
    fallback: "no",
    environmentName: "SESSION_BUDDY_OPEN_METRICS",
    description: "whether /metrics is for everyone, also where calls need a token: yes or no",
    schema: { enum: ["yes", "no"] },
    parse: (text) => checked(text, text === "yes" || text === "no" ? null : "yes or no is needed"),
  },
};

function countRule(fallback: number, name: string, description: string, least = 0): SettingRule {
  return {
    fallback,
    environmentName: `SESSION_BUDDY_${name}`,
    description,
    schema: { type: "integer", minimum: least, maximum: largestCount },
    parse(text) {
      if (/^\d{1,10}$/.test(text) && Number(text) >= least && Number(text) <= largestCount) return Number(text);
      throw new Error(`a whole number of ${least} or more is needed`);
    },
  };
}

/** What the program runs with: flags win over the environment, the environment over settings. */
export interface Config {
  readonly paths: Paths;
  readonly settings: Settings;
}

/**
 * Resolves the configuration.
 *
 * @throws SessionBuddyError `usage` for a wrong variable, `settings` for a bad file
 */
export async function resolveConfig(env: Environment): Promise<Config> {
  const paths = resolvePaths(env);
  requireHome(env, paths);
  return { paths, settings: await resolveSettings(env, paths) };
}

/** A home that is not there, as service users have, is not ours to make, which root could. */
function requireHome({ HOME: home }: Environment, { dataFolder, stateFolder }: Paths): void {
  if (!home || !isAbsolute(home) || existsSync(home)) return;
  if ([dataFolder, stateFolder].every((folder) => !folder.startsWith(join(home, "/")))) return;
  throw new SessionBuddyError(
    "usage",
    `the home folder ${home} does not exist; set HOME or SESSION_BUDDY_HOME to an absolute path`,
  );
}

/** @throws SessionBuddyError `usage` when there is no home folder, or a folder is not an absolute path */
export function resolvePaths(env: Environment): Paths {
  const one = env.SESSION_BUDDY_HOME;
  if (one) {
    if (!isAbsolute(one))
      throw new SessionBuddyError("usage", `SESSION_BUDDY_HOME must be an absolute path, not '${one}'`);
    return pathsIn(one, one, one);
  }
  const folder = (name: string, fallback: string) => join(xdgFolder(env, name, fallback), "session-buddy");
  return pathsIn(
    folder("XDG_DATA_HOME", ".local/share"),
    folder("XDG_STATE_HOME", ".local/state"),
    folder("XDG_CONFIG_HOME", ".config"),
  );
}

function pathsIn(dataFolder: string, stateRoot: string, settingsFolder: string): Paths {
  return {
    dataFolder,
    database: join(dataFolder, "sessions.db"),
    stateFolder: join(stateRoot, "shells"),
    hostIdFile: join(stateRoot, "host-id"),
    settingsFolder,
    settingsFile: join(settingsFolder, "settings.json"),
  };
}

/** The specification says to ignore a variable that holds a relative path. */
function xdgFolder(env: Environment, name: string, fallback: string): string {
  const value = env[name];
  return value && isAbsolute(value) ? value : join(homeFolder(env), fallback);
}

function homeFolder(env: Environment): string {
  const home = env.HOME;
  if (home && isAbsolute(home)) return home;
  try {
    return userInfo().homedir;
  } catch {
    throw new SessionBuddyError("usage", "no home folder is known; set HOME or SESSION_BUDDY_HOME to an absolute path");
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

async function resolveSettings(env: Environment, paths: Paths): Promise<Settings> {
  const kept = await readSettings(paths);
  const resolved = Object.entries(settingRules).map(([name, rule]) => {
    const text = env[rule.environmentName];
    if (text === undefined || text === "") return [name, kept[name as SettingName] ?? rule.fallback];
    return [name, parseNamed(rule.environmentName, rule, text)];
  });
  return Object.fromEntries(resolved) as Settings;
}

/**
 * Reads the text of one setting.
 *
 * @throws SessionBuddyError `usage` with the rule that is broken
 */
export function parseSetting(name: SettingName, text: string): string | number | string[] {
  return parseNamed(name, settingRules[name], text);
}

function parseNamed(name: string, rule: SettingRule, text: string): string | number | string[] {
  try {
    return rule.parse(text);
  } catch (error) {
    throw new SessionBuddyError("usage", `${name}: ${(error as Error).message}`);
  }
}

/** conf is loaded only when there is a file to read: its validator costs as much as the rest of a start. */
async function readSettings(paths: Paths): Promise<Partial<Settings>> {
  if (!existsSync(paths.settingsFile)) return {};
  const { openSettings } = await import("./settings-file.ts");
  return openSettings(paths).store;
}

/** Where secrets and keys are to be found, as the environment says; what is undefined is unset. */
export interface CredentialSources {
  readonly secret: string | undefined;
  readonly secretFile: string | undefined;
  readonly previousSecrets: string | undefined;
  readonly previousSecretsFile: string | undefined;
  readonly keysFile: string | undefined;
  /** Folder in which systemd hands credentials to a service (systemd.exec(5)). */
  readonly credentialsFolder: string | undefined;
}

/** Nothing is read here: a shell that is recorded has no use for secrets, and must not fail for a bad one. */
export function credentialSources(env: Environment): CredentialSources {
  return {
    secret: env.SESSION_BUDDY_SECRET,
    secretFile: env.SESSION_BUDDY_SECRET_FILE,
    previousSecrets: env.SESSION_BUDDY_PREVIOUS_SECRETS,
    previousSecretsFile: env.SESSION_BUDDY_PREVIOUS_SECRETS_FILE,
    keysFile: env.SESSION_BUDDY_KEYS_FILE,
    credentialsFolder: env.CREDENTIALS_DIRECTORY,
  };
}

function parsePort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : -1;
  if (port < 0 || port > 65535) throw new Error("a port is a whole number from 0 to 65535");
  return port;
}

function parseList(text: string): string[] {
  const items = text.split(",").map((item) => item.trim());
  if (items.includes("")) throw new Error("a list of names separated by commas is needed");
  return items;
}

function checked(text: string, issue: string | null): string {
  if (issue !== null) throw new Error(issue);
  return text;
}

/** @returns whether systemd waits to be told that a service is ready (sd_notify(3)). */
export function isWaitedForBySystemd(env: Environment): boolean {
  return Boolean(env.NOTIFY_SOCKET);
}

/** @returns the directory the caller is in; one that was removed meanwhile has only the shell's name for it. */
export function workingDirectory(env: Environment): string {
  try {
    return process.cwd();
  } catch {
    return env.PWD ?? "";
  }
}

/** @returns whether output may be coloured: on a terminal that can show it, unless NO_COLOR is set to anything. */
export function usesColor(env: Environment, isTerminal: boolean): boolean {
  return isTerminal && !env.NO_COLOR && env.TERM !== "dumb";
}

/** @returns whether the locale says that text is UTF-8, so that more than ASCII may be drawn (locale(7)). */
export function usesUnicode(env: Environment): boolean {
  return /utf-?8/i.test(env.LC_ALL || env.LC_CTYPE || env.LANG || "");
}
