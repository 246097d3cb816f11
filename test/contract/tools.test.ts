/** Proves which tools clients see, that health_check answers, and that an unknown tool is a protocol error (sections 4, 6). */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import packageJson from "../../package.json" with { type: "json" };
import { createSandbox, root } from "../support/sandbox.ts";
import { connect, transportKinds } from "../support/server/transports.ts";

const snapshotFile = join(import.meta.dirname, "tools.snapshot.json");
const required = [
  "event_version",
  "event_id",
  "component_name",
  "shell_type",
  "timestamp",
  "pid",
  "user",
  "hostname",
  "environment",
];
const healthy = { status: "ok", service: "session-buddy", version: packageJson.version };

for (const kind of transportKinds) {
  test(`over ${kind}, the tools are the ones of the snapshot; UPDATE_SNAPSHOTS=1 writes it anew`, async (t) => {
    const { client } = await connect(t, createSandbox(t), kind);
    const { tools } = await client.listTools();
    if (process.env.UPDATE_SNAPSHOTS === "1") writeSnapshot(tools);
    assert.deepEqual(tools, JSON.parse(readFileSync(snapshotFile, "utf8")));
  });

  test(`over ${kind}, health_check answers without arguments and without a token`, async (t) => {
    const env = { SESSION_BUDDY_SECRET: "s".repeat(32) };
    const { client } = await connect(t, createSandbox(t), kind, { env });
    for (const args of [undefined, {}, { anything: 1 }]) {
      const { structuredContent, content } = await client.callTool({ name: "health_check", arguments: args });
      assert.deepEqual(structuredContent, healthy);
      assert.deepEqual(content, [{ type: "text", text: JSON.stringify(healthy) }]);
    }
  });

  test(`over ${kind}, a tool that does not exist is a protocol error and the server goes on`, async (t) => {
    const { client, start } = await connect(t, createSandbox(t), kind);
    for (const name of ["track_session", "", "__proto__", "a\u001b[31m"]) {
      await assert.rejects(client.callTool({ name, arguments: {} }), { code: -32602 });
    }
    assert.equal((await start()).status, "tracked");
  });

  test(`over ${kind}, a call without arguments is told every field that is missing`, async (t) => {
    const { client } = await connect(t, createSandbox(t), kind);
    const start = await client.callTool({ name: "track_session_start" });
    const missing = required.map((field) => `${field}: Field required`).join("; ");
    assert.deepEqual(start.structuredContent, {
      session_id: null,
      status: "error",
      error: `Session start tracking failed: ${missing}`,
    });
    const end = await client.callTool({ name: "track_session_end" });
    const error = "Session end tracking failed: session_id: Field required; timestamp: Field required";
    assert.deepEqual(end.structuredContent, { session_id: "", status: "error", error });
  });
}

/** Written as the formatter wants it, so that the check of the sources passes. */
function writeSnapshot(tools: unknown): void {
  writeFileSync(snapshotFile, JSON.stringify(tools));
  execFileSync(join(root, "node_modules/.bin/biome"), ["format", "--write", snapshotFile], { stdio: "ignore" });
}
