/** Proves that doctor and hook status believe what is on record: a shell there proves its hook, and none is blamed for nothing. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { eventually } from "../support/eventually.ts";
import { allRows, runWell } from "../support/rows.ts";
import { launcher, type Sandbox } from "../support/sandbox.ts";
import { hookRows } from "../support/shells/hook-homes.ts";
import type { Terminal } from "../support/shells/pty.ts";
import {
  createUsedSandbox,
  hookFile,
  openShell,
  runLine,
  type ShellKind,
  shellKinds,
  sourceLine,
} from "../support/shells/shells.ts";

interface Finding {
  readonly check: string;
  readonly level: string;
  readonly words: string;
}

/** A shell whose rc file names no hook, but a file that loads it. */
function openHooked(t: TestContext, sandbox: Sandbox, kind: ShellKind): Promise<Terminal> {
  const other = join(sandbox.folder, `site.${kind}`);
  writeFileSync(other, `${sourceLine(kind, hookFile(kind))}\n`);
  return openShell(t, sandbox, kind, { hook: false, after: `source '${other}'` });
}

/** Waits for the id of the only open session of a shell. */
function openId(sandbox: Sandbox, kind: ShellKind): Promise<string> {
  return eventually(async () => {
    const open = (await allRows(sandbox)).filter((row) => row.shell_type === kind && row.state === "active");
    assert.equal(open.length, 1);
    return String(open[0]?.session_id);
  });
}

/** Runs a command of ours in a shell. @returns the JSON that it prints */
async function askedIn<T>(terminal: Terminal, sandbox: Sandbox, command: string): Promise<T> {
  const file = join(sandbox.folder, "answer");
  await runLine(terminal, `'${launcher}' ${command} --json >'${file}'`);
  return JSON.parse(readFileSync(file, "utf8"));
}

async function findingsOf(sandbox: Sandbox): Promise<readonly Finding[]> {
  return JSON.parse(await runWell(sandbox, ["doctor", "--json"]));
}

const hooksIn = (findings: readonly Finding[]) =>
  findings.filter(({ check }) => check.startsWith("hook")).map(({ check, level, words }) => [check, level, words]);

const unmanaged = "though no startup file that session-buddy manages loads its hook";

for (const kind of shellKinds) {
  test(`a shell on record proves its hook, wherever it is loaded from (${kind})`, async (t) => {
    const sandbox = createUsedSandbox(t);
    const terminal = await openHooked(t, sandbox, kind);
    const id = await openId(sandbox, kind);
    const words = `this shell is on record (${id}), ${unmanaged}`;
    assert.deepEqual(hooksIn(await askedIn(terminal, sandbox, "doctor")), [[`hook ${kind}`, "ok", words]]);
    const rows = await askedIn<readonly Readonly<Record<string, string>>[]>(terminal, sandbox, "hook status");
    assert.deepEqual(
      rows.filter((row) => row.kind === "hook").map(({ shell, state, reason }) => [shell, state, reason]),
      shellKinds.map((shell) => (shell === kind ? [kind, "elsewhere", words] : [shell, "missing", null])),
    );
    await runLine(terminal, `'${launcher}' hook status >/dev/null && echo in or''der`);
    assert.match(terminal.output(), /in order/);

    // Asked from elsewhere, while it is open and when it is over.
    const open = `an open shell is on record (${id}), ${unmanaged}`;
    assert.deepEqual(hooksIn(await findingsOf(sandbox)), [[`hook ${kind}`, "ok", open]]);
    terminal.type("exit\r");
    await terminal.ended();
    const over = `a shell of ${new Date().toISOString().slice(0, 10)} is on record (${id}), ${unmanaged}`;
    await eventually(async () => assert.deepEqual(hooksIn(await findingsOf(sandbox)), [[`hook ${kind}`, "ok", over]]));
  });
}

test("a shell inside of one that is on record is told which one that is", async (t) => {
  const sandbox = createUsedSandbox(t);
  const terminal = await openHooked(t, sandbox, "bash");
  const id = await openId(sandbox, "bash");
  await runLine(terminal, `sh -c "'${launcher}' doctor --json >inner; :"`);
  const words = `the shell around this one is on record (${id}), ${unmanaged}`;
  const inner: Finding[] = JSON.parse(readFileSync(join(sandbox.folder, "inner"), "utf8"));
  assert.deepEqual(hooksIn(inner), [["hook bash", "ok", words]]);
});

test("a shell that was put on record by hand proves no hook", async (t) => {
  const sandbox = createUsedSandbox(t);
  const child = spawn("sleep", ["1000"], { stdio: "ignore" });
  t.after(() => child.kill("SIGKILL"));
  await once(child, "spawn");
  await runWell(sandbox, ["start", "--pid", String(child.pid), "--shell-type", "zsh"]);
  assert.deepEqual(
    hooksIn(await findingsOf(sandbox)).map(([, level, words]) => [level, words]),
    [["note", "no shell loads the hook"]],
  );
  assert.ok((await hookRows(sandbox)).every(({ state }) => state === "missing"));
});

test("bash that was killed is named, at most three of them; what had no hook, and what replaced itself, is not", async (t) => {
  const sandbox = createUsedSandbox(t);
  const plain = spawn("sleep", ["1000"], { stdio: "ignore" });
  t.after(() => plain.kill("SIGKILL"));
  await once(plain, "spawn");
  await runWell(sandbox, ["start", "--pid", String(plain.pid), "--shell-type", "bash"]);
  plain.kill("SIGKILL");
  await once(plain, "exit");
  const silent = async () => (await findingsOf(sandbox)).filter(({ check }) => check === "silent shells");
  assert.deepEqual(await silent(), []);
  assert.deepEqual(
    (await allRows(sandbox)).map(({ state }) => state),
    ["orphaned"],
  );

  const replaced = await openHooked(t, sandbox, "bash");
  await openId(sandbox, "bash");
  replaced.type("exec sleep 1000\r");
  await eventually(async () => assert.ok((await allRows(sandbox)).some(({ state }) => state === "replaced")));
  assert.deepEqual(await silent(), []);

  const killed: string[] = [];
  for (const expected of [
    /^bash never reported the end of ID: /,
    null,
    null,
    /of ID, ID, ID and 1 more: it was killed/,
  ]) {
    const terminal = await openHooked(t, sandbox, "bash");
    killed.push(await openId(sandbox, "bash"));
    await terminal.signal("SIGKILL");
    await terminal.ended();
    if (expected === null) continue;
    const [found] = await silent();
    assert.equal(found?.level, "note");
    assert.match(
      killed.reduce((words, id) => words.replace(new RegExp(`${id}(?=[,: ])`), "ID"), found?.words ?? ""),
      expected,
    );
  }
});
