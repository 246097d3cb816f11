/** Proves that many at once get what one alone gets: no error, no lost record, no id twice, one event once. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { endArguments, startArguments } from "../support/events.ts";
import { allRows, runWell } from "../support/rows.ts";
import { createSandbox } from "../support/sandbox.ts";
import { callTool } from "../support/server/rpc.ts";
import { sleeper } from "../support/shells/processes.ts";
import { assertSound } from "../support/store/soundness.ts";

const processes = 64;
const calls = 100;
const times = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));

test(`${processes} processes that start sessions at once on a fresh store make ${processes} records`, async (t) => {
  const sandbox = createSandbox(t);
  const printed = await Promise.all(
    times(processes, (index) => runWell(sandbox, ["start", "--component", `c${index}`])),
  );
  const ids = printed.map((line) => line.trimEnd());
  assert.equal(new Set(ids).size, processes);
  assert.deepEqual((await allRows(sandbox)).map((row) => row.session_id).sort(), ids.toSorted());
  await assertSound(sandbox.home);
});

test("starts of one process that are typed at once are one session", async (t) => {
  const sandbox = createSandbox(t);
  const { pid } = sleeper(t);
  const outcomes = await Promise.all(times(16, () => sandbox.run(["start", "--pid", String(pid)])));
  assert.ok(outcomes.every(({ status }) => status === 0));
  const [id = "", ...others] = new Set(outcomes.map(({ stdout }) => stdout));
  assert.deepEqual(others, []);
  // The one that made it says nothing of it.
  const known = `session-buddy: this shell is already on record: ${id}`;
  assert.deepEqual(outcomes.map(({ stderr }) => stderr).toSorted(), ["", ...times(15, () => known)]);
  assert.equal((await allRows(sandbox)).length, 1);
});

test("starts and ends of many processes with the same state files end every session once and reopen none", async (t) => {
  const sandbox = createSandbox(t);
  const files = times(8, (index) => join(sandbox.folder, `state-${index}`));
  const first = await Promise.all(files.map((file) => runWell(sandbox, ["start", "--state-file", file])));
  const race = files.flatMap((file) => [
    sandbox.run(["start", "--state-file", file]),
    sandbox.run(["end", "--state-file", file, "--exit-code", "0"]),
    sandbox.run(["end", "--state-file", file, "--exit-code", "0"]),
  ]);
  for (const { status, stderr } of await Promise.all(race)) assert.ok(status === 0 || status === 1, stderr);
  // A start that comes after the end finds no file: that is a new shell, and never the old session.
  const sessions = await assertSound(sandbox.home);
  for (const line of first) assert.equal(sessions.get(line.trimEnd())?.state, "ended");
});

test(`the same start sent ${calls} times at once is one record and ${calls} equal answers`, async (t) => {
  const sandbox = createSandbox(t);
  const { url } = await sandbox.serve();
  const event = startArguments();
  const answers = await Promise.all(times(calls, () => callTool(url, "track_session_start", event)));
  assert.deepEqual(new Set(answers.map((answer) => JSON.stringify(answer))).size, 1);
  assert.equal(answers[0]?.status, "tracked");
  assert.equal((await allRows(sandbox)).length, 1);

  const end = endArguments(answers[0]?.session_id);
  const ends = await Promise.all(times(calls, () => callTool(url, "track_session_end", end)));
  assert.deepEqual(new Set(ends.map(({ status }) => status)), new Set(["ended"]));
  const [session] = (await assertSound(sandbox.home)).values();
  assert.equal(session?.state, "ended");
});

test(`${calls} different starts of one second sent at once to two servers get ${calls} ids`, async (t) => {
  const sandbox = createSandbox(t);
  const servers = await Promise.all([sandbox.serve(), sandbox.serve()]);
  const answers = await Promise.all(
    times(calls, (index) => callTool(servers[index % 2]?.url ?? "", "track_session_start", startArguments())),
  );
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set(["tracked"]));
  const ids = answers.map((answer) => String(answer.session_id));
  assert.equal(new Set(ids).size, calls);
  assert.deepEqual([...(await assertSound(sandbox.home)).keys()].sort(), ids.toSorted());
});
