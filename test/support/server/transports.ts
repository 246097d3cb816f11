/** One way to call the tools over either transport with the official client, so that one table of cases serves both. */
import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import { endArguments, startArguments } from "../events.ts";
import { launcher, type Sandbox } from "../sandbox.ts";

export const transportKinds = ["HTTP", "stdio"] as const;
export type TransportKind = (typeof transportKinds)[number];
type Changes = Readonly<Record<string, unknown>>;

export interface Answer {
  readonly session_id: string | null;
  readonly status: string;
  readonly error: string | null;
}

export interface Connection {
  readonly client: Client;
  /** Sends a start of {@link startArguments} with changes; a field changed to undefined is left out. */
  start(changes?: Changes): Promise<Answer>;
  end(sessionId: unknown, changes?: Changes): Promise<Answer>;
  /** What the server has written to standard error so far. */
  log(): string;
}

export interface ConnectOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** A command line that runs the server's; none by default. */
  readonly under?: readonly string[];
}

/** Starts a server of its own and connects the official client to it. */
export async function connect(
  t: TestContext,
  sandbox: Sandbox,
  kind: TransportKind,
  options: ConnectOptions = {},
): Promise<Connection> {
  const { client, log } = kind === "HTTP" ? await overHttp(sandbox, options) : await overStdio(t, sandbox, options);
  return {
    client,
    log,
    start: (changes = {}) => call(client, "track_session_start", startArguments(changes)),
    end: (sessionId, changes = {}) => call(client, "track_session_end", endArguments(sessionId, changes)),
  };
}

/** Calls a tool and holds its answer to the bare form of contract section 4. */
export async function call(client: Client, name: string, args: Record<string, unknown>): Promise<Answer> {
  const { structuredContent, content, isError = false, ...others } = await client.callTool({ name, arguments: args });
  assert.equal(isError, false);
  assert.deepEqual(others, {});
  const [block] = content as { text: string }[];
  assert.deepEqual(content, [{ type: "text", text: block?.text }]);
  assert.deepEqual(JSON.parse(String(block?.text)), structuredContent);
  assert.deepEqual(Object.keys(structuredContent as object), ["session_id", "status", "error"]);
  return structuredContent as Answer;
}

async function overHttp(sandbox: Sandbox, { env = {}, under = [] }: ConnectOptions) {
  const server = await sandbox.serve(env, under);
  return { client: await sandbox.httpClient(server), log: server.log };
}

async function overStdio(t: TestContext, sandbox: Sandbox, { env = {}, under = [] }: ConnectOptions) {
  const [command = launcher, ...args] = [...under, launcher, "serve", "--stdio"];
  const transport = new StdioClientTransport({
    command,
    args,
    env: { ...sandbox.env, ...env },
    cwd: sandbox.folder,
    stderr: "pipe",
  });
  let log = "";
  transport.stderr?.on("data", (chunk: Buffer) => {
    log += chunk;
  });
  const client = new Client({ name: "test", version: "1" });
  await client.connect(transport as Transport);
  t.after(() => client.close());
  return { client, log: () => log };
}
