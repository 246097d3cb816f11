/**
 * Proves that a shell whose file is replaced, renamed or called otherwise while it runs stays on record as open, that its
 * end is recorded, and that a shell which was replaced by `exec` is still told from it.
 */
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, type TestContext, test } from "node:test";
import { eventually } from "../support/eventually.ts";
import { allRows, runWell } from "../support/rows.ts";
import { launcher, type Sandbox } from "../support/sandbox.ts";
import { copyHooks } from "../support/shells/hook-copy.ts";
import { openTerminal, type Terminal } from "../support/shells/pty.ts";
import { type Replacement, replacements } from "../support/shells/replacements.ts";
import {
  assertRecord,
  createHome,
  createUsedSandbox,
  type ExpectedRow,
  inferred,
  open,
  runLine,
  type ShellKind,
  type ShellPlan,
  shellKinds,
  stateFileNames,
  told,
} from "../support/shells/shells.ts";
import { recordBytes } from "../support/shells/state-files.ts";

const exitReason = (kind: ShellKind) => (kind === "fish" ? null : "exit");

/** The process lives on, or ended, as another program. */
function replaced(kind: ShellKind): ExpectedRow {
  return { ...inferred(kind, "executable_replaced"), state: "replaced" };
}

interface OpenShell {
  readonly terminal: Terminal;
  /** Makes the change, in the shell itself. */
  change(): Promise<void>;
}

async function openReplaceable(
  t: TestContext,
  sandbox: Sandbox,
  kind: ShellKind,
  { program, under, change }: Replacement,
  plan: ShellPlan = {},
): Promise<OpenShell> {
  const [first = program, ...args] = [...under, program];
  const terminal = openTerminal(t, first, args, { env: createHome(sandbox, kind, plan), cwd: sandbox.folder });
  await terminal.find("sb> ");
  const script = join(sandbox.folder, "change");
  writeFileSync(script, `set -e\n{ ${change}; } >/dev/null\necho changed\n`);
  const run = async () => {
    terminal.type(`sh ${script}\r`);
    await terminal.find("changed\r\n");
    await terminal.find("sb> ");
  };
  return { terminal, change: run };
}

function prepared(sandbox: Sandbox, kind: ShellKind, way: string): Replacement {
  const folder = join(sandbox.folder, "programs");
  mkdirSync(folder);
  const prepare = replacements.get(way);
  assert.ok(prepare !== undefined);
  return prepare(folder, kind);
}

/** What the record has of a session's program since an earlier version: its path. */
function forgetProgram({ home }: Sandbox): void {
  const database = new DatabaseSync(join(home, "sessions.db"));
  database.exec("UPDATE sessions SET exe_id = NULL, comm = NULL");
  database.close();
}

async function whyOf(sandbox: Sandbox): Promise<{ outcomes: Record<string, string>; now: string }> {
  const [row] = await allRows(sandbox);
  const why = JSON.parse(await runWell(sandbox, ["why", String(row?.session_id), "--json"]));
  const outcomes = why.probes.map(({ name, outcome }: Record<string, string>) => [name, outcome]);
  return { outcomes: Object.fromEntries(outcomes), now: why.process_now.state };
}

describe("a shell whose file is called otherwise lives on", { concurrency: 3 }, () => {
  for (const way of replacements.keys()) {
    for (const kind of shellKinds) {
      test(`${kind}: ${way}`, async (t) => {
        const sandbox = createUsedSandbox(t);
        const { terminal, change } = await openReplaceable(t, sandbox, kind, prepared(sandbox, kind, way));
        await assertRecord(sandbox, [open(kind)]);
        await change();
        await assertRecord(sandbox, [open(kind)]);
        const { outcomes, now } = await whyOf(sandbox);
        assert.equal(now, "alive");
        for (const name of ["pid", "start_ticks", "executable", "exe_id", "comm"]) assert.equal(outcomes[name], "same");
        forgetProgram(sandbox);
        await assertRecord(sandbox, [open(kind)]);
        terminal.type("exit 7\r");
        assert.deepEqual(await terminal.ended(), { code: 7, signal: 0 });
        await assertRecord(sandbox, [told(kind, 7, exitReason(kind))]);
      });

      test(`${kind}, brought on record afterwards: ${way}`, async (t) => {
        const sandbox = createUsedSandbox(t);
        const hook = copyHooks(t, null).hookFile(kind);
        const plan = { hookFile: hook };
        const { terminal, change } = await openReplaceable(t, sandbox, kind, prepared(sandbox, kind, way), plan);
        await change();
        await assertRecord(sandbox, [open(kind)]);
        assert.notEqual((await whyOf(sandbox)).now, "dead");
        terminal.type("exit 7\r");
        await terminal.ended();
        // Nobody but the question itself brings this end on record.
        await eventually(async () => assert.equal((await allRows(sandbox))[0]?.exit_code, 7));
      });
    }
  }
});

