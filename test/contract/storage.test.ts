/** Proves what clients hear, and only the log tells, when a real disk is full, and that nothing stays broken (section 4). */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { eventually } from "../support/eventually.ts";
import { createSandbox } from "../support/sandbox.ts";
import { connect, transportKinds } from "../support/server/transports.ts";
import { createSmallDisk } from "../support/store/disk.ts";

for (const kind of transportKinds) {
  test(`over ${kind}, a full disk is "storage unavailable" to the client, and all is well once there is room`, async (t) => {
    const sandbox = createSandbox(t);
    const disk = await createSmallDisk(t, sandbox);
    const logFile = join(sandbox.folder, "log");
    const env = { SESSION_BUDDY_HOME: join(disk.folder, "sb"), SESSION_BUDDY_LOG_FILE: logFile };
    const { start, end, log } = await connect(t, sandbox, kind, { env, under: disk.under });
    const { session_id: id } = await start();

    await disk.fill(0);
    const event_id = randomUUID();
    assert.deepEqual(await start({ event_id, component_name: "second" }), {
      session_id: null,
      status: "error",
      error: "Session start tracking failed: storage unavailable",
    });
    assert.deepEqual(await end(id), {
      session_id: id,
      status: "error",
      error: "Session end tracking failed: storage unavailable",
    });
    await eventually(() => {
      for (const text of [log(), readFileSync(logFile, "utf8")]) {
        assert.match(text, /^ERROR - Session start failed: code=storage\.unavailable, reason=.*full/m);
        assert.match(text, /^ERROR - Session end failed: code=storage\.unavailable, reason=.*full/m);
        assert.equal(text.match(/tracked/g)?.length, 2, "the one start that was recorded");
      }
    });

    await disk.free();
    const second = { session_id: "second-20260206-123456", status: "tracked", error: null };
    assert.deepEqual(await start({ event_id, component_name: "second" }), second);
    assert.deepEqual(await end(id), { session_id: id, status: "ended", error: null });
  });
}
