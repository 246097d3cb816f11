/** The settings of clients that the README shows, read as their clients read them. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse as parseToml } from "@iarna/toml";
import { root } from "../support/sandbox.ts";

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

export interface Snippet {
  readonly client: string;
  readonly variant: Variant;
  readonly language: string;
  readonly text: string;
}

type Table = Readonly<Record<string, unknown>>;

const serverName = "session-buddy";
const marked = /^<!-- client: (\S+) (\S+) -->\n```(\w+)\n([\s\S]*?)^```$/gm;

/** @returns the blocks of the README that have a mark, in their order */
export function readSnippets(): readonly Snippet[] {
  const readme = readFileSync(join(root, "README.md"), "utf8");
  return [...readme.matchAll(marked)].map(([, client = "", variant, language = "", text = ""]) => {
    assert.ok(variants.includes(variant as Variant), `${client} ${variant}`);
    return { client, variant: variant as Variant, language, text };
  });
}

/**
 * @param text - a snippet's, perhaps with another address
 * @param token - what the client would put in the place of its variable, its input or the word SESSION_BUDDY_TOKEN
 */
export function settingsIn({ client, language }: Snippet, text: string, token: string): Settings {
  if (language === "text") return settingsOfCommand(text, token);
  const file = language === "toml" ? parseToml(text) : JSON.parse(text);
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
  const command = words.indexOf("--");
  if (command !== -1) {
    assert.deepEqual(words.slice(2, command), [serverName]);
    const [program = "", ...args] = words.slice(command + 1);
    return { command: program, args };
  }
  const [option, transport, name, url = "", ...others] = words.slice(2);
  assert.deepEqual([option, transport, name, others], ["--transport", "http", serverName, []]);
  return { url };
}
