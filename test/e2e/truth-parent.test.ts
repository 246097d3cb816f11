/** Proves that the parent of a shell is on record where the shell can tell it, and is not made up where it cannot. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually } from "../support/eventually.ts";
import { allRows, runWell, type SessionRow } from "../support/rows.ts";
import { createSandbox, type Sandbox } from "../support/sandbox.ts";
import { sleeper } from "../support/shells/processes.ts";
import { createUsedSandbox, openShell, shellKinds } from "../support/shells/shells.ts";
import { leftBehind, recordBytes } from "../support/shells/state-files.ts";

async function environmentOf(sandbox: Sandbox, row: SessionRow | undefined): Promise<Record<string, string>> {
  const shown = JSON.parse(await runWell(sandbox, ["show", String(row?.session_id), "--json"]));
  return shown.events[0].details.environment;
}

function rowsOf(sandbox: Sandbox, count: number): Promise<readonly SessionRow[]> {
  return eventually(async () => {
    const rows = await allRows(sandbox);
    assert.equal(rows.length, count);
    return rows;
  });
}

for (const kind of shellKinds) {
  test(`${kind}: ${kind === "fish" ? "it cannot tell its parent" : "the process that started it is shown"}`, async (t) => {
    const sandbox = createUsedSandbox(t);
    await openShell(t, sandbox, kind);
    const [row] = await rowsOf(sandbox, 1);
    const { parent_pid } = await environmentOf(sandbox, row);
    assert.equal(parent_pid, kind === "fish" ? undefined : String(process.pid));
    const text = await runWell(sandbox, ["show", String(row?.session_id)]);
    assert.equal(new RegExp(`^ +environment\\.parent_pid +${process.pid}$`, "m").test(text), kind !== "fish");
  });
}

test("a nested shell names the shell around it", async (t) => {
  const sandbox = createUsedSandbox(t);
  const terminal = await openShell(t, sandbox, "bash");
  terminal.type("bash\r");
  await terminal.find("sb> ");
  const rows = await rowsOf(sandbox, 2);
  const [outer, inner] = [rows.find(({ pid }) => pid === terminal.pid), rows.find(({ pid }) => pid !== terminal.pid)];
  assert.equal((await environmentOf(sandbox, inner)).parent_pid, String(outer?.pid));
});

test("what is no pid is not kept as one", async (t) => {
  const sandbox = createSandbox(t);
  for (const ppid of ["", "0", "-1", "1 2", "99999999", "\u001b[31m", "1.0"]) {
    const child = sleeper(t);
    const time = String(Date.now() / 1000);
    leftBehind(sandbox).file(child, [
      recordBytes("start/1", { time, pid: String(child.pid), ppid, shell: "bash", cwd: "/" }),
    ]);
  }
  const rows = await rowsOf(sandbox, 7);
  for (const row of rows) assert.ok(!("parent_pid" in (await environmentOf(sandbox, row))));
});
