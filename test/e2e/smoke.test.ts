import assert from "node:assert/strict";
import { test } from "node:test";
import { endArguments, startArguments } from "../support/events.ts";
import { createSandbox } from "../support/sandbox.ts";

test("a session started and ended over HTTP and over stdio is on record", async (t) => {
  const sandbox = createSandbox(t);
  const server = await sandbox.serve();
  for (const client of [await sandbox.httpClient(server), await sandbox.stdioClient()]) {
    const start = await client.callTool({ name: "track_session_start", arguments: startArguments() });
    assert.equal((start.structuredContent as { status: string }).status, "tracked");
    const id = (start.structuredContent as { session_id: string }).session_id;
    const end = await client.callTool({ name: "track_session_end", arguments: endArguments(id) });
    assert.deepEqual(end.structuredContent, { session_id: id, status: "ended", error: null });
  }
  const listed = JSON.parse((await sandbox.run(["list", "--all", "--json"])).stdout);
  assert.deepEqual(
    listed.map((row: { state: string }) => row.state),
    ["ended", "ended"],
  );
  assert.equal((await server.stop()).status, 0);
});
