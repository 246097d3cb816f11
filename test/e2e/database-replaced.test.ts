/** Proves that a server and a watcher go on well, and lose nothing that was answered, where the database is moved, removed or replaced. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type TestContext, test } from "node:test";
import { startArguments } from "../support/events.ts";
import { eventually } from "../support/eventually.ts";
import { allRows, runWell } from "../support/rows.ts";
import { createSandbox, launcher, type Sandbox } from "../support/sandbox.ts";
import { readMetrics, sumOf } from "../support/server/prometheus.ts";
import { callTool } from "../support/server/rpc.ts";
import { assertSound } from "../support/store/soundness.ts";

const databaseOf = (sandbox: Sandbox) => join(sandbox.home, "sessions.db");
const suffixes = ["", "-wal", "-shm"];

function forEachFile(sandbox: Sandbox, act: (path: string, suffix: string) => void): void {
  for (const suffix of suffixes) {
    try {
      act(`${databaseOf(sandbox)}${suffix}`, suffix);
    } catch (error) {
      // The server may be about to make it.
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }
}

const idsOf = async (sandbox: Sandbox) => (await allRows(sandbox)).map((row) => String(row.session_id));

/** Calls under way all the time. */
function keepCalling(url: string) {
  const over = new AbortController();
  const tracked: string[] = [];
  const refused = new Set<string | null>();
  const caller = async () => {
    while (!over.signal.aborted) {
      const { status, session_id, error } = await callTool(url, "track_session_start", startArguments());
      if (status === "tracked") tracked.push(String(session_id));
      else refused.add(error);
    }
  };
  const callers = Array.from({ length: 4 }, caller);
  return {
    tracked,
    refused,
    async stop() {
      over.abort();
      await Promise.all(callers);
    },
  };
}

const ways: readonly (readonly [name: string, act: (sandbox: Sandbox, round: number) => void])[] = [
  ["removed", (sandbox) => forEachFile(sandbox, (path) => rmSync(path))],
  [
    "moved away",
    (sandbox, round) =>
      forEachFile(sandbox, (path, suffix) => renameSync(path, join(sandbox.folder, `away-${round}${suffix}`))),
  ],
];

for (const [name, act] of ways) {
  test(`while the database is ${name} under calls, each start answered last is in the file at the path`, async (t) => {
    const sandbox = createSandbox(t);
    const server = await sandbox.serve();
    for (let round = 0; round < 8; round += 1) {
      const calls = keepCalling(server.url);
      await eventually(() => assert.ok(calls.tracked.length > 20));
      act(sandbox, round);
      // Asked after the last file had gone, and answered.
      const [after, from] = [calls.tracked.length + 4, calls.tracked];
      await eventually(() => assert.ok(from.length > after + 20));
      await calls.stop();
      const onRecord = new Set(await idsOf(sandbox));
      assert.deepEqual(
        from.slice(after).filter((id) => !onRecord.has(id)),
        [],
      );
      assert.deepEqual(
        [...calls.refused].filter((error) => error !== "Session start tracking failed: storage unavailable"),
        [],
      );
    }
    assert.match(server.log(), /WARNING - Database replaced: store=/);
    assert.equal((await server.stop()).status, 0);
    await assertSound(sandbox.home);
  });
}

test("restored again and again under calls and hooks, what is answered after a restore is on record", async (t) => {
  const sandbox = createSandbox(t);
  const server = await sandbox.serve();
  await runWell(sandbox, ["start", "--component", "kept", "--pid", String(process.pid)]);
  await runWell(sandbox, ["backup", "copy.db"]);
  const kept = await idsOf(sandbox);
  for (let round = 0; round < 4; round += 1) {
    const calls = keepCalling(server.url);
    const over = new AbortController();
    const shells: string[] = [];
    const recording = (async () => {
      while (!over.signal.aborted)
        shells.push(
          (await runWell(sandbox, ["start", "--component", `shell-${round}-${shells.length}`, "--pid", "1"])).trimEnd(),
        );
    })();
    await eventually(() => assert.ok(calls.tracked.length > 20 && shells.length > 1));
    await runWell(sandbox, ["restore", "copy.db", "--yes"]);
    const [after, shellsAfter] = [calls.tracked.length + 4, shells.length + 1];
    await eventually(() => assert.ok(calls.tracked.length > after + 20 && shells.length > shellsAfter + 1));
    over.abort();
    await Promise.all([calls.stop(), recording]);
    const onRecord = new Set(await idsOf(sandbox));
    const expected = [...kept, ...calls.tracked.slice(after), ...shells.slice(shellsAfter)];
    assert.deepEqual(
      expected.filter((id) => !onRecord.has(id)),
      [],
    );
    assert.deepEqual([...calls.refused], [], "a restore is waited for");
    // Each start is in the record that was kept, or in the one that was restored.
    const [last] = readdirSync(sandbox.home)
      .filter((file) => file.includes("before-restore"))
      .sort()
      .slice(-1);
    const other = createSandbox(t);
    await runWell(other, ["restore", join(sandbox.home, String(last)), "--yes"]);
    const before = new Set(await idsOf(other));
    assert.deepEqual(
      [...calls.tracked, ...shells].filter((id) => !onRecord.has(id) && !before.has(id)),
      [],
    );
    assert.deepEqual(
      readdirSync(sandbox.home).filter((file) => file.includes("restoring")),
      [],
    );
  }
  await server.stop();
  await assertSound(sandbox.home);
});

/** A stream of events; `next` waits for the id of one session. */
function watching(t: TestContext, sandbox: Sandbox) {
  const child = spawn(launcher, ["watch", "--format", "ndjson", "--from", "0"], {
    env: sandbox.env,
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.after(() => child.kill("SIGKILL"));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return async () => JSON.parse((await lines.next()).value ?? "null").session_id as string;
}

test("a watcher and the metrics tell what is new in a restored and in a new record, and nothing twice", async (t) => {
  const sandbox = createSandbox(t);
  const server = await sandbox.serve();
  const start = async (component: string) =>
    (await callTool(server.url, "track_session_start", startArguments({ component_name: component }))).session_id;
  const startsCounted = async () => {
    const text = await (await fetch(new URL("/metrics", server.url))).text();
    return sumOf(readMetrics(text), "session_start_total");
  };
  const next = watching(t, sandbox);
  const one = await start("one");
  const two = await start("two");
  assert.deepEqual([await next(), await next()], [one, two]);
  await runWell(sandbox, ["backup", "copy.db"]);
  const lost = await start("lost");
  assert.equal(await next(), lost);
  assert.equal(await startsCounted(), 3);

  await runWell(sandbox, ["restore", "copy.db", "--yes"]);
  const three = await start("three");
  assert.equal(await next(), three);
  assert.equal(await startsCounted(), 4);

  forEachFile(sandbox, (path) => rmSync(path));
  const four = await start("four");
  assert.equal(await next(), four);
  assert.equal(await startsCounted(), 5);
});
