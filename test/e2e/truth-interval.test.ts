/** Proves that the interval of an end that nobody told holds the true end, whoever looked in between, and by what clock. */
import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  closeSync,
  constants,
  openSync,
  readFileSync,
  renameSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { eventually } from "../support/eventually.ts";
import { allRows, runWell, type SessionRow } from "../support/rows.ts";
import { createSandbox, launcher, runToEnd } from "../support/sandbox.ts";
import { fakeClock } from "../support/shells/fake-clock.ts";
import { killed, openSession, sleeper } from "../support/shells/processes.ts";
import { createUsedSandbox, openShell } from "../support/shells/shells.ts";
import { leftBehind, recordBytes } from "../support/shells/state-files.ts";

const ms = (time: SessionRow[keyof SessionRow] | undefined) => Date.parse(String(time));

/** Holds a session that told no end to bounds that hold its true end. */
function assertHolds(row: SessionRow | undefined, endedMs: { readonly after: number; readonly by: number }): void {
  const state = row?.end_reason === "executable_replaced" ? "replaced" : "orphaned";
  assert.equal(row?.state, state, JSON.stringify(row));
  assert.ok(ms(row?.ended_after) <= endedMs.by, `after ${row?.ended_after}, though it was dead at ${iso(endedMs.by)}`);
  assert.ok(ms(row?.ended_before) >= endedMs.after, `by ${row?.ended_before}, but alive at ${iso(endedMs.after)}`);
}

function iso(timeMs: number): string {
  return new Date(timeMs).toISOString();
}

function rowOf(rows: readonly SessionRow[], id: unknown): SessionRow | undefined {
  return rows.find((row) => row.session_id === id);
}

/** Kills a session's process. @returns bounds of its true end */
async function killedBetween(child: ChildProcess): Promise<{ after: number; by: number }> {
  const after = Date.now();
  return { after, by: await killed(child) };
}

test("a session that came on record after a look, its shell dead before, was not seen by that look", async (t) => {
  const sandbox = createSandbox(t);
  const child = sleeper(t);
  const { file } = leftBehind(sandbox);
  const path = file(child, [
    recordBytes("start/1", { time: `${Date.now() / 1000}`, pid: String(child.pid), shell: "bash", cwd: "/" }),
  ]);
  // Its courier is slow: nobody knows of the file yet.
  renameSync(path, join(sandbox.folder, "held"));
  const end = await killedBetween(child);
  await runWell(sandbox, ["reconcile"]);
  renameSync(join(sandbox.folder, "held"), path);
  // Nobody waits for that courier any more.
  utimesSync(path, 0, 0);
  assertHolds((await allRows(sandbox))[0], end);
});

test("a look from a container that cannot see the shell is no proof, and takes no earlier proof away", async (t) => {
  const sandbox = createSandbox(t);
  const { id, child } = await openSession(t, sandbox);
  const beforeLook = Date.now();
  await runWell(sandbox, ["reconcile"]);
  const end = await killedBetween(child);
  const container = ["--pid", "--fork", "--mount-proc", "--kill-child", launcher, "reconcile"];
  const { status, stderr } = await runToEnd("unshare", container, { env: sandbox.env, cwd: sandbox.folder });
  assert.equal(status, 0, stderr);
  const row = rowOf(await allRows(sandbox), id);
  assertHolds(row, end);
  assert.ok(ms(row?.ended_after) >= beforeLook, "the host's own look counts still");
});

/** A user who is not root, whose sandbox it is. */
const nobody = "65534";
const asNobody = `setpriv --reuid=${nobody} --regid=${nobody} --clear-groups --inh-caps=-all --bounding-set=-all`;

