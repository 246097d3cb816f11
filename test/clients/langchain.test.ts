/** Proves that the MCP adapters of LangChain work over HTTP and over stdio. */
import { type TestContext, test } from "node:test";
import { MultiServerMCPClient, type StreamableHTTPConnection } from "@langchain/mcp-adapters";
import { createSandbox, launcher, type Sandbox } from "../support/sandbox.ts";
import { type AnyClient, assertExchange, assertTokenRequired } from "../support/server/client-exchange.ts";
import { claims, secret, tokenMakers } from "../support/server/jwt.ts";
import { viaLangChain } from "../support/server/langchain.ts";
import { type TransportKind, transportKinds } from "../support/server/transports.ts";

async function connect(
  t: TestContext,
  sandbox: Sandbox,
  kind: TransportKind,
  env: Readonly<Record<string, string>> = {},
): Promise<AnyClient> {
  const client = new MultiServerMCPClient({ buddy: await connectionOf(sandbox, kind, env) });
  t.after(() => client.close());
  return viaLangChain(client);
}

async function connectionOf(sandbox: Sandbox, kind: TransportKind, extra: Readonly<Record<string, string>>) {
  if (kind === "HTTP") {
    const { url } = await sandbox.serve(extra);
    return { transport: "http", url, automaticSSEFallback: false } satisfies StreamableHTTPConnection;
  }
  const env = { ...sandbox.env, ...extra };
  return { transport: "stdio" as const, command: launcher, args: ["serve", "--stdio"], env, stderr: "ignore" as const };
}

for (const kind of transportKinds) {
  test(`over ${kind}, LangChain lists the tools and tracks a session`, async (t) => {
    const sandbox = createSandbox(t);
    await assertExchange(await connect(t, sandbox, kind), sandbox);
  });

  test(`over ${kind}, LangChain sends a token as an argument`, async (t) => {
    const sandbox = createSandbox(t);
    const client = await connect(t, sandbox, kind, { SESSION_BUDDY_SECRET: secret });
    await assertTokenRequired(client);
    await assertExchange(client, sandbox, { token: await tokenMakers.jose(claims()) });
  });
}
