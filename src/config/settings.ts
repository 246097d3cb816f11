/**
 * Owns the table of settings: what each means, its default, its names, its rule.
 *
 * Longer than 250 lines because it is one table, and a row of it is read beside the others.
 */
import { isAbsolute } from "node:path";
import { SessionBuddyError } from "../tracker/errors.ts";
import { componentNameIssue } from "../tracker/limits.ts";

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
  /** Those of one address, 0 for any number; default 250. */
  readonly max_connections_per_address: number;
  /** Requests that `serve` takes from one address per second, 0 for any number; default 20000. */
  readonly max_calls_per_second: number;
  /** Refused tokens of one address in a minute, 0 for any number; default 300. */
  readonly max_refusals_per_minute: number;
  /** MCP sessions that `serve` keeps at once, 0 for none; default 100. */
  readonly max_mcp_sessions: number;
  /** Minutes that an MCP session lives without a request, 1 or more; default 30. */
  readonly mcp_session_minutes: number;
  /** Whether `/metrics` is for everyone, also where calls need a token; `no` by default. */
  readonly open_metrics: boolean;
  /** Whether a server without a secret is for every user of this machine; `no` by default. */
  readonly allow_other_users: boolean;
  /** Folder in which shells leave their files for the machine's record, an absolute path; null where none is used. */
  readonly spool: string | null;
  /** Unix socket on which the machine's record answers, an absolute path; null where none is used. */
  readonly socket: string | null;
  /** Group whose members may read everybody's sessions in the machine's record; default `adm`. */
  readonly admin_group: string;
  /** Whether the address that a shell was reached from is recorded; `no` by default. */
  readonly remote: boolean;
  /** Address of the PostgreSQL database that holds the record; null where it is a file. */
  readonly store: string | null;
  /** File with that database's password, an absolute path; none by default. */
  readonly store_password_file: string | null;
  /** Address of the server that questions are asked of; null where they are asked on this machine. */
  readonly from: string | null;
  /** File with the token for that server, an absolute path; none by default. */
  readonly from_token_file: string | null;
  /** Its public key, as curl(1) has it; null where its certificate is believed by its authority. */
  readonly from_pin: string | null;
  /** PEM file of the authorities that its certificate is believed by, an absolute path; those of the system by default. */
  readonly from_ca_file: string | null;
  /** PEM files with the certificate that `serve` shows and its key, absolute paths; plain HTTP without them. */
  readonly tls_certificate_file: string | null;
  readonly tls_key_file: string | null;
  /** As whom hosts know this server, `https://name:port`; what each request says by default. */
  readonly public_url: string | null;
  /** Days after which `serve` removes sessions that have ended, 0 for never; default 0. */
  readonly keep_days: number;
}

export type SettingName = keyof Settings;

/** What the settings file holds, and what `config` prints. */
export type KeptValue = string | number | readonly string[] | null;

interface SettingRule<Value> {
  readonly fallback: Value;
  readonly environmentName: string;
  readonly description: string;
  /** Whether an empty variable says something; else it is as good as none. Not by default. */
  readonly isEmptyMeant?: boolean;
  /** JSON Schema of what the file holds, for conf. */
  readonly schema: Readonly<Record<string, unknown>>;
  /** Reads the text of an environment variable, a flag or `config set`. Throws an Error that says what is needed. */
  readonly parse: (text: string) => Value;
  readonly toKept: (value: Value) => KeptValue;
  /** @param kept - what the schema allows */
  readonly fromKept: (kept: KeptValue) => Value;
}

type Described<Value> = Pick<SettingRule<Value>, "fallback" | "description"> & { readonly name: string };

const largestCount = 1_000_000_000;
const largestPort = 65_535;
/** As groupadd(8) takes them, and directories with points and letters of both cases. */
const groupPattern = /^[A-Za-z_][A-Za-z0-9_.-]{0,31}$/;

const addressPattern = /^https?:\/\/[^\s@?#]+$/;
const pinPattern = /^sha256\/\/[A-Za-z0-9+/]{43}=(?:;sha256\/\/[A-Za-z0-9+/]{43}=)*$/;
/** Scheme, name and port; a path would be that of a proxy, which hosts do not name. */
const publicUrlPattern = /^https?:\/\/(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:]+\])(?::\d{1,5})?$/;
const storePattern = /^postgres(?:ql)?:\/\/./;

