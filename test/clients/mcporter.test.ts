/** Proves that mcporter works over HTTP and over stdio, through its command line. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { packageProgram } from "../support/packages.ts";
import { createSandbox, launcher, runToEnd, type Sandbox } from "../support/sandbox.ts";
import { type AnyClient, assertExchange, assertTokenRequired } from "../support/server/client-exchange.ts";
import { claims, secret, tokenMakers } from "../support/server/jwt.ts";
import { type TransportKind, transportKinds } from "../support/server/transports.ts";

const program = packageProgram("mcporter");
type Environment = Readonly<Record<string, string>>;

async function clientOf(sandbox: Sandbox, kind: TransportKind, env: Environment = {}): Promise<AnyClient> {
  const server = ["--name", "buddy", ...(await serverOf(sandbox, kind, env))];
  const run = async (command: string, ...args: readonly string[]) => {
    const options = { env: { ...sandbox.env, ...env }, cwd: sandbox.folder };
    const { status, stdout, stderr } = await runToEnd(program, [command, ...server, ...args], options);
    assert.equal(status, 0, stdout + stderr);
    return JSON.parse(stdout);
  };
  return {
    toolNames: async () => (await run("list", "--json")).tools.map(({ name }: { name: string }) => name),
    call: (tool, args) => run("call", "--tool", tool, "--args", JSON.stringify(args), "--output", "json"),
  };
}

async function serverOf(sandbox: Sandbox, kind: TransportKind, env: Environment): Promise<readonly string[]> {
  if (kind === "HTTP") return ["--http-url", (await sandbox.serve(env)).url, "--allow-http"];
  return ["--stdio", launcher, "--stdio-arg", "serve", "--stdio-arg", "--stdio"];
}

for (const kind of transportKinds) {
  test(`over ${kind}, mcporter lists the tools and tracks a session`, async (t) => {
    const sandbox = createSandbox(t);
    await assertExchange(await clientOf(sandbox, kind), sandbox);
  });
}

test("mcporter sends a token as an argument", async (t) => {
  const sandbox = createSandbox(t);
  const client = await clientOf(sandbox, "HTTP", { SESSION_BUDDY_SECRET: secret });
  await assertTokenRequired(client);
  await assertExchange(client, sandbox, { token: await tokenMakers.jose(claims()) });
});
