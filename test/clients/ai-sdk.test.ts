/** Proves that the MCP client of the AI SDK works over HTTP and over stdio. */
import { type TestContext, test } from "node:test";
import { createMCPClient } from "@ai-sdk/mcp";
import { Experimental_StdioMCPTransport } from "@ai-sdk/mcp/mcp-stdio";
import { createSandbox, launcher, type Sandbox } from "../support/sandbox.ts";
import { type AnyClient, assertExchange, assertTokenRequired } from "../support/server/client-exchange.ts";
import { claims, secret, tokenMakers } from "../support/server/jwt.ts";
import { type TransportKind, transportKinds } from "../support/server/transports.ts";

async function connect(
  t: TestContext,
  sandbox: Sandbox,
  kind: TransportKind,
  env: Readonly<Record<string, string>> = {},
): Promise<AnyClient> {
  const client = await createMCPClient({ transport: await transportOf(sandbox, kind, { ...env }) });
  t.after(() => client.close());
  return {
    toolNames: async () => Object.keys(await client.tools()),
    // As a model would: through the tool that the library made from the definition.
    async call(name, args) {
      const tool = (await client.tools())[name];
      const result = await tool?.execute(args, { toolCallId: "1", messages: [], context: {} });
      return (result as { structuredContent?: unknown }).structuredContent;
    },
  };
}

async function transportOf(sandbox: Sandbox, kind: TransportKind, extra: Record<string, string>) {
  if (kind === "HTTP") return { type: "http" as const, url: (await sandbox.serve(extra)).url };
  const env = { ...sandbox.env, ...extra };
  return new Experimental_StdioMCPTransport({ command: launcher, args: ["serve", "--stdio"], env, stderr: "ignore" });
}

for (const kind of transportKinds) {
  test(`over ${kind}, the AI SDK lists the tools and tracks a session`, async (t) => {
    const sandbox = createSandbox(t);
    await assertExchange(await connect(t, sandbox, kind), sandbox);
  });

  test(`over ${kind}, the AI SDK sends a token as an argument`, async (t) => {
    const sandbox = createSandbox(t);
    const client = await connect(t, sandbox, kind, { SESSION_BUDDY_SECRET: secret });
    await assertTokenRequired(client);
    await assertExchange(client, sandbox, { token: await tokenMakers.jose(claims()) });
  });
}
