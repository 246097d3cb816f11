/** Proves that whatever shells leave behind is finished by the next start, question or server, and by nobody twice. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { eventually } from "../support/eventually.ts";
import { allRows, runWell } from "../support/rows.ts";
import { createSandbox } from "../support/sandbox.ts";
import { leftBehind, recordBytes } from "../support/shells/state-files.ts";

const startRecord = (child: ChildProcess, time = "1770381296.5") =>
  recordBytes("start/1", { time, pid: String(child.pid), shell: "bash", cwd: "/srv" });
const endRecord = recordBytes("end/1", { time: "1770381300.25", code: "3", reason: "exit" });

function shell(t: TestContext): ChildProcess {
  const child = spawn("sleep", ["120"], { stdio: "ignore" });
  t.after(() => child.kill("SIGKILL"));
  return child;
}

async function killed(child: ChildProcess): Promise<void> {
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
}

test("a shell that told its start and end but reached no program is on record at the next question", async (t) => {
  const sandbox = createSandbox(t);
  const { file, folder } = leftBehind(sandbox);
  const child = shell(t);
  file(child, [startRecord(child), endRecord]);
  const [row, ...others] = await allRows(sandbox);
  assert.deepEqual(others, []);
  assert.equal(row?.state, "ended");
  assert.equal(row?.exit_code, 3);
  assert.equal(row?.end_reason, "exit");
  assert.equal(row?.cwd, "/srv");
  assert.equal(row?.started_at, "2026-02-06T12:34:56.500Z");
  assert.equal(row?.ended_at, "2026-02-06T12:35:00.250Z");
  assert.deepEqual(
    readdirSync(folder).filter((name) => !name.startsWith(".")),
    [],
  );
});

test("a killed shell becomes orphaned, its end an interval that holds the truth", async (t) => {
  const sandbox = createSandbox(t);
  const { file, folder } = leftBehind(sandbox);
  const child = shell(t);
  file(child, [startRecord(child)]);
  assert.equal((await allRows(sandbox))[0]?.state, "active");
  const before = Date.now();
  await killed(child);
  const after = Date.now();
  const [row] = await allRows(sandbox);
  assert.equal(row?.state, "orphaned");
  assert.equal(row?.end_reason, "pid_gone");
  assert.equal(row?.exit_code, null);
  assert.equal(row?.ended_at, null);
  assert.ok(Date.parse(String(row?.ended_after)) <= before, "the last proof of life is before the kill");
  assert.ok(Date.parse(String(row?.ended_before)) >= after, "the first proof of death is after it");
  assert.ok(
    Date.parse(String(row?.ended_after)) > Date.parse(String(row?.started_at)),
    "the first look was a proof of life",
  );
  assert.deepEqual(
    readdirSync(folder).filter((name) => !name.startsWith(".")),
    [],
  );
});

test("a real end that arrives after the proof of death raises the session to ended", async (t) => {
  const sandbox = createSandbox(t);
  const { file } = leftBehind(sandbox);
  const child = shell(t);
  file(child, [startRecord(child)]);
  const id = (await allRows(sandbox))[0]?.session_id;
  await killed(child);
  assert.equal((await allRows(sandbox))[0]?.state, "orphaned");
  await runWell(sandbox, ["end", String(id), "--exit-code", "5"]);
  const [row] = await allRows(sandbox);
  assert.equal(row?.state, "ended");
  assert.equal(row?.exit_code, 5);
  assert.equal(row?.ended_before, null);
});

test("two shells of one process: the first was replaced at the moment the second started", async (t) => {
  const sandbox = createSandbox(t);
  const { file } = leftBehind(sandbox);
  const child = shell(t);
  file(child, [startRecord(child, "1770381296")]);
  file(child, [startRecord(child, "1770381299")], ".1");
  const rows = await allRows(sandbox);
  assert.deepEqual(
    rows.map((row) => [row.state, row.end_reason, row.ended_before]),
    [
      ["active", null, null],
      ["replaced", "executable_replaced", "2026-02-06T12:34:59Z"],
    ],
  );
});

test("sessions that share a process without a hook are left alone", async (t) => {
  const sandbox = createSandbox(t);
  const child = shell(t);
  for (const component of ["one", "two"])
    await runWell(sandbox, ["start", "--component", component, "--pid", String(child.pid)]);
  assert.deepEqual(
    (await allRows(sandbox)).map((row) => row.state),
    ["active", "active"],
  );
});

test("a file that is no state file is set aside and named in the log, and hinders nobody", async (t) => {
  const sandbox = createSandbox(t);
  const { file, folder } = leftBehind(sandbox);
  const child = shell(t);
  file(child, [startRecord(child)]);
  writeFileSync(join(folder, "foreign"), "#!/bin/sh\nrm -rf /\n", { mode: 0o600 });
  const log = join(sandbox.folder, "log");
  await runWell(sandbox, ["list"]);
  assert.ok(
    existsSync(join(folder, "foreign")),
    "a new file may still be under way: a shell makes it, then writes to it",
  );
  utimesSync(join(folder, "foreign"), 0, 0);
  await runWell(sandbox, ["list"], { env: { SESSION_BUDDY_LOG_FILE: log } });
  assert.ok(existsSync(join(folder, "foreign.rejected")));
  assert.match(readFileSync(log, "utf8"), /^WARNING - State file set aside: file=\S+foreign, reason=/m);
  assert.equal((await allRows(sandbox)).length, 1);
});

test("a torn start record still gives the session its process; a record under way is waited for", async (t) => {
  const sandbox = createSandbox(t);
  const { file } = leftBehind(sandbox);
  const child = shell(t);
  const path = file(child, [startRecord(child).subarray(0, 30)]);
  assert.deepEqual(await allRows(sandbox), [], "its writer may still be at it");
  utimesSync(path, new Date(Date.now() - 60_000), new Date(Date.now() - 60_000));
  const [row] = await allRows(sandbox);
  assert.equal(row?.pid, child.pid);
  assert.equal(row?.state, "active");
});

test("the next starts finish what others left, and many at once finish it once", async (t) => {
  const sandbox = createSandbox(t);
  const { file, folder } = leftBehind(sandbox);
  const children = Array.from({ length: 5 }, () => shell(t));
  for (const child of children) file(child, [startRecord(child), endRecord]);
  let started = 0;
  const start = () => {
    started += 1;
    return runWell(sandbox, ["start", "--component", `c${started}`, "--pid", String(process.pid)]);
  };
  await Promise.all(Array.from({ length: 12 }, start));
  // What one sweep has no time for is left for the next, and a start sweeps when the last one is seconds old.
  await eventually(async () => {
    if (readdirSync(folder).every((name) => name.startsWith("."))) return;
    await start();
    throw new Error("files are left");
  });
  const rows = await allRows(sandbox);
  assert.equal(rows.filter((row) => row.state === "ended").length, 5);
  assert.equal(rows.length, started + 5);
});

test("a server finishes what was left before it", async (t) => {
  const sandbox = createSandbox(t);
  const { file, folder } = leftBehind(sandbox);
  const child = shell(t);
  file(child, [startRecord(child), endRecord]);
  await sandbox.serve();
  await eventually(() =>
    assert.deepEqual(
      readdirSync(folder).filter((name) => !name.startsWith(".")),
      [],
    ),
  );
});

test("a turn that its process could not give back is taken over", async (t) => {
  const sandbox = createSandbox(t);
  const { file, folder } = leftBehind(sandbox);
  const child = shell(t);
  file(child, [startRecord(child), endRecord]);
  const lock = join(folder, ".sweep-lock");
  writeFileSync(lock, "");
  assert.deepEqual(await allRows(sandbox), [], "somebody else is at it");
  utimesSync(lock, new Date(Date.now() - 60_000), new Date(Date.now() - 60_000));
  assert.equal((await allRows(sandbox))[0]?.state, "ended");
});
