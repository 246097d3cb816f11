/** Proves that the settings `serve --client` prints connect each client to a real server, in the client's own form. */
import assert from "node:assert/strict";
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import { clientNames } from "../../src/install/server-names.ts";
import { packageProgram } from "../support/packages.ts";
import { createSandbox, launcher, root, runToEnd, type Sandbox } from "../support/sandbox.ts";
import { type AnyClient, assertExchange, toolNames } from "../support/server/client-exchange.ts";
import { claims, secret, tokenMakers } from "../support/server/jwt.ts";
import { type Settings, settingsIn, type Variant, variants } from "./readme-clients.ts";

const readme = readFileSync(join(root, "README.md"), "utf8");
const withSecret = { SESSION_BUDDY_SECRET: secret };
/** What mcporter, which takes over the settings of other clients, is shown: which of theirs, and where it looks for it. */
const taken: Readonly<Record<string, string>> = {
  "claude-desktop stdio": "home/.config/Claude/settings.json",
  "cursor http": ".cursor/mcp.json",
  "vscode stdio": ".vscode/mcp.json",
  "codex http": ".codex/config.toml",
};

/** @param url - of a server that runs; what is printed over stdio has no use for it */
async function printed(sandbox: Sandbox, client: string, variant: Variant, url: string): Promise<string> {
  const { hostname, port } = new URL(url);
  const where = variant === "stdio" ? ["--stdio"] : ["--host", hostname, "--port", port];
  const env = variant === "token" ? withSecret : {};
  const { status, stdout, stderr } = await sandbox.run(["serve", "--client", client, ...where], { env });
  assert.equal(status, 0, stderr);
  assert.match(stderr, /^session-buddy: (?:add this to|run this command)[^\n]*\n$/);
  return stdout;
}

function transportOf(sandbox: Sandbox, { url, headers = {}, command = "", args = [], env = {} }: Settings): Transport {
  if (url !== undefined) {
    return new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } }) as Transport;
  }
  // The package is here; npx would ask the registry for its newest version.
  const isBridge = command === "npx" && args[0] === "-y" && args[1] === "mcp-remote";
  assert.ok(isBridge || command === launcher, command);
  // As a client with a window has it: no variable of a shell, but those that the settings name.
  const { SESSION_BUDDY_HOME: _, ...plain } = sandbox.env;
  return new StdioClientTransport({
    command: isBridge ? packageProgram("mcp-remote") : command,
    args: isBridge ? args.slice(2) : [...args],
    env: { ...plain, ...env },
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

for (const client of clientNames) {
  for (const variant of variants) {
    test(`${client} gets in as serve --client sets it up: ${variant}`, async (t) => {
      const sandbox = createSandbox(t);
      const { url } = await sandbox.serve(variant === "token" ? withSecret : {});
      const text = await printed(sandbox, client, variant, url);
      const settings = settingsIn({ client, text }, await tokenMakers.jose(claims()));
      assert.equal(settings.command === launcher, variant === "stdio");
      await assertExchange(await connect(t, sandbox, settings), sandbox);
    });

    const place = taken[`${client} ${variant}`];
    if (place === undefined) continue;
    test(`mcporter takes over what serve --client prints for ${client}: ${variant}`, async (t) => {
      const sandbox = createSandbox(t);
      const { url } = await sandbox.serve();
      const file = join(sandbox.folder, place);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, await printed(sandbox, client, variant, url));
      const options = { env: sandbox.env, cwd: sandbox.folder };
      const outcome = await runToEnd(packageProgram("mcporter"), ["list", "session-buddy", "--json"], options);
      assert.equal(outcome.status, 0, outcome.stdout + outcome.stderr);
      const { status, tools } = JSON.parse(outcome.stdout);
      assert.deepEqual([status, tools.map(({ name }: { name: string }) => name)], ["ok", toolNames]);
    });
  }
}

test("the README shows what is printed for one client, and names the others", async (t) => {
  const { stdout } = await createSandbox(t).run(["serve", "--client", "claude-code"]);
  assert.ok(readme.includes(`\n\`\`\`text\n${stdout}\`\`\`\n`), stdout);
  for (const client of clientNames) assert.ok(readme.includes(`\`${client}\``), client);
});

test("a client is told the address of the settings, and of a server on every address the one that it can reach", async (t) => {
  const sandbox = createSandbox(t);
  const urlFor = async (args: readonly string[], env: Readonly<Record<string, string>> = {}) => {
    const { stdout, stderr } = await sandbox.run(["serve", "--client", "cursor", ...args], { env });
    assert.notEqual(stdout, "", stderr);
    return JSON.parse(stdout).mcpServers["session-buddy"].url;
  };
  assert.equal(await urlFor([]), "http://127.0.0.1:8678/mcp");
  await sandbox.run(["config", "set", "port", "9100"]);
  assert.equal(await urlFor([]), "http://127.0.0.1:9100/mcp");
  assert.equal(await urlFor([], { SESSION_BUDDY_HOST: "0.0.0.0" }), "http://127.0.0.1:9100/mcp");
  assert.equal(await urlFor(["--host", "::", "--port", "9200"]), "http://[::1]:9200/mcp");
});

test("a program in a folder whose name is hard to write is found by every client", async (t) => {
  const sandbox = createSandbox(t);
  const folder = join(sandbox.folder, `a 'b' "c" $d \\ %h`);
  mkdirSync(folder);
  for (const part of ["bin", "dist"]) cpSync(join(root, part), join(folder, part), { recursive: true });
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  const program = join(folder, "bin/session-buddy");
  for (const client of clientNames) {
    const { stdout } = await runToEnd(program, ["serve", "--client", client, "--stdio"], { env: sandbox.env });
    const { command, args, env } = settingsIn({ client, text: stdout }, "");
    assert.deepEqual([command, args], [program, ["serve", "--stdio"]]);
    assert.deepEqual(env, { SESSION_BUDDY_HOME: sandbox.home });
  }
});
