/** Proves that the service which an installation tells of runs as its own user, and puts a user's shell on record. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { lstatSync } from "node:fs";
import { type TestContext, test } from "node:test";
import { eventually } from "../../support/eventually.ts";
import { createTestMachine, type TestMachine } from "../../support/installed-machine.ts";
import { openShell } from "../../support/shells/spool.ts";

/** Runs the line that an installation prints, until the test is done. */
async function startService(t: TestContext, machine: TestMachine, line: string): Promise<void> {
  const [program = "", ...args] = [...machine.under, "sh", "-c", line];
  const port = { SESSION_BUDDY_PORT: "0" };
  const child = spawn(program, args, {
    env: { ...machine.env, ...port },
    detached: true,
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  t.after(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    // su(1) tells its child, which ends as a server does.
    process.kill(-(child.pid ?? 0), "SIGTERM");
    await once(child, "exit");
  });
  await eventually(() => assert.match(said, /Serving MCP: .*socket=\/run\/session-buddy\/socket/));
}

test("run by the line that it prints, the service keeps the record of a user's shell as its own user", async (t) => {
  const machine = await createTestMachine(t, { hasNode: false });
  const rows = await machine.rows(["install", "--system"]);
  const line = rows.find(({ part }) => part === "service")?.remedy?.replace(/^.* as root: /, "") ?? "";
  await startService(t, machine, line);
  const again = await machine.rows(["install", "--system"]);
  assert.deepEqual(
    new Set(again.map(({ action }) => action)),
    new Set(["unchanged"]),
    "now there is nothing left to do",
  );

  const uid = Number(await machine.shell("id -u session-buddy"));
  assert.equal(lstatSync(machine.at("/var/lib/session-buddy/sessions.db")).uid, uid);
  assert.equal(lstatSync(machine.at("/run/session-buddy/socket")).uid, uid);
  // A user id that no user of another test has, whose processes are killed when that test is done.
  await machine.shell("useradd --no-create-home --uid 4712 eve");
  const eve = {
    under: [...machine.under, "setpriv", "--reuid=eve", "--regid=eve", "--clear-groups"],
    home: "/",
  };
  const shell = await openShell(t, "/var/spool/session-buddy/shells", eve);
  await eventually(async () => {
    const { machine: record } = JSON.parse((await machine.buddy(["status", "--json"])).stdout);
    assert.equal(record.open_shells, 1);
  });
  await shell.exit(3);
  await eventually(async () => {
    const { stdout } = await machine.run(["session-buddy", "list", "--all", "--json"]);
    const sessions: { username: string; state: string; exit_code: number }[] = JSON.parse(stdout);
    assert.deepEqual(
      sessions.map(({ username, state, exit_code }) => [username, state, exit_code]),
      [["eve", "ended", 3]],
    );
  });
  const status = JSON.parse((await machine.buddy(["status", "--json"])).stdout);
  assert.deepEqual([status.machine.open_shells, status.service.answers], [0, true]);
});
