/** Owns how each MCP client is told of a server: the settings in the client's own form, and where they go. */
import type { ClientName } from "./server-names.ts";

/** The name under which clients show the server. */
const serverName = "session-buddy";
/** Where clients find a token, where they can look one up. */
const tokenVariable = "SESSION_BUDDY_TOKEN";

/** A server that runs, or a program that a client starts for itself. */
export type Connection =
  | {
      readonly kind: "http";
      /** Of the MCP endpoint. */
      readonly url: string;
      readonly needsToken: boolean;
    }
  | {
      readonly kind: "stdio";
      /** Absolute path. */
      readonly program: string;
      /** Variables that the program needs and a client with a window does not have. */
      readonly environment: Readonly<Record<string, string>>;
    };

export interface ClientSettings {
  /** The settings as the client reads them, or a command line that makes them; ends with a line end. */
  readonly text: string;
  /** What to do with them, as a sentence. */
  readonly advice: string;
}

/** The same arguments for every client that starts the program for itself. */
const stdioArguments = ["serve", "--stdio"] as const;
const inTheEnvironment = `put the token into ${tokenVariable} in the environment that it starts with`;

export function clientSettings(client: ClientName, connection: Connection): ClientSettings {
  return makers[client](connection);
}

const makers: Readonly<Record<ClientName, (connection: Connection) => ClientSettings>> = {
  "claude-code": claudeCode,
  "claude-desktop": claudeDesktop,
  cursor,
  vscode,
  codex,
};

function claudeCode(connection: Connection): ClientSettings {
  const advice = "run this command";
  if (connection.kind === "stdio") {
    const variables = Object.entries(connection.environment).flatMap(([name, value]) => ["--env", `${name}=${value}`]);
    const command = [...variables, "--", connection.program, ...stdioArguments];
    return { text: shellLine(["claude", "mcp", "add", serverName, ...command]), advice };
  }
  const { url, needsToken } = connection;
  if (!needsToken) {
    return { text: shellLine(["claude", "mcp", "add", "--transport", "http", serverName, url]), advice };
  }
  const server = { type: "http", url, headers: bearer(`\${${tokenVariable}}`) };
  return { text: mcpServers(server), advice: `add this to .mcp.json in your project, and ${inTheEnvironment}` };
}

/** It starts programs alone; mcp-remote brings it to a server over HTTP. */
function claudeDesktop(connection: Connection): ClientSettings {
  const advice = "add this to claude_desktop_config.json, which Settings > Developer > Edit Config opens";
  if (connection.kind === "stdio") return { text: mcpServers(started(connection)), advice };
  const { url, needsToken } = connection;
  const args = ["-y", "mcp-remote", url, "--silent"];
  if (!needsToken) return { text: mcpServers({ command: "npx", args }), advice };
  // A blank inside an argument is lost on some systems; in a variable it is not.
  const server = {
    command: "npx",
    args: [...args, "--header", `Authorization:\${AUTHORIZATION}`],
    env: { AUTHORIZATION: `Bearer ${tokenVariable}` },
  };
  return { text: mcpServers(server), advice: `${advice}, with a token in place of the word ${tokenVariable}` };
}

function cursor(connection: Connection): ClientSettings {
  const advice = "add this to .cursor/mcp.json in your project, or in your home";
  if (connection.kind === "stdio") return { text: mcpServers(started(connection)), advice };
  const { url, needsToken } = connection;
  if (!needsToken) return { text: mcpServers({ url }), advice };
  const server = { url, headers: bearer(`\${env:${tokenVariable}}`) };
  return { text: mcpServers(server), advice: `${advice}, and ${inTheEnvironment}` };
}

function vscode(connection: Connection): ClientSettings {
  const advice = "add this to .vscode/mcp.json in your project";
  const servers = (server: object) => ({ servers: { [serverName]: server } });
  if (connection.kind === "stdio") return { text: json(servers({ type: "stdio", ...started(connection) })), advice };
  const { url, needsToken } = connection;
  if (!needsToken) return { text: json(servers({ type: "http", url })), advice };
  const id = "session-buddy-token";
  const inputs = [{ type: "promptString", id, description: "Token of session-buddy", password: true }];
  const server = { type: "http", url, headers: bearer(`\${input:${id}}`) };
  return { text: json({ inputs, ...servers(server) }), advice: `${advice}; it asks for the token once` };
}

function codex(connection: Connection): ClientSettings {
  const advice = "add this to ~/.codex/config.toml";
  // A basic string of TOML and a string of JSON are written alike.
  const table = (...lines: readonly string[]) => [`[mcp_servers.${serverName}]`, ...lines, ""].join("\n");
  if (connection.kind === "stdio") {
    const { program, environment } = connection;
    const pairs = Object.entries(environment).map(([name, value]) => `${name} = ${JSON.stringify(value)}`);
    const args = stdioArguments.map((word) => JSON.stringify(word)).join(", ");
    const lines = [`command = ${JSON.stringify(program)}`, `args = [${args}]`];
    return { text: table(...lines, ...(pairs.length === 0 ? [] : [`env = { ${pairs.join(", ")} }`])), advice };
  }
  const { url, needsToken } = connection;
  if (!needsToken) return { text: table(`url = ${JSON.stringify(url)}`), advice };
  const lines = [`url = ${JSON.stringify(url)}`, `bearer_token_env_var = ${JSON.stringify(tokenVariable)}`];
  return { text: table(...lines), advice: `${advice}, and ${inTheEnvironment}` };
}

/** The program as most clients are told to start it. */
function started({ program, environment }: Connection & { readonly kind: "stdio" }): object {
  const env = Object.keys(environment).length === 0 ? {} : { env: environment };
  return { command: program, args: stdioArguments, ...env };
}

function bearer(token: string): object {
  return { Authorization: `Bearer ${token}` };
}

function mcpServers(server: object): string {
  return json({ mcpServers: { [serverName]: server } });
}

function json(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

function shellLine(words: readonly string[]): string {
  return `${words.map(shellWord).join(" ")}\n`;
}

function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
