/** The settings of clients that `serve --client` prints, read as their clients read them. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { parse as parseToml } from "@iarna/toml";

export const variants = ["http", "token", "stdio"] as const;
export type Variant = (typeof variants)[number];

/** What a client connects to: a URL with headers, or a command. */
export interface Settings {
  readonly url?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly command?: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export interface Printed {
  readonly client: string;
  readonly text: string;
}

type Table = Readonly<Record<string, unknown>>;

const serverName = "session-buddy";

/** @param token - what the client would put in the place of its variable, its input or the word SESSION_BUDDY_TOKEN */
export function settingsIn({ client, text }: Printed, token: string): Settings {
  if (text.startsWith("claude ")) {
    assert.equal(client, "claude-code");
    return settingsOfCommand(text, token);
  }
  const file = client === "codex" ? parseToml(text) : JSON.parse(text);
  const { [serverName]: found, ...others } = (file.mcpServers ?? file.servers ?? file.mcp_servers) as Table;
  assert.deepEqual(others, {}, client);
  assert.equal("servers" in file, client === "vscode", "VS Code alone calls them so");
  const { type, bearer_token_env_var: variable, ...settings } = JSON.parse(expand(JSON.stringify(found), file, token));
  assert.ok(type === undefined || type === ("url" in settings ? "http" : "stdio"), `${client}: ${type}`);
  if (variable === undefined) return settings;
  assert.equal(variable, "SESSION_BUDDY_TOKEN");
  return { ...settings, headers: { Authorization: `Bearer ${token}` } };
}

function expand(text: string, { inputs = [] }: { inputs?: readonly { id: string }[] }, token: string): string {
  const asked = text.replaceAll(/\$\{input:([^}]+)\}/g, (_, id) => {
    assert.ok(
      inputs.some((input) => input.id === id),
      id,
    );
    return token;
  });
  return asked.replaceAll(/\$\{(?:env:)?SESSION_BUDDY_TOKEN\}|(?<=Bearer )SESSION_BUDDY_TOKEN/g, token);
}

/** Runs a command line of a client with nothing behind the client's name, and reads what it was given. */
function settingsOfCommand(text: string, token: string): Settings {
  const script = `claude() { printf '%s\\0' "$@"; }\n${text}`;
  const env = { PATH: "/usr/bin:/bin", SESSION_BUDDY_TOKEN: token };
  const words = execFileSync("sh", ["-euc", script], { env, encoding: "utf8" }).split("\0").slice(0, -1);
  assert.deepEqual(words.slice(0, 2), ["mcp", "add"]);
  const end = words.indexOf("--");
  if (end !== -1) {
    const [name, ...options] = words.slice(2, end);
    assert.equal(name, serverName);
    const [program = "", ...args] = words.slice(end + 1);
    return { command: program, args, env: variablesIn(options) };
  }
  const [option, transport, name, url = "", ...others] = words.slice(2);
  assert.deepEqual([option, transport, name, others], ["--transport", "http", serverName, []]);
  return { url };
}

/** @param options - `--env NAME=VALUE`, any number of times */
function variablesIn(options: readonly string[]): Record<string, string> {
  assert.ok(
    options.every((option, at) => at % 2 === 1 || option === "--env"),
    options.join(" "),
  );
  const pairs = options.filter((_, at) => at % 2 === 1);
  return Object.fromEntries(pairs.map((pair) => pair.split(/=(.*)/s).slice(0, 2)));
}
