/** Proves what reconcile, rebuild, prune and backup do and print, and that they change nothing they should not. */
import assert from "node:assert/strict";
import { renameSync, statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type TestContext, test } from "node:test";
import { allRows, assertRefused, runWell } from "../support/rows.ts";
import { createSandbox, launcher, runToEnd, type Sandbox } from "../support/sandbox.ts";
import { openTerminal } from "../support/shells/pty.ts";
import { recordHistory, withStore } from "../support/store/history.ts";
import { at, endEvent, startEvent } from "../support/store/session-events.ts";
import { recordLives } from "../support/store/store-place.ts";

/** One that ended, one that is proven dead and one that is open, all of long ago. */
async function longAgo(t: TestContext): Promise<Sandbox> {
  const sandbox = createSandbox(t);
  await recordHistory(sandbox, [
    { id: "ended", from: "2024-03-10T08:00:00Z", to: "2024-03-10T09:00:00Z" },
    { id: "lost", from: "2024-03-10T08:00:00Z", lost: ["2024-03-10T08:00:00Z", "2024-03-11T08:00:00Z"] },
    { id: "open", from: "2024-03-10T08:00:00Z" },
  ]);
  await runWell(sandbox, ["start", "--component", "new", "--pid", String(process.pid)]);
  return sandbox;
}

const idsOf = async (sandbox: Sandbox) =>
  (await allRows(sandbox)).map((row) => String(row.session_id).slice(0, 5)).sort();

test("prune only counts until --yes is given, then removes what ended, and keeps what is open or newer", async (t) => {
  const sandbox = await longAgo(t);
  const counted = await runWell(sandbox, ["prune", "--older-than", "1d"]);
  assert.match(counted, /^Would remove 2 sessions that ended before \S+Z\. Add --yes to remove them\.\n$/);
  assert.equal((await idsOf(sandbox)).length, 4);
  assert.match(await runWell(sandbox, ["prune", "--older-than", "1d", "--yes"]), /^Removed 2 sessions that ended/);
  assert.deepEqual(await idsOf(sandbox), ["new-2", "open"]);
  assert.match(await runWell(sandbox, ["prune", "--older-than", "1d"]), /^Would remove 0 sessions [^.]*\.?\d*Z\.\n$/);
  assert.match(await runWell(sandbox, ["rebuild", "--check"]), /: 0 differ, 0 repaired\.\n$/);
});

test("prune removes and counts all, however many times it has to begin", async (t) => {
  const sandbox = createSandbox(t);
  const lives = Array.from({ length: 1_001 }, (_, index) => {
    const known = { sessionId: `s${index}` };
    return [
      startEvent({ timestamp: at("2024-03-10T08:00:00Z") }, known),
      endEvent({ timestamp: at("2024-03-10T09:00:00Z") }, known),
    ];
  });
  await withStore(sandbox, (store) => recordLives(store, lives));
  assert.match(await runWell(sandbox, ["prune", "--older-than", "1d", "--yes"]), /^Removed 1001 sessions that ended/);
  assert.deepEqual(await allRows(sandbox), []);
});

test("prune of an age before all time removes nothing", async (t) => {
  const sandbox = await longAgo(t);
  const row = JSON.parse(await runWell(sandbox, ["prune", "--older-than", "9999999w", "--yes", "--json"]));
  assert.deepEqual(row, { ended_before: "0001-01-01T00:00:00Z", sessions: 0, kept: 0, removed: true });
});

test("rebuild --check reports a damaged row with exit status 1, and rebuild puts it right", async (t) => {
  const sandbox = await longAgo(t);
  const before = await allRows(sandbox);
  const database = new DatabaseSync(join(sandbox.home, "sessions.db"));
  database.exec("UPDATE sessions SET cwd = '/wrong' WHERE session_id = 'ended'");
  database.close();
  const check = await sandbox.run(["rebuild", "--check"]);
  assert.equal(check.status, 1);
  assert.equal(check.stdout, "ended  differs in cwd\n4 sessions from 6 events: 1 differ, 0 repaired.\n");
  assert.match(await runWell(sandbox, ["rebuild"]), /: 1 differ, 1 repaired\.\n$/);
  assert.deepEqual(await allRows(sandbox), before);
});

test("a backup is a whole store of mode 0600 that answers the same questions; an existing file is left alone", async (t) => {
  const sandbox = await longAgo(t);
  const expected = await allRows(sandbox);
  assert.match(await runWell(sandbox, ["backup", "copy.db"]), /^Copied to \/\S+\/copy\.db; /);
  const copy = join(sandbox.folder, "copy.db");
  assert.equal(statSync(copy).mode & 0o777, 0o600);
  assertRefused(await sandbox.run(["backup", "copy.db"]), 2, /copy\.db already exists/);

  const other = createSandbox(t);
  await recordHistory(other, []);
  await runWell(sandbox, ["backup", join(other.home, "new.db")]);
  renameSync(join(other.home, "new.db"), join(other.home, "sessions.db"));
  assert.deepEqual(await allRows(other), expected);
});

test("reconcile closes a dead shell and says how many it closed", async (t) => {
  const sandbox = createSandbox(t);
  const script = '"$0" start --pid $$ >/dev/null; :';
  await runToEnd("sh", ["-c", script, launcher], { env: sandbox.env });
  assert.equal(
    await runWell(sandbox, ["reconcile"]),
    "0 state files finished, 0 set aside; 1 sessions closed as orphaned.\n",
  );
  assert.equal((await allRows(sandbox))[0]?.end_reason, "pid_gone");
});

test("on a terminal long work tells how far it is, and takes that away when it is done", async (t) => {
  const sandbox = await longAgo(t);
  const options = { cwd: sandbox.folder, env: { ...sandbox.env, TERM: "xterm" } };
  const works: readonly (readonly [args: readonly string[], words: RegExp])[] = [
    [["rebuild"], /\d+ events …<erased>\d+ sessions from/],
    [["backup", "copy.db"], /\d+ of \d+ pages …<erased>Copied/],
    [["prune", "--older-than", "1d", "--yes"], /2 of 2 sessions …<erased>Removed 2/],
  ];
  for (const [args, words] of works) {
    const terminal = openTerminal(t, launcher, args, options);
    assert.equal((await terminal.ended()).code, 0);
    assert.match(terminal.output().replaceAll("\r\u001b[K", "<erased>"), words);
  }
});
