/** Proves that root enrolls the record of the machine: by a process of its service, whose the key is, with a timer that sends. */
import assert from "node:assert/strict";
import { existsSync, readFileSync, statSync } from "node:fs";
import { test } from "node:test";
import { createTestMachine } from "../../support/installed-machine.ts";
import { runWell } from "../../support/rows.ts";
import { createSandbox } from "../../support/sandbox.ts";

const file = "/var/lib/session-buddy/destinations/central.json";
const units = ["service", "timer"].map((ending) => `/etc/systemd/system/session-buddy-deliver.${ending}`);

test("root enrolls the record of the machine, gives it another key, and takes it away", async (t) => {
  const centre = createSandbox(t);
  const server = await centre.serve();
  const url = new URL(server.url).origin;
  const invite = await runWell(centre, ["host", "invite", "web-01", "--any-user", "--url", url, "--json"]);
  const input = JSON.parse(invite).invite;
  const machine = await createTestMachine(t);
  await machine.rows(["install", "--system"]);
  // Whatever root has of its own is not what is meant, and not looked at.
  const env = { SESSION_BUDDY_HOME: "/home/admin/own" };
  const enrolled = await machine.buddy(["enroll", url, "--name", "central", "--json"], { input, env });
  assert.equal(enrolled.status, 0, enrolled.stderr);
  assert.equal(existsSync(machine.at("/home/admin/own")), false);
  const { origin, destination, name } = JSON.parse(enrolled.stdout);
  assert.deepEqual([destination, name], ["central", "web-01"]);
  assert.match(enrolled.stderr, /^What is there and what comes is sent to http:\S+ from the record of this machine: /);
  assert.equal(enrolled.stderr.match(/What is there/g)?.length, 1);
  const uid = Number(await machine.shell("id -u session-buddy"));
  const kept = statSync(machine.at(file));
  assert.deepEqual([kept.uid, kept.mode & 0o777], [uid, 0o600]);
  assert.equal(JSON.parse(readFileSync(machine.at(file), "utf8")).origin, origin);
  for (const unit of units) assert.equal(statSync(machine.at(unit)).mode & 0o777, 0o644);
  assert.match(readFileSync(machine.at(units[0] ?? ""), "utf8"), /^User=session-buddy$/m);

  const rotated = await machine.buddy(["host", "rotate", "--json"], { env });
  assert.equal(rotated.status, 0, rotated.stderr);
  assert.notEqual(JSON.parse(readFileSync(machine.at(file), "utf8")).kid, origin);
  const refused = await machine.buddy(["unenroll", "other"], { env });
  assert.equal(refused.status, 1);
  assert.match(refused.stderr, /^session-buddy: this record is not enrolled with 'other'/);
  const gone = await machine.buddy(["unenroll"], { env });
  assert.equal(gone.status, 0, gone.stderr);
  for (const path of [file, ...units]) assert.equal(existsSync(machine.at(path)), false, path);
});

test("an uninstallation takes the timer of the delivery away", async (t) => {
  const centre = createSandbox(t);
  const server = await centre.serve();
  const url = new URL(server.url).origin;
  const invite = await runWell(centre, ["host", "invite", "web-01", "--any-user", "--url", url, "--json"]);
  const machine = await createTestMachine(t);
  await machine.rows(["install", "--system"]);
  const enrolled = await machine.buddy(["enroll", url, "--name", "central"], { input: JSON.parse(invite).invite });
  assert.equal(enrolled.status, 0, enrolled.stderr);
  for (const unit of units) assert.ok(existsSync(machine.at(unit)), unit);
  await machine.rows(["uninstall", "--system"]);
  for (const unit of units) assert.equal(existsSync(machine.at(unit)), false, unit);
  assert.ok(existsSync(machine.at(file)), "the record stays, and with it where it is delivered");
});