test("a look that another user's process is hidden from is no proof", async (t) => {
  const sandbox = createSandbox(t);
  execFileSync("chown", ["-R", nobody, sandbox.folder]);
  const run = async (script: string, ...args: string[]) => {
    const command = ["--mount", "sh", "-euc", `${script} exec ${asNobody} "$@"`, "sh", launcher, ...args];
    const { status, stdout, stderr } = await runToEnd("unshare", command, { env: sandbox.env, cwd: "/" });
    assert.equal(status, 0, stderr);
    return stdout;
  };
  // Dead, but not gone while its parent does not wait for it: who may not see it cannot tell.
  const parent = spawn("sh", ["-c", "sleep 60 & echo $!; exec sleep 120"], { stdio: ["ignore", "pipe", "ignore"] });
  t.after(() => parent.kill("SIGKILL"));
  const pid = Number(String((await once(parent.stdout, "data"))[0]));
  await eventually(() => assert.equal(readFileSync(`/proc/${parent.pid}/comm`, "utf8"), "sleep\n"));
  const file = join(sandbox.folder, "state-file");
  const id = (await run("", "start", "--state-file", file, "--pid", String(pid))).trim();
  const after = Date.now();
  process.kill(pid, "SIGKILL");
  await eventually(() => assert.match(readFileSync(`/proc/${pid}/stat`, "utf8"), /\) Z /));
  const end = { after, by: Date.now() };
  const hidden = await run("mount -t proc -o hidepid=2 proc /proc;", "list", "--all", "--json");
  assert.equal(rowOf(JSON.parse(hidden), id)?.state, "active", "it could not be looked at");
  assertHolds(rowOf(JSON.parse(await run("", "list", "--all", "--json")), id), end);
});

test("a clock that was ahead at the last look and is right again puts no end after its true moment", async (t) => {
  const sandbox = createSandbox(t);
  const clock = fakeClock(sandbox);
  const { id, child } = await openSession(t, sandbox);
  const beforeLook = Date.now();
  clock.set("+4");
  await runWell(sandbox, ["reconcile"], { env: clock.env });
  const lookedMs = Date.now() + 4_000;
  const end = await killedBetween(child);
  await eventually(() => assert.ok(Date.now() > lookedMs, "the right clock has not come to the time of the look"));
  const row = rowOf(await allRows(sandbox), id);
  assertHolds(row, end);
  assert.ok(ms(row?.ended_after) >= beforeLook - 1_000, "the boot clock tells when the look was");
});

test("a mark that is torn, foreign, of an older version or from the future proves nothing and hinders nobody", async (t) => {
  const sandbox = createSandbox(t);
  const mark = join(sandbox.home, "shells", ".swept");
  const future = (text: string) =>
    text.replace(/"atMs":\d+,"bootClock":\{[^}]*\}/, `"atMs":${Date.now() + 1e9},"bootClock":null`);
  const half = (text: string) => text.slice(0, text.length / 2);
  const others = ["", "\0".repeat(100), "[null]", '[{"atMs":1e300,"bootClock":null,"starts":[]}]'].map(
    (text) => () => text,
  );
  for (const changed of [future, half, ...others]) {
    const { id, child } = await openSession(t, sandbox);
    await runWell(sandbox, ["reconcile"]);
    const end = await killedBetween(child);
    const text = readFileSync(mark, "utf8");
    assert.notEqual(changed(text), text);
    writeFileSync(mark, changed(text));
    const row = rowOf(await allRows(sandbox), id);
    assertHolds(row, end);
    assert.equal(row?.ended_after, row?.started_at, changed(text));
  }
});

test("a look between an exec and the next shell's first word is no proof that the first shell lived", async (t) => {
  const sandbox = createUsedSandbox(t);
  const gate = join(sandbox.folder, "gate");
  // The second shell waits in its rc file, before the hook.
  const terminal = await openShell(t, sandbox, "bash", {
    before: `if [ -p '${gate}' ]; then read -r _ <'${gate}'; fi`,
  });
  const [first] = await eventually(async () => {
    const rows = await allRows(sandbox);
    assert.equal(rows.length, 1);
    return rows;
  });
  execFileSync("mkfifo", [gate]);
  terminal.type("exec bash\r");
  const writer = await eventually(() => openSync(gate, constants.O_WRONLY | constants.O_NONBLOCK));
  const replacedMs = Date.now();
  await runWell(sandbox, ["reconcile"]);
  writeSync(writer, "go\n");
  closeSync(writer);
  await terminal.find("sb> ");
  await eventually(async () => {
    const row = rowOf(await allRows(sandbox), first?.session_id);
    assertHolds(row, { after: ms(first?.started_at), by: replacedMs });
    assert.equal(row?.end_reason, "executable_replaced");
  });
});
