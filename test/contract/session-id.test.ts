/** Proves that one event has one answer and one session id, over both transports and both servers (section 4). */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { createSandbox } from "../support/sandbox.ts";
import { connect, transportKinds } from "../support/server/transports.ts";

const base = "mahavishnu-20260206-123456";
const usedAlready = {
  session_id: null,
  status: "error",
  error: "Session start tracking failed: event_id already used by another event",
};
/** Changes that make another event of the same event_id. */
const otherContents: readonly Readonly<Record<string, unknown>>[] = [
  { component_name: "other" },
  { shell_type: "Other" },
  { timestamp: "2026-02-06T12:34:56.789013+00:00" },
  { pid: 12346 },
  { user: { username: "les", home: "/root" } },
  { hostname: "third-host" },
  { environment: { python_version: "3.13.0", platform: "Linux-6.1", cwd: "/home/les" } },
  { environment: { python_version: "3.13.0", platform: "Linux-6.1", cwd: "/home/les/project", LANG: "C" } },
  { metadata: { a: 1 } },
];
/** Other ways to write the same event. */
const sameContents: readonly Readonly<Record<string, unknown>>[] = [
  {},
  { event_type: "session_start" },
  { metadata: null, token: null },
  { pid: "12345" },
  { timestamp: "2026-02-06T13:34:56.789012+01:00" },
  { timestamp: "2026-02-06T12:34:56.789012Z" },
  { user: { home: " /home/les ", username: "les", shell: 1 } },
];

for (const kind of transportKinds) {
  test(`over ${kind}, the same event sent again gets the same answer and is on record once`, async (t) => {
    const sandbox = createSandbox(t);
    const { start, end } = await connect(t, sandbox, kind);
    const event_id = randomUUID();
    const tracked = { session_id: base, status: "tracked", error: null };
    for (const changes of sameContents) assert.deepEqual(await start({ event_id, ...changes }), tracked);
    assert.deepEqual(await start({ event_id: event_id.toUpperCase() }), tracked);
    await end(base);
    assert.deepEqual(await start({ event_id }), tracked);
    const rows = JSON.parse((await sandbox.run(["list", "--all", "--json"])).stdout);
    assert.deepEqual(
      rows.map((row: { state: string }) => row.state),
      ["ended"],
    );
  });

  test(`over ${kind}, an event_id that is on record is refused for another content`, async (t) => {
    const sandbox = createSandbox(t);
    const { start } = await connect(t, sandbox, kind);
    const event_id = randomUUID();
    await start({ event_id });
    for (const changes of otherContents) {
      assert.deepEqual(await start({ event_id, ...changes }), usedAlready, JSON.stringify(changes));
    }
    assert.equal(JSON.parse((await sandbox.run(["list", "--json"])).stdout).length, 1);
  });

  test(`over ${kind}, a taken session id is told apart by as many hex digits as are needed`, async (t) => {
    const { start } = await connect(t, createSandbox(t), kind);
    const steps = [
      ["ffffffff-ffff-4fff-bfff-ffffffffffff", base],
      ["0123abcd-0000-4000-8000-000000000000", `${base}-0123`],
      ["0123ABCD-0000-4000-8000-000000000001", `${base}-0123abcd`],
      ["0123abcd-0000-4000-8000-000000000002", `${base}-0123abcd0000`],
      ["0123abcd-0000-4000-8000-000000000003", `${base}-0123abcd00004000`],
      ["0123abcd-0000-4000-8000-000000000004", `${base}-0123abcd000040008000`],
      ["0123abcd-0000-4000-8000-000000000005", `${base}-0123abcd0000400080000000`],
      ["0123abcd-0000-4000-8000-000000000006", `${base}-0123abcd00004000800000000000`],
      ["0123abcd-0000-4000-8000-000000000007", `${base}-0123abcd000040008000000000000007`],
    ];
    for (const [event_id, id] of steps) assert.equal((await start({ event_id })).session_id, id);
    for (const [event_id, id] of steps.toReversed()) assert.equal((await start({ event_id })).session_id, id);
  });

  test(`over ${kind}, the session id holds the time in UTC, whatever zone it came in`, async (t) => {
    const { start } = await connect(t, createSandbox(t), kind, { env: { TZ: "Pacific/Auckland" } });
    const timestamp = "2026-12-31T23:30:00.5-05:30";
    assert.equal((await start({ component_name: "a-b_C", timestamp })).session_id, "a-b_C-20270101-050000");
  });
}

test("many starts of one moment that arrive together all get an id of their own", async (t) => {
  const sandbox = createSandbox(t);
  const connections = await Promise.all(transportKinds.map((kind) => connect(t, sandbox, kind)));
  const answers = await Promise.all(Array.from({ length: 40 }, (_, index) => connections[index % 2]?.start()));
  const ids = new Set(answers.map((answer) => answer?.session_id));
  assert.equal(ids.size, 40);
  const rows: { session_id: string }[] = JSON.parse((await sandbox.run(["list", "--json"])).stdout);
  assert.deepEqual(new Set(rows.map((row) => row.session_id)), ids);
});
