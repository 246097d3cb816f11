/** Proves that what is installed for the machine is for every user of it, as the service is for its own. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { eventually } from "../../support/eventually.ts";
import { createTestMachine } from "../../support/installed-machine.ts";
import { openTerminal } from "../../support/shells/pty.ts";
import { openShell } from "../../support/shells/spool.ts";

const install = ["install", "--system"];
const spool = "/var/spool/session-buddy/shells";
const asUser = ["setpriv", "--reuid=4711", "--regid=4711", "--clear-groups"];

test("a user with nothing but a home runs the program, with the Node.js that it brings", async (t) => {
  const machine = await createTestMachine(t, { hasNode: false });
  await machine.rows(install);
  await machine.shell("mkdir /home/eve; chown 4711:4711 /home/eve");
  const env = { HOME: "/home/eve", PATH: "/usr/local/bin:/bin" };
  const { status, stdout, stderr } = await machine.run([...asUser, "session-buddy", "status", "--json"], { env });
  assert.deepEqual([status, stderr], [0, ""]);
  const { machine: record, program, spool, personal } = JSON.parse(stdout);
  assert.deepEqual(record, { database: "/var/lib/session-buddy/sessions.db", exists: null, open_shells: null });
  assert.match(program.version, /^\d+\.\d+\.\d+$/);
  assert.equal(spool.state, "in order");
  assert.deepEqual(personal, {
    database: "/home/eve/.local/share/session-buddy/sessions.db",
    exists: false,
    open_shells: 0,
  });
});

test("the status is read on a terminal of 80 columns", async (t) => {
  const machine = await createTestMachine(t);
  await machine.rows(install);
  for (const words of [["status"], ["status", "--help"], ["install", "--help"], ["uninstall", "--help"]]) {
    const [program = "", ...args] = [...machine.under, "session-buddy", ...words];
    const terminal = openTerminal(t, program, args, { env: { ...machine.env, TERM: "dumb" }, cwd: "/" });
    assert.equal((await terminal.ended()).code, 0);
    const lines = terminal.output().trimEnd().split("\r\n");
    assert.ok(lines.length > 5);
    assert.deepEqual(
      lines.filter((line) => line.length > 80),
      [],
    );
    if (words.length === 2) assert.match(terminal.output(), /\nExamples?:\r\n {2}\$ /);
  }
});

/** @returns the system calls of a group, as systemd has it (systemd.exec(5)) */
function callsOf(group: string): ReadonlySet<string> {
  const text = execFileSync("systemd-analyze", ["syscall-filter", group], { encoding: "utf8" });
  const lines = text.split("\n").map((line) => line.trim());
  const names = lines.filter((line) => line !== "" && line !== group && !line.startsWith("#"));
  return new Set(names.flatMap((name) => (name.startsWith("@") ? [...callsOf(name)] : [name])));
}

test("the service makes no system call that its unit forbids", async (t) => {
  const machine = await createTestMachine(t);
  await machine.rows(install);
  const unit = readFileSync(machine.at("/etc/systemd/system/session-buddy.service"), "utf8");
  const [, allowed = ""] = /^SystemCallFilter=(@\S+)$/m.exec(unit) ?? [];
  const [, forbidden = ""] = /^SystemCallFilter=~(.+)$/m.exec(unit) ?? [];
  const without = new Set(forbidden.split(" ").flatMap((group) => [...callsOf(group)]));
  const calls = new Set([...callsOf(allowed)].filter((name) => !without.has(name)));
  assert.ok(calls.size > 200);

  await machine.shell("install -d -o session-buddy -g session-buddy /run/session-buddy");
  const service = [
    "setpriv",
    "--reuid=session-buddy",
    "--regid=session-buddy",
    "--clear-groups",
    "strace",
    "-f",
    "-qq",
  ];
  const words = [
    ...service,
    "-o",
    "/var/lib/session-buddy/trace",
    "session-buddy",
    "serve",
    "--port",
    "0",
    "--spool",
    spool,
  ];
  const [program = "", ...args] = [...machine.under, ...words];
  const env = { ...machine.env, SESSION_BUDDY_HOME: "/var/lib/session-buddy", TERM: "dumb" };
  const terminal = openTerminal(t, program, args, { env, cwd: "/" });
  await terminal.find(/url=http:\S+\/mcp/);
  const shell = await openShell(t, spool, { under: [...machine.under, ...asUser], home: "/" });
  await eventually(async () => {
    const { machine: record } = JSON.parse((await machine.buddy(["status", "--json"])).stdout);
    assert.equal(record.open_shells, 1);
  });
  await shell.exit(3);
  await eventually(() =>
    assert.deepEqual(
      readdirSync(machine.at(spool)).filter((name) => !name.startsWith(".")),
      [],
    ),
  );
  const url = new URL("/health", /url=(\S+)\/mcp/.exec(terminal.output())?.[1]);
  await eventually(async () => assert.ok((await fetch(url)).ok));
  terminal.type("\x03");
  await terminal.ended();
  const trace = readFileSync(machine.at("/var/lib/session-buddy/trace"), "utf8");
  const made = new Set([...trace.matchAll(/^\d+ +(?:<\.\.\. )?(\w+)[( ]/gm)].map(([, name = ""]) => name));
  assert.ok(made.has("openat") && made.has("execve"), "it is traced");
  assert.deepEqual(
    [...made].filter((name) => !calls.has(name)),
    [],
  );
});
