/** Proves that the record tells who said what: an end told by others, an end after death, a start said twice, a start of nothing. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { eventually } from "../support/eventually.ts";
import { allRows, assertRefused, runWell, type SessionRow } from "../support/rows.ts";
import { createSandbox, launcher, type Sandbox } from "../support/sandbox.ts";
import { readMetrics, sumOf } from "../support/server/prometheus.ts";
import type { Terminal } from "../support/shells/pty.ts";
import { couriersDone, createUsedSandbox, openShell, type ShellKind, shellKinds } from "../support/shells/shells.ts";
import { createUser } from "../support/users.ts";

/** Nobody is given the highest number that a pid may have (proc(5), pid_max). */
const noPid = "4194304";

/** A hooked shell, and the id of its session. */
async function openRecorded(t: TestContext, sandbox: Sandbox, kind: ShellKind): Promise<[Terminal, string]> {
  const terminal = await openShell(t, sandbox, kind);
  const row = await eventually(() => onlyRow(sandbox, "active"));
  return [terminal, String(row.session_id)];
}

async function onlyRow(sandbox: Sandbox, state: string): Promise<SessionRow> {
  const rows = await allRows(sandbox);
  assert.deepEqual(
    rows.map((row) => row.state),
    [state],
  );
  return rows[0] as SessionRow;
}

interface Told {
  readonly rank: number;
  readonly ended_by: string | null;
  readonly events: readonly { readonly kind: string; readonly source: unknown }[];
}

async function toldOf(sandbox: Sandbox, command: "why" | "show", id: string): Promise<Told> {
  return JSON.parse(await runWell(sandbox, [command, id, "--json"]));
}

const sourcesOf = ({ events }: Told) => events.map(({ kind, source }) => [kind, source]);
const bySource = (kind: string) => ({ kind, uid: null, pid: null, original: null });
const byThisTest = { kind: "command", uid: process.geteuid?.(), pid: process.pid, original: null };

for (const kind of shellKinds) {
  test(`an end from elsewhere is refused while the shell lives; forced, it is told as such, and the shell's own wins (${kind})`, async (t) => {
    const sandbox = createUsedSandbox(t);
    const [terminal, id] = await openRecorded(t, sandbox, kind);
    assertRefused(
      await sandbox.run(["end", id, "--exit-code", "3"]),
      3,
      /^session-buddy: the shell of \S+ is alive \(pid \d+\) and tells its end itself; add --force to record an end told by you\n$/,
    );
    const beyond = await sandbox.run(["end", id, "--exit-code", "999", "--force"]);
    assert.deepEqual([beyond.status, beyond.stdout], [2, ""]);
    assert.match(beyond.stderr, /'999' is invalid\..* 0 to 255/);
    assert.deepEqual(sourcesOf(await toldOf(sandbox, "show", id)), [["start", bySource("hook")]]);

    await runWell(sandbox, ["end", id, "--exit-code", "3", "--force"]);
    const forced = await onlyRow(sandbox, "ended");
    assert.deepEqual([forced.ended_by, forced.exit_code], ["command", 3]);
    const why = await toldOf(sandbox, "why", id);
    assert.deepEqual([why.rank, why.ended_by], [2, "command"]);
    const told = [
      ["start", bySource("hook")],
      ["end", byThisTest],
    ];
    assert.deepEqual(sourcesOf(why), told);
    assert.deepEqual(sourcesOf(await toldOf(sandbox, "show", id)), told);
    const words = await runWell(sandbox, ["why", id]);
    assert.match(words, /^state +ended, rank 2 of 3: a command told the end, not the shell; /m);
    assert.ok(words.includes(`told by a command of uid ${byThisTest.uid}, run by process ${byThisTest.pid}, `), words);

    terminal.type("exit 9\r");
    assert.deepEqual(await terminal.ended(), { code: 9, signal: 0 });
    await couriersDone(sandbox);
    const own = await onlyRow(sandbox, "ended");
    assert.deepEqual([own.session_id, own.ended_by, own.exit_code], [id, "hook", 9]);
    const last = await toldOf(sandbox, "why", id);
    assert.deepEqual([last.rank, sourcesOf(last)], [3, [...told, ["end", bySource("hook")]]]);
    assert.match(
      await runWell(sandbox, ["why", id]),
      /^state +ended, rank 3 of 3: the shell itself reported its end; no proof is stronger$/m,
    );
    await runWell(sandbox, ["rebuild", "--check"]);
  });

  test(`start in a shell that is on record answers with that session (${kind})`, async (t) => {
    const sandbox = createUsedSandbox(t);
    const [terminal, id] = await openRecorded(t, sandbox, kind);
    terminal.type(`'${launcher}' start\r`);
    await terminal.find(`session-buddy: this shell is already on record: ${id}\r\n`);
    await terminal.find("sb> ");
    assert.ok(terminal.output().split(/\r+\n/).includes(id), terminal.output());
    assert.equal((await onlyRow(sandbox, "active")).session_id, id);
    terminal.type("exit 4\r");
    await terminal.ended();
    await couriersDone(sandbox);
    const row = await onlyRow(sandbox, "ended");
    assert.deepEqual([row.session_id, row.exit_code, row.ended_by], [id, 4, "hook"]);
  });

  const otherShell = kind === "zsh" ? "bash --norc" : "zsh -f";
  for (const next of [otherShell, "sleep 40"]) {
    test(`${kind} that becomes '${next}' is replaced, everywhere, and nobody's orphan`, async (t) => {
      const sandbox = createUsedSandbox(t);
      const server = await sandbox.serve();
      const [terminal, id] = await openRecorded(t, sandbox, kind);
      terminal.type(`exec ${next}\r`);
      const row = await eventually(() => onlyRow(sandbox, "replaced"));
      assert.deepEqual([row.session_id, row.ended_by, row.end_reason], [id, "kernel", "executable_replaced"]);
      assert.ok(row.ended_before !== null && row.ended_at === null);
      assert.match(await runWell(sandbox, ["list", "--all"]), new RegExp(`^${id} +replaced `, "m"));
      assert.equal(await runWell(sandbox, ["list", "--all", "--json", "--state", "orphaned"]), "[]\n");
      const [counts] = JSON.parse(await runWell(sandbox, ["stats", "--by", "state", "--json"]));
      assert.deepEqual([counts.key, counts.sessions, counts.replaced, counts.orphaned], ["replaced", 1, 1, 0]);
      await eventually(async () => {
        const families = readMetrics(
          await (await fetch(new URL("/metrics", server.url), { signal: AbortSignal.timeout(10_000) })).text(),
        );
        const ends = ["replaced", "orphaned"].map((status) => sumOf(families, "session_end_total", { status }));
        assert.deepEqual(ends, [1, 0]);
      });
    });
  }
}

