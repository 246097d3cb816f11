/** Proves that the schemas of the tools are ones that every client can use, and that real answers keep them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Client } from "@modelcontextprotocol/sdk/client/index.js";
import type { Tool } from "@modelcontextprotocol/sdk/types.js";
import { Ajv } from "ajv";
import { Ajv2020 } from "ajv/dist/2020.js";
import { endArguments, startArguments } from "../support/events.ts";
import { createSandbox, type Sandbox } from "../support/sandbox.ts";
import { toolNames } from "../support/server/client-exchange.ts";
import { recordHistory } from "../support/store/history.ts";

type Schema = Readonly<Record<string, unknown>>;

/** What the function calling of the common model APIs, and the clients that translate for them, take without loss. */
const portableKeywords = new Set([
  "additionalProperties",
  "anyOf",
  "const",
  "description",
  "enum",
  "items",
  "maximum",
  "minimum",
  "properties",
  "required",
  "type",
]);
const simpleTypes = new Set(["array", "boolean", "integer", "null", "number", "object", "string"]);
const dialect = "https://json-schema.org/draft/2020-12/schema";
/** The rule of the strictest API for the names of arguments. */
const portableName = /^[a-zA-Z0-9_.-]{1,64}$/;

// In its strict mode ajv refuses unknown keywords, and ones that say nothing where they stand.
const options = { strict: true, strictRequired: true, validateFormats: false } as const;
const dialects = { "draft-07": new Ajv(options), "2020-12": new Ajv2020(options) };

async function toolsOf(sandbox: Sandbox): Promise<{ client: Client; tools: readonly Tool[] }> {
  const client = await sandbox.httpClient(await sandbox.serve());
  const { tools } = await client.listTools();
  assert.deepEqual(
    tools.map(({ name }) => name),
    toolNames,
  );
  return { client, tools };
}

function schemasOf(tool: Tool): readonly (readonly [place: string, schema: Schema])[] {
  assert.ok(tool.outputSchema, tool.name);
  return [
    [`${tool.name} in`, tool.inputSchema],
    [`${tool.name} out`, tool.outputSchema],
  ];
}

function assertPortable(schema: unknown, place: string): void {
  assert.ok(typeof schema === "object" && schema !== null, place);
  const {
    type,
    properties = {},
    items,
    additionalProperties,
    anyOf = [],
  } = schema as Schema & { readonly anyOf?: readonly unknown[] };
  for (const keyword of Object.keys(schema)) assert.ok(portableKeywords.has(keyword), `${place}: ${keyword}`);
  if (anyOf.length === 0) assert.ok(simpleTypes.has(String(type)), `${place}: type ${type}`);
  for (const [name, inner] of Object.entries(properties as Schema)) {
    assert.match(name, portableName, place);
    assertPortable(inner, `${place}.${name}`);
  }
  for (const [index, inner] of anyOf.entries()) assertPortable(inner, `${place}|${index}`);
  for (const inner of [items, additionalProperties]) {
    if (inner !== undefined && typeof inner !== "boolean") assertPortable(inner, `${place}[]`);
  }
}

/** The schema for a validator of one dialect, which refuses the name of another. */
function withoutDialect({ $schema, ...schema }: Schema): Schema {
  assert.equal($schema, dialect);
  return schema;
}

test("every schema is an object at its top, and has portable keywords alone", async (t) => {
  const { tools } = await toolsOf(createSandbox(t));
  for (const tool of tools) {
    for (const [place, schema] of schemasOf(tool)) {
      const bare = withoutDialect(schema);
      assertPortable(bare, place);
      assert.equal(bare.type, "object", place);
      assert.deepEqual([bare.anyOf, bare.enum, bare.const], [undefined, undefined, undefined], place);
    }
  }
});

test("every schema is one of draft-07 and of 2020-12", async (t) => {
  const { tools } = await toolsOf(createSandbox(t));
  for (const [name, ajv] of Object.entries(dialects)) {
    for (const [place, schema] of tools.flatMap(schemasOf)) {
      const bare = withoutDialect(schema);
      assert.ok(ajv.validateSchema(bare), `${place}, ${name}: ${ajv.errorsText()}`);
      assert.doesNotThrow(() => ajv.compile(bare), `${place}, ${name}`);
    }
  }
});

test("what every tool is asked and answers keeps its schemas", async (t) => {
  const sandbox = createSandbox(t);
  await recordHistory(sandbox, [
    { id: "shell-20260201-080000", from: "2026-02-01T08:00:00Z", to: "2026-02-01T09:00:00Z" },
    {
      id: "shell-20260202-080000",
      from: "2026-02-02T08:00:00Z",
      lost: ["2026-02-02T09:00:00Z", "2026-02-02T10:00:00Z"],
    },
    { id: "shell-20260203-080000", from: "2026-02-03T08:00:00Z" },
  ]);
  const own = (await sandbox.run(["start"])).stdout.trim();
  const { client, tools } = await toolsOf(sandbox);
  const ids = [own, "shell-20260201-080000", "shell-20260202-080000", "shell-20260203-080000", "nothing"];
  const questions: Readonly<Record<string, readonly Schema[]>> = {
    track_session_start: [startArguments(), startArguments({ metadata: { ticket: 1 }, pid: "7", token: null })],
    track_session_end: ids.map((id) => endArguments(id, { metadata: null })),
    health_check: [{}],
    list_active_sessions: [{}, { limit: 1 }, { limit: "1", username: null }],
    search_sessions: [{}, { states: ["ended", "orphaned"] }, { cursor: "wrong" }],
    get_session: ids.map((session_id) => ({ session_id })),
    explain_session: ids.map((session_id) => ({ session_id })),
    session_stats: ["user", "host", "component", "state", "day"].map((by) => ({ by })),
    session_timeline: [{}, { by: "user", open_since: "2026-02-01T00:00:00Z", limit: "2" }, { by: null }],
  };
  // The tools that end sessions are asked last.
  const ordered = [...tools].sort(
    (one, other) => Number(one.name.startsWith("track")) - Number(other.name.startsWith("track")),
  );
  for (const tool of ordered) {
    const asked = questions[tool.name] ?? [];
    assert.ok(asked.length > 0, tool.name);
    for (const args of asked) await assertKept(client, tool, args);
  }
});

async function assertKept(client: Client, tool: Tool, args: Schema): Promise<void> {
  const { structuredContent } = await client.callTool({ name: tool.name, arguments: { ...args } });
  const [[, input], [, output]] = schemasOf(tool) as [readonly [string, Schema], readonly [string, Schema]];
  for (const [name, ajv] of Object.entries(dialects)) {
    const place = `${tool.name} ${JSON.stringify(args)}, ${name}: ${JSON.stringify(structuredContent)}`;
    assert.ok(ajv.validate(withoutDialect(input), args), `${place}: ${ajv.errorsText()}`);
    assert.ok(ajv.validate(withoutDialect(output), structuredContent), `${place}: ${ajv.errorsText()}`);
  }
}
