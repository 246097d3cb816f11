/** Proves what becomes of state files: each is read once while its shell lives, and goes when nothing hangs on it. */
import assert from "node:assert/strict";
import { existsSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type App, openApp } from "../../src/app/app.ts";
import { createReconcile } from "../../src/capture/reconcile.ts";
import { createShells } from "../../src/capture/shells.ts";
import { resolveConfig } from "../../src/config/config.ts";
import { createLog } from "../../src/log.ts";
import { instantFromMs } from "../../src/tracker/instant.ts";
import { allRows } from "../support/rows.ts";
import { createSandbox, type Sandbox } from "../support/sandbox.ts";
import { killed, sleeper } from "../support/shells/processes.ts";
import { leftBehind, recordBytes } from "../support/shells/state-files.ts";

/** A shell that has told its start, and its file. */
function openShell(t: TestContext, sandbox: Sandbox, fields: Readonly<Record<string, string>> = {}) {
  const child = sleeper(t);
  const start = { time: `${Date.now() / 1000}`, pid: String(child.pid), shell: "bash", cwd: "/", ...fields };
  return { child, path: leftBehind(sandbox).file(child, [recordBytes("start/1", start)]) };
}

async function opened(t: TestContext, sandbox: Sandbox): Promise<App> {
  const config = await resolveConfig({ SESSION_BUDDY_HOME: sandbox.home });
  const app = await openApp(config, createLog({ toStandardError: false, file: null }));
  t.after(() => app.close());
  return app;
}

/** What this process has read so far, in bytes (proc_pid_io(5)). */
function bytesRead(): number {
  return Number(/^rchar: (\d+)$/m.exec(readFileSync("/proc/self/io", "utf8"))?.[1]);
}

test("a sweep reads the file of a living shell once", async (t) => {
  const sandbox = createSandbox(t);
  process.umask(0o077);
  const app = await opened(t, sandbox);
  const fileBytes = 50_000;
  const shells = Array.from({ length: 20 }, () => openShell(t, sandbox, { padding: "x".repeat(fileBytes) }));
  await createReconcile(app).reconcile(60_000);
  const before = bytesRead();
  assert.equal((await createReconcile(app).reconcile(60_000))?.isComplete, true);
  const files = (bytesRead() - before) / fileBytes;
  assert.ok(files >= shells.length && files < shells.length * 1.5, `${files} files read for ${shells.length}`);
});

test("the file of a living shell whose session was ended for it and pruned stays until the shell ends", async (t) => {
  const sandbox = createSandbox(t);
  const { child, path } = openShell(t, sandbox);
  const [row] = await allRows(sandbox);
  // Ended and pruned before any sweep looks at the file again.
  const app = await opened(t, sandbox);
  await createShells(app).end(String(row?.session_id), { exitCode: 0, reason: null }, true);
  assert.equal(await app.store.prune(instantFromMs(Date.now() + 1), 10), 1);
  assert.deepEqual(await allRows(sandbox), [], "what was pruned does not come back");
  assert.ok(existsSync(path), "its shell may still write to it");
  await killed(child);
  assert.deepEqual(await allRows(sandbox), []);
  assert.ok(!existsSync(path));
});

test("a shell whose session is not in the store, because the store is a new one, is on record again", async (t) => {
  const sandbox = createSandbox(t);
  const [living, dead] = [openShell(t, sandbox), openShell(t, sandbox)];
  const before = await allRows(sandbox);
  assert.equal(before.length, 2);
  for (const ending of ["", "-wal", "-shm"]) rmSync(join(sandbox.home, `sessions.db${ending}`), { force: true });
  await killed(dead.child);
  await allRows(sandbox);
  const rows = await allRows(sandbox);
  const states = new Map(rows.map((row) => [row.pid, row.state]));
  assert.deepEqual([states.get(living.child.pid ?? 0), states.get(dead.child.pid ?? 0)], ["active", "orphaned"]);
  assert.deepEqual([existsSync(living.path), existsSync(dead.path)], [true, false]);
});

test("an end that a shell told between the two looks of a sweep is taken, not the proof of its death", async (t) => {
  const sandbox = createSandbox(t);
  const { child, path } = openShell(t, sandbox);
  assert.equal((await allRows(sandbox))[0]?.state, "active");
  const app = await opened(t, sandbox);
  // Between the two looks the store is asked for the sessions that are open.
  const activeOfHost: typeof app.store.activeOfHost = async (hostId) => {
    const sessions = await app.store.activeOfHost(hostId);
    writeFileSync(path, recordBytes("end/1", { time: `${Date.now() / 1000}`, code: "3", reason: "exit" }), {
      flag: "a",
    });
    await killed(child);
    return sessions;
  };
  await createReconcile({ ...app, store: { ...app.store, activeOfHost } }).reconcile(60_000);
  const [row] = await allRows(sandbox);
  assert.deepEqual([row?.state, row?.exit_code, row?.end_reason], ["ended", 3, "exit"]);
  assert.ok(!existsSync(path));
});

test("a file that names a session, is not of this store and holds nothing true is set aside, and hinders nobody", async (t) => {
  const sandbox = createSandbox(t);
  const { path } = openShell(t, sandbox, { pid: "none" });
  openShell(t, sandbox);
  writeFileSync(path, recordBytes("session/1", { id: "none-20260206-123456" }), { flag: "a" });
  utimesSync(path, 0, 0);
  assert.equal((await allRows(sandbox)).length, 1);
  assert.ok(existsSync(`${path}.rejected`));
});