/** The table of settings; a setting's name in the environment is SESSION_BUDDY_ and its own in capitals. */
export const settingRules: { readonly [Name in SettingName]: SettingRule<Settings[Name]> } = {
  component: textRule(
    { name: "COMPONENT", fallback: "shell", description: "component name of sessions that do not name one" },
    { pattern: "^[a-zA-Z0-9_-]{1,100}$" },
    componentNameIssue,
  ),
  host: textRule(
    { name: "HOST", fallback: "127.0.0.1", description: "address that serve listens on" },
    { minLength: 1 },
    (text) => (text === "" ? "an address is needed, for example 127.0.0.1" : null),
  ),
  port: numberRule(
    { name: "PORT", fallback: 8678, description: "port that serve listens on" },
    { minimum: 0, maximum: largestPort },
    "a port is a whole number from 0 to 65535",
  ),
  issuers: {
    fallback: ["session-buddy"],
    environmentName: "SESSION_BUDDY_ISSUERS",
    description: "accepted token issuers, separated by commas",
    schema: { type: "array", items: { type: "string", minLength: 1 }, minItems: 1 },
    parse: parseList,
    toKept: (issuers) => issuers,
    fromKept: (kept) => (Array.isArray(kept) ? kept.map(String) : []),
  },
  log_file: fileRule({ name: "LOG_FILE", fallback: null, description: "file that log lines are appended to" }),
  max_connections: countRule({
    name: "MAX_CONNECTIONS",
    fallback: 1000,
    description: "connections that serve takes at once, 0 for any number",
  }),
  max_connections_per_address: countRule({
    name: "MAX_CONNECTIONS_PER_ADDRESS",
    fallback: 250,
    description: "connections that serve takes from one address at once, 0 for any number",
  }),
  max_calls_per_second: countRule({
    name: "MAX_CALLS_PER_SECOND",
    fallback: 20_000,
    description: "requests that serve takes from one address per second, 0 for any number",
  }),
  max_refusals_per_minute: countRule({
    name: "MAX_REFUSALS_PER_MINUTE",
    fallback: 300,
    description: "refused tokens after which an address has to wait, 0 for any number",
  }),
  max_mcp_sessions: countRule({
    name: "MAX_MCP_SESSIONS",
    fallback: 100,
    description: "MCP sessions that serve keeps at once, 0 for none",
  }),
  mcp_session_minutes: countRule(
    {
      name: "MCP_SESSION_MINUTES",
      fallback: 30,
      description: "minutes that an MCP session lives without a request",
    },
    1,
  ),
  open_metrics: yesNoRule({
    name: "OPEN_METRICS",
    fallback: false,
    description: "whether /metrics is open to everyone, even where calls need a token: yes or no",
  }),
  allow_other_users: yesNoRule({
    name: "ALLOW_OTHER_USERS",
    fallback: false,
    description: "whether serve without a secret is for every user of this machine: yes or no",
  }),
  spool: placeRule({
    name: "SPOOL",
    fallback: "/var/spool/session-buddy/shells",
    description: "folder in which shells leave their files for the record of the machine; empty for none",
  }),
  socket: placeRule({
    name: "SOCKET",
    fallback: "/run/session-buddy/socket",
    description: "Unix socket on which the record of the machine answers; empty for none",
  }),
  admin_group: textRule(
    {
      name: "ADMIN_GROUP",
      fallback: "adm",
      description: "group whose members may read everybody's sessions in the record of the machine",
    },
    { pattern: groupPattern.source },
    (text) => (groupPattern.test(text) ? null : "the name of a group is needed"),
  ),
  remote: yesNoRule({
    name: "REMOTE",
    fallback: false,
    description: "whether the address that a shell was reached from is recorded: yes or no",
  }),
  store: textRule(
    {
      name: "STORE",
      fallback: null,
      description: "PostgreSQL database that holds the record, postgres://user@host/name",
    },
    { pattern: storePattern.source },
    storeIssue,
  ),
  store_password_file: fileRule({
    name: "STORE_PASSWORD_FILE",
    fallback: null,
    description: "file with the password of that database",
  }),
  from: textRule(
    {
      name: "FROM",
      fallback: null,
      description: "server that questions are asked of, https://host:8678; --from of a question wins",
    },
    { pattern: addressPattern.source },
    addressIssue,
  ),
  from_token_file: fileRule({
    name: "FROM_TOKEN_FILE",
    fallback: null,
    description: "file with the token for that server",
  }),
  from_pin: textRule(
    { name: "FROM_PIN", fallback: null, description: "public key of that server, as 'host invite' prints it there" },
    { pattern: pinPattern.source },
    (text) => (pinPattern.test(text) ? null : "a pin such as sha256//BASE64 is needed, as 'host invite' prints it"),
  ),
  from_ca_file: fileRule({
    name: "FROM_CA_FILE",
    fallback: null,
    description: "file with the authorities of that server's certificate",
  }),
  tls_certificate_file: fileRule({
    name: "TLS_CERTIFICATE_FILE",
    fallback: null,
    description: "PEM file with the certificate that serve shows",
  }),
  tls_key_file: fileRule({
    name: "TLS_KEY_FILE",
    fallback: null,
    description: "PEM file with the key of that certificate",
  }),
  public_url: textRule(
    {
      name: "PUBLIC_URL",
      fallback: null,
      description: "address by which other hosts reach serve, such as https://central.example:8678",
    },
    { pattern: publicUrlPattern.source },
    (text) => (publicUrlPattern.test(text) ? null : "an address such as https://central.example:8678 is needed"),
  ),
  keep_days: countRule({
    name: "KEEP_DAYS",
    fallback: 0,
    description: "days after which serve removes sessions that have ended, 0 for never",
  }),
};

