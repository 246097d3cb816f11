/** Owns the units that run the server under systemd (systemd.unit(5), systemd.exec(5)), and how to put them in place. */
import { SessionBuddyError } from "../tracker/errors.ts";
import type { UnitName } from "./server-names.ts";

export interface UnitOptions {
  /** Absolute path of the program. */
  readonly program: string;
  /** What follows `serve`, such as `--port 9000`. */
  readonly flags: readonly string[];
  /** Variables that the server of a user needs to find the user's record. */
  readonly environment: Readonly<Record<string, string>>;
  /** Absolute path of the user's secret; null when there is none yet. */
  readonly secretFile: string | null;
  /** Absolute path of the user's keys; null when there are none. */
  readonly keysFile: string | null;
}

export interface Unit {
  readonly text: string;
  /** Where it goes; `~` is the home of the user. */
  readonly file: string;
  /** What to do with it, a line each. */
  readonly advice: readonly string[];
}

/** @throws SessionBuddyError `invalid` when a path cannot stand in a unit */
export function unit(name: UnitName, options: UnitOptions): Unit {
  return name === "user" ? userUnit(options) : systemUnit(options);
}

/** Over the same record as the user's shells. */
function userUnit(options: UnitOptions): Unit {
  const lines = [
    "[Unit]",
    description,
    "",
    "[Service]",
    ...startLines(options),
    "# Running calls are answered first; a server that still has not ended is killed after this time.",
    "TimeoutStopSec=30",
    ...logs,
    ...Object.entries(options.environment).map(([variable, value]) => `Environment=${literal(`${variable}=${value}`)}`),
    ...userCredentials(options),
    "UMask=0077",
    "NoNewPrivileges=yes",
    ...restrictions,
    "",
    "[Install]",
    "WantedBy=default.target",
  ];
  const advice = ["systemctl --user daemon-reload", "systemctl --user enable --now session-buddy"];
  return { text: unitText(lines), file: "~/.config/systemd/user/session-buddy.service", advice };
}

/** With a record of its own, for clients on other hosts. */
function systemUnit(options: UnitOptions): Unit {
  const lines = [
    "[Unit]",
    description,
    "Wants=network-online.target",
    "After=network-online.target",
    "",
    "[Service]",
    ...startLines(options),
    "# Running calls are answered first; a server that still has not ended is killed after this time.",
    "TimeoutStopSec=30",
    "# A user of its own, who sees neither the homes of others nor their /tmp.",
    "DynamicUser=yes",
    "StateDirectory=session-buddy",
    "StateDirectoryMode=0700",
    ...logs,
    "Environment=SESSION_BUDDY_HOME=%S/session-buddy",
    `# Owner root, mode 0600; 'session-buddy token secret' makes one.`,
    "LoadCredential=secret:/etc/session-buddy/secret",
    "Environment=SESSION_BUDDY_SECRET_FILE=%d/secret",
    "UMask=0077",
    "CapabilityBoundingSet=",
    "NoNewPrivileges=yes",
    "PrivateDevices=yes",
    "ProtectClock=yes",
    "ProtectControlGroups=yes",
    "ProtectHostname=yes",
    "ProtectKernelLogs=yes",
    "ProtectKernelModules=yes",
    "ProtectKernelTunables=yes",
    ...restrictions,
    "",
    "[Install]",
    "WantedBy=multi-user.target",
  ];
  const advice = ["systemctl daemon-reload", "systemctl enable --now session-buddy"];
  return { text: unitText(lines), file: "/etc/systemd/system/session-buddy.service", advice };
}

const description = "Description=session-buddy: record of who has a shell open, for MCP clients";

/** The program that tells systemd that the server is ready is not the main process, hence NotifyAccess. */
export function startLines({ program, flags }: Pick<UnitOptions, "program" | "flags">): string[] {
  return [
    "Type=notify",
    "NotifyAccess=all",
    `ExecStart=${[executable(program), "serve", ...flags.map(argument)].join(" ")}`,
    "ExecReload=/bin/kill -HUP $MAINPID",
    "Restart=on-failure",
  ];
}

const logs = [
  "LogsDirectory=session-buddy",
  "LogsDirectoryMode=0700",
  "Environment=SESSION_BUDDY_LOG_FILE=%L/session-buddy/serve.log",
];

function userCredentials({ secretFile, keysFile }: UnitOptions): string[] {
  const keys = keysFile === null ? [] : credential("keys", keysFile, "SESSION_BUDDY_KEYS_FILE");
  if (secretFile !== null) return [...credential("secret", secretFile, "SESSION_BUDDY_SECRET_FILE"), ...keys];
  if (keysFile !== null) return keys;
  return [
    "# For a server with a secret: let 'session-buddy token secret' make one, keep it in this file, mode 0600, and",
    "# remove the two marks.",
    "#LoadCredential=secret:%h/.session-buddy-secret",
    "#Environment=SESSION_BUDDY_SECRET_FILE=%d/secret",
  ];
}

function credential(id: string, path: string, variable: string): string[] {
  return [`LoadCredential=${id}:${specifiersKept(path)}`, `Environment=${variable}=%d/${id}`];
}

/** What every unit forbids its service. */
export const restrictions: readonly string[] = [
  "# MemoryDenyWriteExecute= must stay off: Node.js compiles while it runs.",
  "LockPersonality=yes",
  "RestrictRealtime=yes",
  "RestrictSUIDSGID=yes",
  "RestrictNamespaces=yes",
  "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK",
  "SystemCallArchitectures=native",
  "SystemCallFilter=@system-service",
  "SystemCallErrorNumber=EPERM",
];

/** @returns the text of a unit with these lines */
export function unitText(lines: readonly string[]): string {
  return `${lines.join("\n")}\n`;
}

/** systemd refuses some characters in the path of a program, however they are written. */
function executable(path: string): string {
  if (!/["'\\]/.test(path)) return literal(path);
  throw new SessionBuddyError(
    "invalid",
    `systemd runs no program with a quote or backslash in its path; move ${path} to another folder`,
  );
}

/** A word in which systemd looks for no variable: the path of a program, or what a variable is set to. */
function literal(value: string): string {
  return quoted(specifiersKept(value));
}

/** @returns the path of a program as the first word of a command */
export function programOf(path: string): string {
  return executable(path);
}

/** @returns what `Environment=` is set to for one variable */
export function variableOf(name: string, value: string): string {
  return literal(`${name}=${value}`);
}

function argument(value: string): string {
  return literal(value.replaceAll("$", "$$$$"));
}

function specifiersKept(value: string): string {
  if (/\p{Cc}/u.test(value)) {
    throw new SessionBuddyError("invalid", "a path for the unit has control characters in it, which no unit can hold");
  }
  return value.replaceAll("%", "%%");
}

function quoted(value: string): string {
  return /^[\w@%+=:,./$-]+$/.test(value) ? value : `"${value.replaceAll(/["\\]/g, "\\$&")}"`;
}
