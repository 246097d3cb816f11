/** Proves that every client that can send headers gets in with `Authorization: Bearer`, and that no argument is needed then. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { createMCPClient } from "@ai-sdk/mcp";
import { MultiServerMCPClient } from "@langchain/mcp-adapters";
import { Client as Successor, StreamableHTTPClientTransport as SuccessorTransport } from "@modelcontextprotocol/client";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import { startArguments } from "../support/events.ts";
import { packageProgram } from "../support/packages.ts";
import { createSandbox, runToEnd, type Sandbox } from "../support/sandbox.ts";
import { type AnyClient, assertExchange, assertTokenRequired, toolNames } from "../support/server/client-exchange.ts";
import { resultOf } from "../support/server/inspector.ts";
import { claims, secret, tokenMakers } from "../support/server/jwt.ts";
import { viaLangChain } from "../support/server/langchain.ts";

/** Connects to a URL and sends these headers with every request. */
type Connect = (t: TestContext, sandbox: Sandbox, url: string, headers: Record<string, string>) => Promise<AnyClient>;

const invalid = { session_id: null, status: "error", error: "❌ Authentication failed: Invalid token" };

function official(client: Pick<Client, "listTools" | "callTool">): AnyClient {
  return {
    toolNames: async () => (await client.listTools()).tools.map(({ name }) => name),
    call: async (name, args) => (await client.callTool({ name, arguments: args })).structuredContent,
  };
}

/** A command line that is run anew for each request and prints JSON. */
function commandLine(run: (method: "list" | "call", ...args: readonly string[]) => Promise<unknown>): AnyClient {
  return {
    async toolNames() {
      const { tools } = (await run("list")) as { tools: { name: string }[] };
      return tools.map(({ name }) => name);
    },
    call: (tool, args) => run("call", tool, JSON.stringify(args)),
  };
}

const clients: Readonly<Record<string, Connect>> = {
  "the official client": async (t, _sandbox, url, headers) => {
    const client = new Client({ name: "test", version: "1" });
    await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } }) as Transport);
    t.after(() => client.close());
    return official(client);
  },
  "the successor of the official client": async (t, _sandbox, url, headers) => {
    const client = new Successor({ name: "test", version: "1" }, { versionNegotiation: { mode: "auto" } });
    await client.connect(new SuccessorTransport(new URL(url), { requestInit: { headers } }));
    t.after(() => client.close());
    return official(client as unknown as Client);
  },
  "the AI SDK": async (t, _sandbox, url, headers) => {
    const client = await createMCPClient({ transport: { type: "http", url, headers } });
    t.after(() => client.close());
    return official(client as unknown as Client);
  },
  LangChain: async (t, _sandbox, url, headers) => {
    const client = new MultiServerMCPClient({
      buddy: { transport: "http", url, headers, automaticSSEFallback: false },
    });
    t.after(() => client.close());
    return viaLangChain(client);
  },
  "mcp-remote": async (t, { env, folder }, url, headers) => {
    const file = join(folder, "headers");
    writeFileSync(
      file,
      Object.entries(headers)
        .map(([name, value]) => `${name}: ${value}\n`)
        .join(""),
      { mode: 0o600 },
    );
    const client = new Client({ name: "test", version: "1" });
    const args = [url, "--silent", "--transport", "http-only", "--header-file", file];
    const options = {
      command: packageProgram("mcp-remote"),
      args,
      env: { ...env },
      cwd: folder,
      stderr: "ignore" as const,
    };
    await client.connect(new StdioClientTransport(options) as Transport);
    t.after(() => client.close());
    return official(client);
  },
  mcporter: async (_t, { env, folder }, url, headers) => {
    const given = Object.entries(headers).flatMap(([name, value]) => ["--header", `${name}=${value}`]);
    const server = ["--http-url", url, "--allow-http", "--name", "buddy", "--no-oauth", ...given];
    return commandLine(async (method, tool = "", args = "") => {
      const more = method === "list" ? ["--json"] : ["--tool", tool, "--args", args, "--output", "json"];
      const { status, stdout, stderr } = await runToEnd(packageProgram("mcporter"), [method, ...server, ...more], {
        env,
        cwd: folder,
      });
      assert.equal(status, 0, stdout + stderr);
      return JSON.parse(stdout);
    });
  },
  "the Inspector": async (_t, { env, folder }, url, headers) => {
    const given = Object.entries(headers).flatMap(([name, value]) => ["--header", `${name}: ${value}`]);
    const common = ["--cli", url, "--format", "json", "--stored-auth-only", ...given];
    return commandLine(async (method, tool = "", args = "") => {
      const more = method === "list" ? [] : ["--tool-name", tool, "--tool-args-json", args];
      const run = [...common, "--method", `tools/${method}`, ...more];
      const result = resultOf(await runToEnd(packageProgram("mcp-inspector"), run, { env, cwd: folder }));
      return method === "list" ? result : result.structuredContent;
    });
  },
};

for (const [name, connect] of Object.entries(clients)) {
  test(`${name} gets in with a token in its header, and is answered when the token is wrong`, async (t) => {
    const sandbox = createSandbox(t);
    const { url } = await sandbox.serve({ SESSION_BUDDY_SECRET: secret });
    const token = await tokenMakers.jose(claims());
    await assertExchange(await connect(t, sandbox, url, { Authorization: `Bearer ${token}` }), sandbox);
    // Never a 401: clients would take it for an invitation to log in elsewhere.
    const stranger = await connect(t, sandbox, url, { Authorization: "Bearer wrong" });
    assert.deepEqual(await stranger.toolNames(), toolNames);
    assert.deepEqual(await stranger.call("track_session_start", startArguments()), invalid);
    await assertTokenRequired(await connect(t, sandbox, url, {}));
  });
}

test("a resource is read with the token of the header", async (t) => {
  const sandbox = createSandbox(t);
  const { url } = await sandbox.serve({ SESSION_BUDDY_SECRET: secret });
  const headers = { Authorization: `Bearer ${await tokenMakers.jose(claims())}` };
  const client = new Client({ name: "test", version: "1" });
  await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } }) as Transport);
  t.after(() => client.close());
  await assertExchange(official(client), sandbox);
  const { contents } = await client.readResource({ uri: "session://mahavishnu-20260206-123456" });
  assert.equal(JSON.parse((contents as { text: string }[])[0]?.text ?? "").session.state, "ended");
});
