/** Proves that real shells come on record with where they were opened: terminal, login, parent; and with nothing else of their environment. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { createProcProcesses } from "../../src/host/proc.ts";
import { eventually } from "../support/eventually.ts";
import { allRows, runWell, type SessionRow } from "../support/rows.ts";
import { createSandbox, launcher, runToEnd, type Sandbox } from "../support/sandbox.ts";
import {
  assertRecord,
  createUsedSandbox,
  hookFile,
  open,
  openShell,
  runLine,
  runUntil,
  type ShellKind,
  shellKinds,
  sourceLine,
} from "../support/shells/shells.ts";
import { leftBehind, recordBytes } from "../support/shells/state-files.ts";
import { recordHistory, withStore } from "../support/store/history.ts";

/** A login as PAM makes it: the kernel is told the user before the shell's first instruction. */
const loggedIn = (uid: number) => ["sh", "-c", `echo ${uid} > /proc/self/loginuid; exec "$@"`, "sh"];
/** A user that no file of users has. */
const stranger = 4_242_424;

interface Told {
  readonly name: string;
  readonly value: string | number;
  readonly source: string;
}

async function toldOf(sandbox: Sandbox, id: unknown): Promise<readonly Told[]> {
  return JSON.parse(await runWell(sandbox, ["why", "--json", String(id)])).circumstances;
}

/** A line that opens another shell of the kind, with the hook. */
function nested(kind: ShellKind): string {
  if (kind === "fish") return `fish -C '${sourceLine(kind, hookFile(kind)).replaceAll("'", "")}'`;
  return kind;
}

describe("circumstances of real shells", { concurrency: 4 }, () => {
  for (const kind of shellKinds) {
    test(`terminal and login of a shell are the kernel's (${kind})`, async (t) => {
      const sandbox = createUsedSandbox(t);
      const terminal = await openShell(t, sandbox, kind, { under: loggedIn(0) });
      await runUntil(terminal, "echo tty=$(tty) ses=$(cat /proc/self/sessionid)=", /tty=\/dev\/\S+ ses=\d+=\r\n/);
      const [, tty, ses] = /tty=\/dev\/(\S+) ses=(\d+)=\r\n/.exec(terminal.output()) ?? [];
      const [row] = await assertRecord(sandbox, [open(kind)]);
      assert.deepEqual(
        [row?.tty, row?.uid, row?.login_uid, row?.login_user, String(row?.audit_session), row?.parent_session],
        [tty, 0, 0, "root", ses, null],
      );
      const told = (await toldOf(sandbox, row?.session_id)).filter(({ name }) => name !== "container");
      assert.deepEqual(
        told.map(({ name, source }) => `${name} ${source}`),
        ["uid", "tty", "login_uid", "login_user", "audit_session"].map((name) => `${name} kernel`),
      );
    });

    test(`a nested shell has the one around it as its parent (${kind})`, async (t) => {
      const sandbox = createUsedSandbox(t);
      const terminal = await openShell(t, sandbox, kind, { under: loggedIn(stranger) });
      await runUntil(terminal, `sh -c '${nested(kind).replaceAll("'", `'"'"'`)}; exit $?'`, "");
      const rows = await eventually(async () => {
        const found = await allRows(sandbox);
        assert.equal(found.length, 2, terminal.output());
        return found;
      });
      const [inner, outer] = byPid(rows);
      assert.deepEqual([outer?.parent_session, inner?.parent_session], [null, outer?.session_id]);
      assert.deepEqual([inner?.login_uid, inner?.login_user, inner?.tty], [stranger, null, outer?.tty]);
      const tree = await runWell(sandbox, ["list", "--tree"]);
      assert.match(tree, new RegExp(`\\n${outer?.session_id} .*\\n└ ${inner?.session_id} `));
    });
  }
});

/** The shell around first: it has the process that is the other's parent. */
function byPid(rows: readonly SessionRow[]): readonly SessionRow[] {
  return rows.toSorted((a, b) => Number(a.parent_session === null) - Number(b.parent_session === null));
}

/** A process below this one that stays, and one below that. */
async function family(t: TestContext) {
  const outer = spawn("bash", ["-c", 'sleep 1000 & echo "$!"; wait; :'], { stdio: ["ignore", "pipe", "ignore"] });
  t.after(() => outer.kill("SIGKILL"));
  const inner = await new Promise<number>((resolve) => outer.stdout.once("data", (data) => resolve(Number(data))));
  t.after(() => killAny(inner));
  return { outer, inner };
}

function killAny(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // The test has killed it.
  }
}

