/** Proves that what the MCP registry is told of this package is true of it, and keeps the registry's rules. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import serverJson from "../../.mcp/server.json" with { type: "json" };
import packageJson from "../../package.json" with { type: "json" };
import { createSandbox, launcher, root } from "../support/sandbox.ts";
import { toolNames } from "../support/server/client-exchange.ts";

// The rules are those of the schema that the file names, and of the registry's validation of npm packages.
const [npm, ...otherPackages] = serverJson.packages;
const known = {
  server: ["$schema", "name", "title", "description", "version", "packages", "repository", "websiteUrl"],
  package: [
    ...["registryType", "registryBaseUrl", "identifier", "version", "runtimeHint", "transport"],
    ...["packageArguments", "environmentVariables"],
  ],
  argument: ["type", "value"],
  variable: ["name", "description", "format", "isRequired", "isSecret"],
};

function assertKnown(value: object, kind: keyof typeof known): void {
  for (const key of Object.keys(value)) assert.ok(known[kind].includes(key), `${kind}: ${key}`);
}

test("the name, the version and the description are the package's", () => {
  assert.deepEqual(
    [serverJson.name, serverJson.version, serverJson.description],
    [packageJson.mcpName, packageJson.version, packageJson.description],
  );
  assert.deepEqual([npm?.identifier, npm?.version, otherPackages], [packageJson.name, packageJson.version, []]);
});

test("what is said has the form that the registry asks for", () => {
  assert.match(
    serverJson.$schema,
    /^https:\/\/static\.modelcontextprotocol\.io\/schemas\/[\d-]{10}\/server\.schema\.json$/,
  );
  assert.match(serverJson.name, /^[a-zA-Z0-9.-]+\/[a-zA-Z0-9._-]+$/);
  assert.ok(serverJson.name.length <= 200);
  assert.ok(serverJson.description.length <= 100 && serverJson.title.length <= 100);
  assert.match(serverJson.version, /^\d+\.\d+\.\d+/);
  assert.ok(npm);
  assert.deepEqual([npm.registryType, npm.registryBaseUrl], ["npm", "https://registry.npmjs.org"]);
  assert.deepEqual(npm.transport, { type: "stdio" });
  assertKnown(serverJson, "server");
  assertKnown(npm, "package");
  for (const argument of npm.packageArguments) {
    assertKnown(argument, "argument");
    assert.equal(argument.type, "positional");
  }
  for (const variable of npm.environmentVariables) {
    assertKnown(variable, "variable");
    assert.ok(["string", "filepath"].includes(variable.format ?? "string"), variable.name);
  }
});

test("clients are told by serve --client to start the same command under the same name", async (t) => {
  const { run } = createSandbox(t);
  const { stdout } = await run(["serve", "--client", "cursor", "--stdio"]);
  const { command, args } = JSON.parse(stdout).mcpServers[npm?.identifier ?? ""];
  assert.deepEqual([command, args], [launcher, npm?.packageArguments.map(({ value }) => value)]);
});

test("the command that it describes is a server, and its variables are ones that the README names", async (t) => {
  const { env, folder } = createSandbox(t);
  const args = npm?.packageArguments.map(({ value }) => value) ?? [];
  const client = new Client({ name: "test", version: "1" });
  const options = { command: launcher, args, env: { ...env }, cwd: folder, stderr: "ignore" as const };
  await client.connect(new StdioClientTransport(options) as Transport);
  t.after(() => client.close());
  assert.deepEqual(
    (await client.listTools()).tools.map(({ name }) => name),
    toolNames,
  );
  const readme = readFileSync(join(root, "README.md"), "utf8");
  for (const { name } of npm?.environmentVariables ?? []) assert.ok(readme.includes(`\`${name}\``), name);
  const secrets = npm?.environmentVariables.filter(({ isSecret }) => isSecret === true);
  assert.deepEqual(
    secrets?.map(({ name }) => name),
    ["SESSION_BUDDY_SECRET"],
  );
});
