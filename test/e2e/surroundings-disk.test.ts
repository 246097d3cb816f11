/** Proves what happens on a disk that is full or read-only: one clear sentence, nothing acknowledged lost, work goes on. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { startArguments } from "../support/events.ts";
import { assertRefused, type SessionRow } from "../support/rows.ts";
import { createSandbox } from "../support/sandbox.ts";
import { createSmallDisk, type SmallDisk } from "../support/store/disk.ts";

const mostStarts = 60;

async function idsOnRecord(disk: SmallDisk): Promise<readonly unknown[]> {
  const { status, stdout, stderr } = await disk.run(["list", "--all", "--json"]);
  assert.equal(status, 0, stderr);
  return (JSON.parse(stdout) as SessionRow[]).map((row) => row.session_id);
}

/** Each under a name of its own: one process is one session under one name. */
function startNumber(disk: SmallDisk, number: number) {
  return disk.run(["start", "--component", `c${number}`]);
}

/** Starts sessions until one is refused. @returns the ids that were acknowledged */
async function startUntilRefused(disk: SmallDisk, before: number): Promise<string[]> {
  const ids: string[] = [];
  for (;;) {
    const outcome = await startNumber(disk, before + ids.length);
    if (outcome.status !== 0) {
      assertRefused(outcome, 5, /disk is full|disk is full or failing/);
      return ids;
    }
    ids.push(outcome.stdout.trimEnd());
    assert.ok(ids.length < mostStarts, "the disk never gets full");
  }
}

test("on a disk that gets full, start says so; with space again all that was acknowledged is there", async (t) => {
  const disk = await createSmallDisk(t, createSandbox(t));
  const acknowledged = [(await startNumber(disk, 0)).stdout.trimEnd()];
  for (const bytesLeft of [0, 48 * 1024, 96 * 1024]) {
    await disk.fill(bytesLeft);
    acknowledged.push(...(await startUntilRefused(disk, acknowledged.length)));
    assertRefused(await disk.run(["end", acknowledged[0] ?? ""]), 5, /disk is full/);
    await disk.free();
    const next = await startNumber(disk, acknowledged.length);
    assert.equal(next.status, 0, next.stderr);
    acknowledged.push(next.stdout.trimEnd());
    assert.deepEqual((await idsOnRecord(disk)).toSorted(), acknowledged.toSorted());
  }
});

test("a full disk before the first start is refused in words, and the first start after it works", async (t) => {
  const disk = await createSmallDisk(t, createSandbox(t));
  await disk.fill(0);
  assertRefused(await disk.run(["start"]), 5, /disk is full|No space left|no space left/);
  await disk.free();
  const { status, stdout } = await disk.run(["start"]);
  assert.equal(status, 0);
  assert.deepEqual(await idsOnRecord(disk), [stdout.trimEnd()]);
});

test("a state file on a full disk is refused in words and can be made later", async (t) => {
  const sandbox = createSandbox(t);
  const disk = await createSmallDisk(t, sandbox);
  const file = join(disk.folder, "state");
  const start = () => disk.run(["start", "--state-file", file], { SESSION_BUDDY_HOME: sandbox.home });
  await disk.fill(0);
  assertRefused(await start(), 5, /the state file \S+ cannot be .*ENOSPC/);
  await disk.free();
  const { status, stderr } = await start();
  assert.equal(status, 0, stderr);
});

test("a server on a full disk answers that storage is unavailable, and records again when there is space", async (t) => {
  const disk = await createSmallDisk(t, createSandbox(t));
  const client = await disk.stdioClient();
  const start = async (args: Record<string, unknown>) => {
    const { structuredContent } = await client.callTool({ name: "track_session_start", arguments: args });
    return structuredContent as { session_id: string | null; status: string; error: string | null };
  };
  const acknowledged: unknown[] = [(await start(startArguments())).session_id];
  await disk.fill(0);
  const refusedEvent = startArguments();
  let answer = await start(refusedEvent);
  for (let count = 0; answer.status === "tracked" && count < mostStarts; count += 1) {
    acknowledged.push(answer.session_id);
    answer = await start({ ...refusedEvent, event_id: crypto.randomUUID() });
  }
  const refusal = { session_id: null, status: "error", error: "Session start tracking failed: storage unavailable" };
  assert.deepEqual(answer, refusal);
  await disk.free();
  const recovered = await start(startArguments());
  assert.equal(recovered.status, "tracked");
  assert.deepEqual((await idsOnRecord(disk)).toSorted(), [...acknowledged, recovered.session_id].toSorted());
});

test("a read-only disk is refused in words, with and without a record on it, and works when it is writable", async (t) => {
  const disk = await createSmallDisk(t, createSandbox(t));
  await disk.setReadOnly(true);
  assertRefused(await disk.run(["start"]), 5, /the data folder \S+ cannot be made: .*read-only/i);
  await disk.setReadOnly(false);
  const id = (await disk.run(["start"])).stdout.trimEnd();
  await disk.setReadOnly(true);
  for (const args of [["start"], ["end", id], ["list"]]) {
    assertRefused(await disk.run(args), 5, /the database \S+ cannot be opened; check the owner and mode/);
  }
  await disk.setReadOnly(false);
  assert.equal((await disk.run(["end", id])).status, 0);
  assert.deepEqual(await idsOnRecord(disk), [id]);
});
