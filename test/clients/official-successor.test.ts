/** Proves that the successor of the official client works, whether it negotiates the revision of the protocol or not. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { Client, StreamableHTTPClientTransport, type VersionNegotiationMode } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { createSandbox, launcher, type Sandbox } from "../support/sandbox.ts";
import { type AnyClient, assertExchange, assertTokenRequired } from "../support/server/client-exchange.ts";
import { claims, secret, tokenMakers } from "../support/server/jwt.ts";
import { type TransportKind, transportKinds } from "../support/server/transports.ts";

type Mode = Extract<VersionNegotiationMode, string>;
type Environment = Readonly<Record<string, string>>;

async function connect(t: TestContext, sandbox: Sandbox, kind: TransportKind, mode: Mode, env: Environment = {}) {
  const client = new Client({ name: "test", version: "1" }, { versionNegotiation: { mode } });
  await client.connect(await transportOf(sandbox, kind, env));
  t.after(() => client.close());
  return client;
}

async function transportOf(sandbox: Sandbox, kind: TransportKind, extra: Environment) {
  if (kind === "HTTP") return new StreamableHTTPClientTransport(new URL((await sandbox.serve(extra)).url));
  const env = { ...sandbox.env, ...extra };
  return new StdioClientTransport({ command: launcher, args: ["serve", "--stdio"], env, stderr: "ignore" });
}

function plain(client: Client): AnyClient {
  return {
    toolNames: async () => (await client.listTools()).tools.map(({ name }) => name),
    call: async (name, args) => (await client.callTool({ name, arguments: args })).structuredContent,
  };
}

for (const kind of transportKinds) {
  for (const mode of ["auto", "legacy"] as const) {
    test(`over ${kind}, the successor of the official client connects in its ${mode} mode`, async (t) => {
      const sandbox = createSandbox(t);
      const client = await connect(t, sandbox, kind, mode);
      assert.equal(client.getNegotiatedProtocolVersion(), "2025-11-25");
      await assertExchange(plain(client), sandbox);
    });
  }

  test(`over ${kind}, the successor of the official client sends a token as an argument`, async (t) => {
    const sandbox = createSandbox(t);
    const client = plain(await connect(t, sandbox, kind, "auto", { SESSION_BUDDY_SECRET: secret }));
    await assertTokenRequired(client);
    await assertExchange(client, sandbox, { token: await tokenMakers.jose(claims()) });
  });
}