test("an end that is told after the proof of death lies before it", async (t) => {
  const sandbox = createSandbox(t);
  const child = spawn("sleep", ["1000"], { stdio: "ignore" });
  t.after(() => child.kill("SIGKILL"));
  await once(child, "spawn");
  const id = (await runWell(sandbox, ["start", "--pid", String(child.pid)])).trim();
  child.kill("SIGKILL");
  await once(child, "exit");
  const proven = await onlyRow(sandbox, "orphaned");
  const proof = String(proven.ended_before);
  const openAt = async (offsetMs: number) => {
    const at = new Date(Date.parse(proof) + offsetMs).toISOString();
    const rows: SessionRow[] = JSON.parse(await runWell(sandbox, ["list", "--at", at, "--json"]));
    return rows.map((row) => row.session_id);
  };
  const before = [await openAt(-1), await openAt(1)];
  assert.deepEqual(before, [[id], []]);
  await runWell(sandbox, ["end", id, "--exit-code", "0"]);
  const told = await onlyRow(sandbox, "ended");
  assert.deepEqual([told.ended_by, told.ended_at], ["command", proof]);
  assert.deepEqual([await openAt(-1), await openAt(1)], before);
  await runWell(sandbox, ["rebuild", "--check"]);
});

test("two starts typed in one process are one session; another component is another", async (t) => {
  const sandbox = createSandbox(t);
  const id = await runWell(sandbox, ["start"]);
  const again = await sandbox.run(["start"]);
  const known = `session-buddy: this shell is already on record: ${id}`;
  assert.deepEqual([again.status, again.stdout, again.stderr], [0, id, known]);
  assert.equal((await onlyRow(sandbox, "active")).session_id, id.trim());
  const other = await runWell(sandbox, ["start", "--component", "other"]);
  assert.notEqual(other, id);
  assert.equal((await allRows(sandbox)).length, 2);
});

test("what is not there, or another user's, is not put on record", async (t) => {
  const sandbox = createSandbox(t);
  const user = createUser(t, sandbox);
  const missing = join(sandbox.folder, "nope");
  const cases: readonly (readonly [args: readonly string[], words: RegExp])[] = [
    [["--pid", noPid], /there is no process 4194304 on this machine; name one that runs with --pid/],
    [["--pid", String(process.pid)], /process \d+ belongs to another user; only they or root can record it/],
    [["--pid", "1"], /process 1 belongs to another user/],
    [["--cwd", missing], /the working directory does not exist: \S+nope; name another with --cwd/],
  ];
  for (const [args, words] of cases) assertRefused(await user.run(["start", ...args]), 3, words);
  assert.equal((await user.run(["list", "--all", "--json"])).stdout, "[]\n");
  assertRefused(await sandbox.run(["start", "--pid", noPid]), 3, /there is no process/);
  assertRefused(await sandbox.run(["start", "--cwd", missing]), 3, /does not exist/);
  assert.deepEqual(await allRows(sandbox), []);
});