const fieldsOf = (pid: number, more: Readonly<Record<string, string | Buffer>> = {}) => ({
  time: String(Date.now() / 1000),
  pid: String(pid),
  shell: "bash",
  cwd: "/",
  ...more,
});

test("a shell whose file is read before that of the shell around it has that as its parent all the same", async (t) => {
  const sandbox = createSandbox(t);
  const left = leftBehind(sandbox);
  const { outer, inner } = await family(t);
  left.file(outer, [recordBytes("start/1", fieldsOf(outer.pid ?? 0, { component: "outer" }))]);
  const child = left.file({ pid: inner } as typeof outer, [
    recordBytes("start/1", fieldsOf(inner, { component: "inner" })),
  ]);
  await runWell(sandbox, ["start", "--state-file", child, "--written"]);
  const rows = await allRows(sandbox);
  const idOf = (component: string) => rows.find(({ component_name }) => component_name === component)?.session_id;
  assert.equal(rows.length, 2);
  assert.equal(rows.find(({ component_name }) => component_name === "inner")?.parent_session, idOf("outer"));
});

for (const [name, change, expected] of [
  ["and all else", {}, "known"],
  ["but another start", { startTicks: "1" }, null],
  ["of another boot", { bootId: "other" }, null],
  ["of another namespace", { pidNamespace: "1" }, null],
  ["of another host", { hostId: "other" }, null],
] as const) {
  test(`a process above with the pid of one on record ${name} is ${expected ? "the" : "nobody's"} parent`, async (t) => {
    const sandbox = createSandbox(t);
    const { outer, inner } = await family(t);
    await runWell(sandbox, ["start", "--pid", String(inner), "--component", "before"]);
    const [before] = await withStore(sandbox, (store) => store.sessions({}));
    assert.ok(before?.process);
    const pid = outer.pid ?? 0;
    const { startTicks = null } = createProcProcesses().stat(pid) ?? {};
    const process = { ...before.process, pid, startTicks, executable: null, exeId: null, comm: null, ...change };
    await recordHistory(sandbox, [{ id: "known", from: "2026-03-10T08:00:00Z", process }]);
    await runWell(sandbox, ["start", "--pid", String(inner), "--component", "after"]);
    const row = (await allRows(sandbox)).find(({ component_name }) => component_name === "after");
    assert.equal(row?.parent_session, expected);
  });
}

test("a file beside that cannot be recorded keeps no shell from its record", async (t) => {
  const sandbox = createSandbox(t);
  const left = leftBehind(sandbox);
  const { outer, inner } = await family(t);
  left.file(outer, [Buffer.from("nothing of a shell")]);
  const child = left.file({ pid: inner } as typeof outer, [recordBytes("start/1", fieldsOf(inner))]);
  await runWell(sandbox, ["start", "--state-file", child, "--written"]);
  assert.deepEqual(
    (await allRows(sandbox)).map(({ pid, parent_session }) => [pid, parent_session]),
    [[inner, null]],
  );
});

test("of a shell that is gone, what it said itself is on record as its claim, and nobody is taken for its parent", async (t) => {
  const sandbox = createSandbox(t);
  const left = leftBehind(sandbox);
  const { outer, inner } = await family(t);
  await runWell(sandbox, ["start", "--pid", String(outer.pid)]);
  const file = left.file({ pid: inner } as typeof outer, [
    recordBytes(
      "start/1",
      fieldsOf(inner, { tty: "34824", login_uid: "0", audit_session: "17", via: "sudo:les", remote: "192.0.2.1 1" }),
    ),
    recordBytes("end/1", { time: String(Date.now() / 1000), code: "0", reason: "exit" }),
  ]);
  process.kill(inner, "SIGKILL");
  await eventually(() => assert.throws(() => readFileSync(`/proc/${inner}/exe`)));
  await runWell(sandbox, ["end", "--state-file", file]);
  const row = (await allRows(sandbox)).find(({ pid }) => pid === inner);
  assert.deepEqual(
    [row?.tty, row?.login_user, row?.audit_session, row?.via, row?.remote, row?.parent_session],
    ["pts/8", "root", 17, "sudo:les", null, null],
  );
  const told = await toldOf(sandbox, row?.session_id);
  assert.deepEqual(new Set(told.map(({ source }) => source)), new Set(["hook"]));
});

