/** Proves that the settings of clients in the README connect to a real server, and that they are in each client's own form. */
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import { packageProgram } from "../support/packages.ts";
import { createSandbox, root, runToEnd, type Sandbox } from "../support/sandbox.ts";
import { type AnyClient, assertExchange, toolNames } from "../support/server/client-exchange.ts";
import { claims, secret, tokenMakers } from "../support/server/jwt.ts";
import { readSnippets, type Settings, settingsIn, variants } from "./readme-clients.ts";

const address = "http://127.0.0.1:8678/mcp";
const clients = ["claude-code", "claude-desktop", "cursor", "vscode", "codex"];
/** What mcporter, which takes over the settings of other clients, is shown: which of theirs, and where it looks for it. */
const taken: Readonly<Record<string, string>> = {
  "claude-desktop stdio": "home/.config/Claude/settings.json",
  "cursor http": ".cursor/mcp.json",
  "vscode stdio": ".vscode/mcp.json",
  "codex http": ".codex/config.toml",
};
const snippets = readSnippets();

/** As a user has it: the program is found by its name. */
function environment({ env }: Sandbox): Record<string, string> {
  return { ...env, PATH: `${join(root, "bin")}:${env.PATH}` };
}

function transportOf(sandbox: Sandbox, { url, headers = {}, command = "", args = [], env = {} }: Settings): Transport {
  if (url !== undefined) {
    return new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } }) as Transport;
  }
  // The package is here; npx would ask the registry for its newest version.
  const isBridge = command === "npx" && args[0] === "-y" && args[1] === "mcp-remote";
  assert.ok(isBridge || command === "session-buddy", command);
  return new StdioClientTransport({
    command: isBridge ? packageProgram("mcp-remote") : command,
    args: isBridge ? args.slice(2) : [...args],
    env: { ...environment(sandbox), ...env },
    cwd: sandbox.folder,
    stderr: "ignore",
  }) as Transport;
}

async function connect(t: TestContext, sandbox: Sandbox, settings: Settings): Promise<AnyClient> {
  const client = new Client({ name: "test", version: "1" });
  await client.connect(transportOf(sandbox, settings));
  t.after(() => client.close());
  return {
    toolNames: async () => (await client.listTools()).tools.map(({ name }) => name),
    call: async (name, args) => (await client.callTool({ name, arguments: args })).structuredContent,
  };
}

test("the README has settings for each client over HTTP, with a token, and over stdio", () => {
  const expected = clients.flatMap((client) => variants.map((variant) => `${client} ${variant}`));
  assert.deepEqual(snippets.map(({ client, variant }) => `${client} ${variant}`).sort(), expected.sort());
});

for (const snippet of snippets) {
  const { client, variant, text } = snippet;
  test(`${client} gets in as the README sets it up: ${variant}`, async (t) => {
    const sandbox = createSandbox(t);
    assert.equal(text.includes(address), variant !== "stdio");
    const { url } = await sandbox.serve(variant === "token" ? { SESSION_BUDDY_SECRET: secret } : {});
    const settings = settingsIn(snippet, text.replace(address, url), await tokenMakers.jose(claims()));
    await assertExchange(await connect(t, sandbox, settings), sandbox);
  });

  const place = taken[`${client} ${variant}`];
  if (place === undefined) continue;
  test(`mcporter takes over what the README shows for ${client}: ${variant}`, async (t) => {
    const sandbox = createSandbox(t);
    const { url } = await sandbox.serve();
    const file = join(sandbox.folder, place);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text.replace(address, url));
    const options = { env: environment(sandbox), cwd: sandbox.folder };
    const outcome = await runToEnd(packageProgram("mcporter"), ["list", "session-buddy", "--json"], options);
    assert.equal(outcome.status, 0, outcome.stdout + outcome.stderr);
    const { status, tools } = JSON.parse(outcome.stdout);
    assert.deepEqual([status, tools.map(({ name }: { name: string }) => name)], ["ok", toolNames]);
  });
}
