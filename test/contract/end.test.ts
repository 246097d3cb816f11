/** Proves what `track_session_end` answers: ended, not found, or the exact sentence, over both transports (section 2). */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createSandbox, type Sandbox } from "../support/sandbox.ts";
import { connect, transportKinds } from "../support/server/transports.ts";
import { largestMetadata, type RefusedCase, refusedMetadata, refusedTimestamps, tooLong, wrongType } from "./cases.ts";

const refused: readonly RefusedCase[] = [
  {
    name: "the type of a start",
    changes: { event_type: "session_start" },
    sentence: "Invalid event_type for SessionEndEvent: session_start",
  },
  { name: "null as type", changes: { event_type: null }, sentence: wrongType("event_type", "string") },
  { name: "an unknown argument", changes: { pid: 1 }, sentence: "pid: Unexpected argument" },
  {
    name: "several wrong fields",
    changes: { more: 1, event_type: "x", timestamp: undefined },
    sentence: "timestamp: Field required; Invalid event_type for SessionEndEvent: x; more: Unexpected argument",
  },
  ...refusedTimestamps,
  ...refusedMetadata,
];

/** Ids that are no text of at most 255 characters, and what stands in the answer for them. */
const refusedIds: readonly (readonly [id: unknown, answered: string, sentence: string])[] = [
  [undefined, "", "session_id: Field required"],
  [null, "", wrongType("session_id", "string")],
  [5, "", wrongType("session_id", "string")],
  [["a"], "", wrongType("session_id", "string")],
  ["x".repeat(256), "x".repeat(256), tooLong("session_id", 255)],
];

const unknownIds = ["", "nobody-20260206-123456", "x".repeat(255), "😀".repeat(255), "'; --", "a\0b\n", "❌ \u202e"];

async function shown(sandbox: Sandbox, id: string | null): Promise<Record<string, unknown>> {
  return JSON.parse((await sandbox.run(["show", String(id), "--json"])).stdout);
}

for (const kind of transportKinds) {
  test(`over ${kind}, an end that breaks a rule is refused and ends nothing`, async (t) => {
    const sandbox = createSandbox(t);
    const { start, end } = await connect(t, sandbox, kind);
    const { session_id: id } = await start();
    for (const { name, changes, sentence } of refused) {
      await t.test(name, async () => {
        const error = `Session end tracking failed: ${sentence}`;
        assert.deepEqual(await end(id, changes), { session_id: id, status: "error", error });
      });
    }
    for (const [sent, answered, sentence] of refusedIds) {
      await t.test(`session_id ${String(sent).slice(0, 10)}`, async () => {
        const error = `Session end tracking failed: ${sentence}`;
        assert.deepEqual(await end(sent), { session_id: answered, status: "error", error });
      });
    }
    assert.equal((await shown(sandbox, id)).state, "active");
  });

  test(`over ${kind}, an id that is not on record is not found, which is no error`, async (t) => {
    const { end } = await connect(t, createSandbox(t), kind);
    for (const id of unknownIds) {
      assert.deepEqual(await end(id), { session_id: id, status: "not_found", error: null });
    }
  });

  test(`over ${kind}, the first end of a session is kept and a later one is answered alike`, async (t) => {
    const sandbox = createSandbox(t);
    const { start, end } = await connect(t, sandbox, kind);
    const { session_id: id } = await start();
    const ended = { session_id: id, status: "ended", error: null };
    const first = { exit_reason: "logout", exit_code: 130, signal: "INT", kept: [1] };
    assert.deepEqual(await end(id, { timestamp: "2026-02-06T14:34:56.789012+01:00", metadata: first }), ended);
    const once = await shown(sandbox, id);
    assert.equal(once.state, "ended");
    assert.equal(once.ended_at, "2026-02-06T13:34:56.789012Z");
    assert.equal(once.duration_ms, 3_600_000);
    assert.equal(once.exit_code, 130);
    assert.equal(once.end_reason, "logout");

    for (const timestamp of ["2026-02-06T12:40:00Z", "2026-02-06T23:00:00Z"]) {
      assert.deepEqual(await end(id, { timestamp, metadata: { exit_code: 1 } }), ended);
    }
    assert.deepEqual(await shown(sandbox, id), once);
  });

  test(`over ${kind}, an end with its type, much metadata or a time before the start is taken`, async (t) => {
    const sandbox = createSandbox(t);
    const { start, end } = await connect(t, sandbox, kind);
    const before = "2026-02-06T12:00:00Z";
    for (const changes of [{ event_type: "session_end" }, { metadata: largestMetadata }, { timestamp: before }]) {
      const { session_id: id } = await start();
      assert.deepEqual(await end(id, changes), { session_id: id, status: "ended", error: null });
      const row = await shown(sandbox, id);
      assert.equal(row.duration_ms, "timestamp" in changes ? 0 : 3_600_000);
    }
  });
}