const upgrade = "a package manager puts a new file in its place";
describe("a shell that is replaced by `exec` is told from one that lives on", { concurrency: 3 }, () => {
  for (const kind of shellKinds) {
    test(`${kind}, upgraded, then replaced by another program: its file stays while that runs`, async (t) => {
      const sandbox = createUsedSandbox(t);
      const { terminal, change } = await openReplaceable(t, sandbox, kind, prepared(sandbox, kind, upgrade));
      await assertRecord(sandbox, [open(kind)]);
      await change();
      terminal.type("exec sh -c 'echo re''placed; read go; exit 5'\r");
      await terminal.find("replaced\r\n");
      await assertRecord(sandbox, [replaced(kind)]);
      assert.equal(stateFileNames(sandbox).length, 1);
      terminal.type("\r");
      assert.deepEqual(await terminal.ended(), { code: 5, signal: 0 });
      await eventually(async () => {
        await allRows(sandbox);
        assert.deepEqual(stateFileNames(sandbox), []);
      });
      await assertRecord(sandbox, [replaced(kind)]);
    });

    test(`${kind}, upgraded, then replaced by the new copy of itself: the new one has a session of its own`, async (t) => {
      const sandbox = createUsedSandbox(t);
      const replacement = prepared(sandbox, kind, upgrade);
      const { terminal, change } = await openReplaceable(t, sandbox, kind, replacement);
      await assertRecord(sandbox, [open(kind)]);
      await change();
      await runLine(terminal, "true");
      terminal.type(`exec ${replacement.program} -i\r`);
      await terminal.find("sb> ");
      await assertRecord(sandbox, [replaced(kind), open(kind)]);
      terminal.type("exit 7\r");
      await terminal.ended();
      await assertRecord(sandbox, [replaced(kind), told(kind, 7, exitReason(kind))]);
      assert.deepEqual(stateFileNames(sandbox), []);
    });

    test(`${kind}, replaced by a shell that has ended before anybody looked: replaced, not gone`, async (t) => {
      const sandbox = createUsedSandbox(t);
      const replacement = prepared(sandbox, kind, upgrade);
      const { terminal } = await openReplaceable(t, sandbox, kind, replacement);
      terminal.type(`exec ${replacement.program} -i\r`);
      await terminal.find("sb> ");
      terminal.type("exit 7\r");
      await terminal.ended();
      await assertRecord(sandbox, [replaced(kind), told(kind, 7, exitReason(kind))]);
      assert.deepEqual(stateFileNames(sandbox), []);
    });

    test(`${kind}, replaced by a copy of itself without the hook: neither is known, until the process ends`, async (t) => {
      const sandbox = createUsedSandbox(t);
      const replacement = prepared(sandbox, kind, upgrade);
      const { terminal, change } = await openReplaceable(t, sandbox, kind, replacement);
      const [row] = await assertRecord(sandbox, [open(kind)]);
      await change();
      const asked = `${launcher} current >${join(sandbox.folder, "current")}; echo re''placed; cat; true`;
      terminal.type(`exec ${replacement.program} -c '${asked}'\r`);
      await terminal.find("replaced\r\n");
      assert.equal(readFileSync(join(sandbox.folder, "current"), "utf8").trim(), row?.session_id);
      await assertRecord(sandbox, [open(kind)]);
      terminal.type("\x04");
      await terminal.ended();
      await assertRecord(sandbox, [inferred(kind, "pid_gone")]);
    });

    test(`${kind}, replaced by another program before anybody looked: its word tells it`, async (t) => {
      const sandbox = createUsedSandbox(t);
      const plan = { hookFile: copyHooks(t, null).hookFile(kind) };
      const { terminal } = await openReplaceable(t, sandbox, kind, prepared(sandbox, kind, upgrade), plan);
      terminal.type("exec sh -c 'echo re''placed; read go'\r");
      await terminal.find("replaced\r\n");
      await assertRecord(sandbox, [replaced(kind)]);
    });

    test(`${kind}, called dead while it lived: its own end is recorded`, async (t) => {
      const sandbox = createUsedSandbox(t);
      const { terminal } = await openReplaceable(t, sandbox, kind, prepared(sandbox, kind, "the file is renamed"));
      await assertRecord(sandbox, [open(kind)]);
      // Proof as strong as it can be, and false: a file of a shell that took the place of this one.
      const [name = ""] = stateFileNames(sandbox);
      const false_ = join(sandbox.home, "shells", `${name}.1`);
      const fields = { time: String(Date.now() / 1000), pid: String(terminal.pid), shell: kind, cwd: "/" };
      writeFileSync(false_, recordBytes("start/1", fields), { mode: 0o600 });
      await eventually(async () =>
        assert.equal((await allRows(sandbox)).filter((r) => r.state === "replaced").length, 1),
      );
      unlinkSync(false_);
      assert.deepEqual(stateFileNames(sandbox), [name]);
      terminal.type("exit 7\r");
      await terminal.ended();
      await eventually(async () => {
        const rows = await allRows(sandbox);
        assert.deepEqual(rows.map(({ exit_code }) => exit_code).sort(), [7, null]);
      });
    });
  }
});