test("what has the pid of a shell by now tells nothing of where the shell was opened", async (t) => {
  const sandbox = createSandbox(t);
  const { inner } = await family(t);
  const [bootId = ""] = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").split("\n");
  const file = join(leftBehind(sandbox).folder, `${bootId}.${inner}.1`);
  writeFileSync(file, recordBytes("start/1", fieldsOf(inner, { via: "sudo:les" })), { mode: 0o600 });
  await runWell(sandbox, ["start", "--state-file", file, "--written"]);
  const [row] = await allRows(sandbox);
  assert.deepEqual([row?.uid, row?.container, row?.via], [null, null, "sudo:les"]);
});

test("bytes that are no text in the environment of a typed start are kept as marks", async (t) => {
  const sandbox = createSandbox(t);
  const script = `TERM_PROGRAM=$'a\\xff\\e[2J' TMUX=$'/tmp/\\xfe,1,0' TMUX_PANE=%1 '${launcher}' start; :`;
  const { status, stderr } = await runToEnd("bash", ["-c", script], { env: sandbox.env });
  assert.deepEqual([status, stderr], [0, ""]);
  const [row] = await allRows(sandbox);
  assert.deepEqual([row?.terminal_program, row?.multiplexer], ["a\uFFFD\u001b[2J", "tmux:/tmp/\uFFFD:%1"]);
  const text = await runWell(sandbox, ["show", String(row?.session_id)]);
  assert.match(text, /terminal_program +a\uFFFD\\x1b\[2J \(command\)/);
});

test("a shell that claims another login and terminal than the kernel's has those of the kernel", async (t) => {
  const sandbox = createSandbox(t);
  const left = leftBehind(sandbox);
  const child = spawn("sh", ["-c", `echo ${stranger} > /proc/self/loginuid; exec sleep 1000`], { stdio: "ignore" });
  t.after(() => child.kill("SIGKILL"));
  await eventually(() => assert.equal(readFileSync(`/proc/${child.pid}/comm`, "utf8"), "sleep\n"));
  const claims = { login_uid: "0", audit_session: "1", via: "doas:les" };
  const file = left.file(child, [recordBytes("start/1", fieldsOf(child.pid ?? 0, claims))]);
  await runWell(sandbox, ["start", "--state-file", file, "--written"]);
  const [row] = await allRows(sandbox);
  const session = Number(readFileSync(`/proc/${child.pid}/sessionid`, "utf8"));
  assert.deepEqual([row?.login_uid, row?.login_user, row?.audit_session], [stranger, null, session]);
  const told = await toldOf(sandbox, row?.session_id);
  assert.deepEqual(
    told.filter(({ source }) => source !== "kernel").map(({ name }) => name),
    ["via"],
  );
});

const hostile: readonly (readonly [name: string, value: string | Buffer, shown: RegExp])[] = [
  ["control characters", "\u001b]0;owned\u0007\u001b[2J", /\\x1b\]0;owned\\x07\\x1b\[2J/],
  ["line ends", "a\nstate ended\r", /a\\nstate ended\\r/],
  ["what turns text round", "a\u202egnp.exe", /a\\u202egnp\.exe/],
  ["bytes that are no text", Buffer.from([0x61, 0xff, 0xc0, 0x80]), /a\\xff\\xc0\\x80/],
  ["a huge text", "x".repeat(25_000), /x{254}…/],
];
for (const [name, value, shown] of hostile) {
  test(`${name} in the names of terminal program and multiplexer stay short and harm no terminal`, async (t) => {
    const sandbox = createSandbox(t);
    const left = leftBehind(sandbox);
    const child = spawn("sleep", ["1000"], { stdio: "ignore" });
    t.after(() => child.kill("SIGKILL"));
    const said = { terminal_program: value, via: Buffer.concat([Buffer.from("sudo:"), Buffer.from(value)]) };
    const fields = fieldsOf(child.pid ?? 0, said);
    const file = left.file(child, [recordBytes("start/1", fields)]);
    await runWell(sandbox, ["start", "--state-file", file, "--written"]);
    const [row] = await allRows(sandbox);
    assert.ok([...String(row?.terminal_program)].length <= 255);
    for (const args of [
      ["show", String(row?.session_id)] as const,
      ["why", String(row?.session_id)] as const,
      ["list"] as const,
    ]) {
      const text = await runWell(sandbox, args);
      for (const character of text) assert.ok(character === "\n" || !/[\p{Cc}\p{Cf}]/u.test(character), args[0]);
      if (args[0] !== "list") assert.match(text, shown, args[0]);
    }
  });
}

/** Waits until the program that a shell started has brought it on record: nobody else reads its file until then. */
async function recordedByCourier(sandbox: Sandbox): Promise<SessionRow | undefined> {
  const folder = join(sandbox.home, "shells");
  await eventually(() => {
    const [name = ""] = readdirSync(folder).filter((name) => !name.startsWith("."));
    assert.ok(readFileSync(join(folder, name)).includes("session/1"), name);
  });
  return (await allRows(sandbox))[0];
}

const secret = "recognisable-secret-of-an-environment";

test("of the environment of a shell nothing but what is named is on record, in no file", async (t) => {
  const sandbox = createUsedSandbox(t);
  const env = {
    SUDO_USER: "les",
    SUDO_COMMAND: `/bin/cat ${secret}`,
    SUDO_GID: secret,
    SSH_AUTH_SOCK: `/tmp/${secret}`,
    SSH_CONNECTION: "192.0.2.77 51413 192.0.2.78 22",
    SSH_CLIENT: secret,
    TMUX: `/tmp/socket,${secret},0`,
    TMUX_PANE: "%3",
    TERM_PROGRAM: "ghostty",
    TERM_PROGRAM_VERSION: secret,
    PASSWORD: secret,
  };
  const terminal = await openShell(t, sandbox, "bash", { env });
  const row = await recordedByCourier(sandbox);
  assert.deepEqual(
    [row?.via, row?.multiplexer, row?.terminal_program, row?.remote],
    ["sudo:les", "tmux:/tmp/socket:%3", "ghostty", null],
  );
  await runLine(terminal, `'${launcher}' start --component typed`);
  const typed = (await allRows(sandbox)).find(({ component_name }) => component_name === "typed");
  assert.deepEqual([typed?.via, typed?.multiplexer], ["sudo:les", "tmux:/tmp/socket:%3"]);
  const told = await toldOf(sandbox, typed?.session_id);
  assert.deepEqual(
    told.filter(({ source }) => source === "command").map(({ name }) => name),
    ["via", "multiplexer", "terminal_program"],
  );
  for (const path of readdirSync(sandbox.home, { recursive: true, encoding: "utf8" })) {
    const bytes = await readFile(join(sandbox.home, path));
    for (const word of [secret, "192.0.2.7"]) assert.ok(!bytes.includes(word), `${word} is in ${path}`);
  }
});

async function readFile(path: string): Promise<Buffer> {
  const { stdout } = await runToEnd("sh", ["-c", 'test -d "$1" || base64 -w 0 "$1"', "sh", path], {
    env: process.env as Record<string, string>,
  });
  return Buffer.from(stdout, "base64");
}

for (const [setting, expected] of [
  ["no", null],
  ["yes", "192.0.2.77 51413"],
] as const) {
  test(`with the setting remote ${setting}, a shell and a typed start have ${expected ?? "no address"}`, async (t) => {
    const sandbox = createUsedSandbox(t);
    const env = { SSH_CONNECTION: "192.0.2.77 51413 192.0.2.78 22", SESSION_BUDDY_REMOTE: setting };
    const terminal = await openShell(t, sandbox, "bash", { env });
    assert.equal((await recordedByCourier(sandbox))?.remote, expected);
    await runLine(
      terminal,
      `'${launcher}' start --component typed; '${launcher}' start --component file --state-file f`,
    );
    for (const found of await allRows(sandbox)) assert.equal(found.remote, expected, String(found.component_name));
    await runLine(terminal, "export TMUX=/tmp/socket,1,0 TMUX_PANE=%1");
    await runLine(terminal, `'${launcher}' start --component pane`);
    const pane = (await allRows(sandbox)).find(({ component_name }) => component_name === "pane");
    assert.deepEqual([pane?.multiplexer, pane?.remote], ["tmux:/tmp/socket:%1", null]);
  });
}