/** Which addresses are encrypted is looked at where one is asked. */
function addressIssue(text: string): string | null {
  if (/^https?:\/\/[^/]*@/.test(text) || /[?#]/.test(text)) {
    return "a password or token does not belong into an address; put the token into a file (from_token_file) or SESSION_BUDDY_FROM_TOKEN";
  }
  return addressPattern.test(text) && URL.canParse(text)
    ? null
    : "an address such as https://central.example:8678 is needed";
}

/** What is kept in a file, shown by `config` and given in variables has no secret in it. */
function storeIssue(text: string): string | null {
  if (/^\w+:\/\/[^/?#@]*:[^/?#]*@/.test(text)) {
    return "a password does not belong into an address; put it into a file (store_password_file), PGPASSWORD or ~/.pgpass";
  }
  return storePattern.test(text) ? null : "an address such as postgres://user@host/database is needed";
}

/** @param issueOf - what is wrong with a text, null when nothing is */
function textRule<Value extends string | null>(
  { name, fallback, description }: Described<Value>,
  schema: Readonly<Record<string, unknown>>,
  issueOf: (text: string) => string | null,
): SettingRule<Value | string> {
  return {
    fallback,
    environmentName: environmentName(name),
    description,
    schema: { type: "string", ...schema },
    parse(text) {
      const issue = issueOf(text);
      if (issue !== null) throw new Error(issue);
      return text;
    },
    toKept: (value) => value,
    fromKept: String,
  };
}

/** A file: an absolute path, because a relative one would be another file in each directory. */
function fileRule(described: Described<string | null>): SettingRule<string | null> {
  return textRule(described, { pattern: "^/" }, (text) => (isAbsolute(text) ? null : "an absolute path is needed"));
}

/** A place of the machine's record: an absolute path, or empty for none. */
function placeRule(described: Described<string | null>): SettingRule<string | null> {
  const isPlace = (text: string) => text === "" || (isAbsolute(text) && !text.includes("\0"));
  const { parse, ...rule } = textRule(described, { pattern: "^(?:/.*)?$" }, (text) =>
    isPlace(text) ? null : "an absolute path is needed, or an empty text for none",
  );
  return {
    ...rule,
    isEmptyMeant: true,
    parse: (text) => parse(text) || null,
    toKept: (value) => value ?? "",
    fromKept: (kept) => (kept === "" ? null : String(kept)),
  };
}

function numberRule(
  { name, fallback, description }: Described<number>,
  { minimum, maximum }: { readonly minimum: number; readonly maximum: number },
  need: string,
): SettingRule<number> {
  return {
    fallback,
    environmentName: environmentName(name),
    description,
    schema: { type: "integer", minimum, maximum },
    parse(text) {
      const number = /^\d{1,10}$/.test(text) ? Number(text) : -1;
      if (number < minimum || number > maximum) throw new Error(need);
      return number;
    },
    toKept: (value) => value,
    fromKept: Number,
  };
}

function countRule(described: Described<number>, minimum = 0): SettingRule<number> {
  return numberRule(described, { minimum, maximum: largestCount }, `a whole number of ${minimum} or more is needed`);
}

function yesNoRule({ name, fallback, description }: Described<boolean>): SettingRule<boolean> {
  return {
    fallback,
    environmentName: environmentName(name),
    description,
    schema: { enum: ["yes", "no"] },
    parse(text) {
      if (text !== "yes" && text !== "no") throw new Error("yes or no is needed");
      return text === "yes";
    },
    toKept: (value) => (value ? "yes" : "no"),
    fromKept: (kept) => kept === "yes",
  };
}

function parseList(text: string): string[] {
  const items = text.split(",").map((item) => item.trim());
  if (items.includes("")) throw new Error("a list of names separated by commas is needed");
  return items;
}

function environmentName(name: string): string {
  return `SESSION_BUDDY_${name}`;
}

/**
 * Reads the text of one setting.
 *
 * @param name - as whom to call it in the message: a setting, or a variable of the environment
 * @throws SessionBuddyError `usage` with the rule that is broken
 */
export function parseSetting<Name extends SettingName>(
  setting: Name,
  text: string,
  name: string = setting,
): Settings[Name] {
  try {
    return settingRules[setting].parse(text);
  } catch (error) {
    throw new SessionBuddyError("usage", `${name}: ${(error as Error).message}`);
  }
}
