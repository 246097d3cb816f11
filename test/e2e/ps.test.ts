/**
 * Proves that the whole program works through ps(1) where it takes itself to be on macOS. The ps is this system's; the
 * sysctl is a script that says what a Mac's would, mounted over the real one where the program alone sees it.
 */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { runWell, type SessionRow } from "../support/rows.ts";
import { createSandbox, root, runToEnd, type Sandbox } from "../support/sandbox.ts";
import { killed, sleeper } from "../support/shells/processes.ts";
import { recordBytes } from "../support/shells/state-files.ts";

const node = join(root, "node_modules/node/bin/node");
const bootSession = "0F5C2B31-9E1D-4C55-8A0B-2B1E9D3F6A77";

interface Mac {
  run(...args: readonly string[]): Promise<string>;
  all(): Promise<readonly SessionRow[]>;
  reboot(): void;
}

function macIn(sandbox: Sandbox): Mac {
  const sysctl = join(sandbox.folder, "sysctl");
  const boot = (id: string) =>
    writeFileSync(sysctl, `#!/bin/sh\n[ "$*" = "-n kern.bootsessionuuid" ] && echo ${id}\n`, { mode: 0o700 });
  boot(bootSession);
  const platform = join(sandbox.folder, "platform.cjs");
  writeFileSync(platform, `Object.defineProperty(process, "platform", { value: "darwin" });`);
  const script = `mount --bind "$0" "$(readlink -f /usr/sbin/sysctl)"; exec "$@"`;
  const run: Mac["run"] = async (...args) => {
    const command = [
      node,
      "--disable-warning=ExperimentalWarning",
      "--require",
      platform,
      join(root, "dist/entry.cjs"),
    ];
    const all = ["--mount", "sh", "-euc", script, sysctl, ...command, ...args];
    const { status, stdout, stderr } = await runToEnd("unshare", all, { env: sandbox.env, cwd: sandbox.folder });
    assert.deepEqual([status, stderr], [0, ""], args.join(" "));
    return stdout;
  };
  return {
    run,
    all: async () => JSON.parse(await run("list", "--all", "--json")),
    reboot: () => boot("11111111-2222-3333-4444-555555555555"),
  };
}

/** The file of a shell of macOS: its hook can read neither its boot nor its start time. */
function hookFile(t: TestContext, sandbox: Sandbox) {
  const child = sleeper(t);
  const path = join(sandbox.folder, `unknown.${child.pid}.0`);
  const time = String(Date.now() / 1000);
  const start = { id: "", time, uptime: "", pid: String(child.pid), ppid: "1", shell: "zsh", exe: "", cwd: "/" };
  writeFileSync(path, recordBytes("start/1", start), { mode: 0o600 });
  return { child, path };
}

test("a shell that its hook tells of is active while its process lives, orphaned when it is gone", async (t) => {
  const sandbox = createSandbox(t);
  const mac = macIn(sandbox);
  const { child, path } = hookFile(t, sandbox);
  const id = (await mac.run("start", "--state-file", path, "--pid", String(child.pid), "--written")).trim();
  const [row] = await mac.all();
  assert.deepEqual([row?.session_id, row?.state], [id, "active"]);
  const why = JSON.parse(await mac.run("why", id, "--json"));
  assert.deepEqual(why.process_now, { state: "alive", reason: null });
  assert.deepEqual(
    why.probes.map(({ command }: { command: string | null }) => command).filter((command: string | null) => command),
    [`ps -p ${child.pid}`],
    "no command reads /proc",
  );
  await killed(child);
  const [after] = await mac.all();
  assert.deepEqual([after?.state, after?.end_reason], ["orphaned", "pid_gone"]);
});

test("a shell whose word is found later is on record, but nothing is said about who has its pid now", async (t) => {
  const sandbox = createSandbox(t);
  const mac = macIn(sandbox);
  const { child, path } = hookFile(t, sandbox);
  // A birth time cannot be set; the file's first write stands for it where it is earlier.
  await runToEnd("touch", ["-d", "2026-02-06T12:34:56Z", path], { env: sandbox.env });
  const id = (await mac.run("start", "--state-file", path, "--pid", String(child.pid), "--written")).trim();
  const why = JSON.parse(await mac.run("why", id, "--json"));
  assert.deepEqual(why.process_now, { state: "unknown", reason: "not_identified" });
  await killed(child);
  assert.equal((await mac.all())[0]?.state, "active");
});

test("with /proc a shell that could not say when it started is not taken for who has its pid now", async (t) => {
  const sandbox = createSandbox(t);
  const { child, path } = hookFile(t, sandbox);
  const id = (await runWell(sandbox, ["start", "--state-file", path, "--pid", String(child.pid), "--written"])).trim();
  const why = JSON.parse(await runWell(sandbox, ["why", id, "--json"]));
  assert.deepEqual(why.process_now, { state: "unknown", reason: "not_identified" });
});

test("another boot session is the proof of death", async (t) => {
  const mac = macIn(createSandbox(t));
  await mac.run("start", "--pid", String(sleeper(t).pid));
  assert.equal((await mac.all())[0]?.state, "active");
  mac.reboot();
  const [row] = await mac.all();
  assert.deepEqual([row?.state, row?.end_reason], ["orphaned", "rebooted"]);
});

test("current finds the shell around it", async (t) => {
  const sandbox = createSandbox(t);
  const mac = macIn(sandbox);
  const id = (await mac.run("start", "--pid", String(process.pid))).trim();
  assert.equal((await mac.run("current")).trim(), id);
});
