/** Owns what is read from the environment but settings and folders: where secrets are, where the caller is, what a terminal shows. */

/** What `process.env` holds. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Nothing is read here: a shell that is recorded has no use for secrets, and must not fail for a bad one.
 *
 * @returns where secrets and keys are to be found
 */
export function credentialSources(env: Environment) {
  return {
    secret: env.SESSION_BUDDY_SECRET,
    secretFile: env.SESSION_BUDDY_SECRET_FILE,
    previousSecrets: env.SESSION_BUDDY_PREVIOUS_SECRETS,
    previousSecretsFile: env.SESSION_BUDDY_PREVIOUS_SECRETS_FILE,
    keysFile: env.SESSION_BUDDY_KEYS_FILE,
    credentialsFolder: env.CREDENTIALS_DIRECTORY,
  };
}

/** @returns the token for the record that the setting `from` names; null for none */
export function tokenForRecord(env: Environment): string | null {
  return env.SESSION_BUDDY_FROM_TOKEN || null;
}

/** @returns whether systemd waits to be told that a service is ready (sd_notify(3)). */
export function isWaitedForBySystemd(env: Environment): boolean {
  return Boolean(env.NOTIFY_SOCKET);
}

/**
 * What the environment says of where a shell runs; no other value of it is ever recorded.
 *
 * @returns the keys of a state file, without those that have nothing to say
 */
export function surroundings(env: Environment) {
  const { SUDO_USER, DOAS_USER, TMUX, TMUX_PANE, STY, TERM_PROGRAM, SSH_CONNECTION } = env;
  const via = SUDO_USER ? `sudo:${SUDO_USER}` : DOAS_USER && `doas:${DOAS_USER}`;
  const multiplexer = TMUX ? `tmux:${TMUX.split(",", 1)[0]}:${TMUX_PANE ?? ""}` : STY && `screen:${STY}`;
  return {
    ...(via ? { via } : {}),
    ...(multiplexer ? { multiplexer } : {}),
    ...(TERM_PROGRAM ? { terminal_program: TERM_PROGRAM } : {}),
    ...(SSH_CONNECTION ? { remote: SSH_CONNECTION.split(" ", 2).join(" ") } : {}),
  };
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
