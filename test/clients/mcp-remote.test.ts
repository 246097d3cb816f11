/** Proves that mcp-remote, which lets clients that know stdio alone reach a server over HTTP, works in front of ours. */
import { type TestContext, test } from "node:test";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import { packageProgram } from "../support/packages.ts";
import { createSandbox, type Sandbox } from "../support/sandbox.ts";
import { type AnyClient, assertExchange, assertTokenRequired } from "../support/server/client-exchange.ts";
import { claims, secret, tokenMakers } from "../support/server/jwt.ts";

const program = packageProgram("mcp-remote");

async function connect(t: TestContext, { env, folder }: Sandbox, url: string): Promise<AnyClient> {
  const client = new Client({ name: "test", version: "1" });
  const args = [url, "--silent", "--transport", "http-only"];
  await client.connect(
    new StdioClientTransport({ command: program, args, env: { ...env }, cwd: folder, stderr: "ignore" }) as Transport,
  );
  t.after(() => client.close());
  return {
    toolNames: async () => (await client.listTools()).tools.map(({ name }) => name),
    call: async (name, args) => (await client.callTool({ name, arguments: args })).structuredContent,
  };
}

test("mcp-remote lists the tools and tracks a session", async (t) => {
  const sandbox = createSandbox(t);
  const { url } = await sandbox.serve();
  await assertExchange(await connect(t, sandbox, url), sandbox);
});

test("mcp-remote sends a token as an argument", async (t) => {
  const sandbox = createSandbox(t);
  const { url } = await sandbox.serve({ SESSION_BUDDY_SECRET: secret });
  const client = await connect(t, sandbox, url);
  await assertTokenRequired(client);
  await assertExchange(client, sandbox, { token: await tokenMakers.jose(claims()) });
});
