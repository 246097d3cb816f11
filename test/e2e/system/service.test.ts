/** Proves that the service's unit is understood by systemd, is closed off well, and is started where systemd runs. */
import assert from "node:assert/strict";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { createTestMachine, type TestMachine } from "../../support/installed-machine.ts";

const install = ["install", "--system"];
const unit = "/etc/systemd/system/session-buddy.service";

test("systemd understands the unit, and finds that it is closed off", async (t) => {
  const machine = await createTestMachine(t);
  await machine.rows(install);
  const verified = await machine.run(["systemd-analyze", "verify", unit]);
  assert.deepEqual([verified.status, verified.stdout, verified.stderr], [0, "", ""]);
  const { stdout } = await machine.run(["systemd-analyze", "security", "--offline=yes", unit]);
  const exposure = Number(/Overall exposure level for \S+: (\d+\.\d+)/.exec(stdout)?.[1]);
  assert.ok(exposure < 2, stdout);
  const text = readFileSync(machine.at(unit), "utf8");
  // It proves by the processes of all users which shells are alive, and answers the programs of all.
  assert.doesNotMatch(text, /^(?:ProtectProc|ProcSubset|PrivateUsers|PrivateNetwork|PrivatePIDs)=/m);
  assert.match(text, /^ExecStart=\/usr\/local\/lib\/session-buddy\/bin\/session-buddy serve --spool \S+\/shells$/m);
});

/** In the place of systemctl: a systemd that runs one service, which is any process, and writes down what it is told. */
const fakeSystemctl = `#!/bin/sh
echo "$*" >> /run/told
case $1 in
  show)
    echo "ActiveState=$(if [ -e /run/pid ]; then echo active; else echo inactive; fi)"
    echo "MainPID=$(cat /run/pid 2>/dev/null || echo 0)" ;;
  restart)
    [ -e /run/refuse ] && { echo "Job for session-buddy.service failed." >&2; exit 1; }
    [ -e /run/pid ] && kill "$(cat /run/pid)"
    setsid sleep 1000 >/dev/null 2>&1 &
    echo $! > /run/pid ;;
  stop) kill "$(cat /run/pid)"; rm /run/pid ;;
esac
`;

async function withSystemd(t: TestContext): Promise<{ machine: TestMachine; told(): Promise<string[]> }> {
  const machine = await createTestMachine(t);
  const file = join(machine.folder, "systemctl");
  writeFileSync(file, fakeSystemctl);
  chmodSync(file, 0o755);
  await machine.shell(`mkdir -p /run/systemd/system; ln -s ${file} /usr/local/bin/systemctl`);
  return {
    machine,
    async told() {
      const lines = await machine.shell("cat /run/told 2>/dev/null; rm -f /run/told");
      return lines.split("\n").filter((line) => line !== "" && !line.startsWith("show "));
    },
  };
}

const serviceOf = async (machine: TestMachine, args: readonly string[]) =>
  (await machine.rows(args)).find(({ part }) => part === "service")?.action;

test("where systemd runs, the service is started, started again after an update alone, and stopped", async (t) => {
  const { machine, told } = await withSystemd(t);
  t.after(() => machine.shell("[ ! -e /run/pid ] || kill $(cat /run/pid)").catch(() => {}));
  assert.equal(await serviceOf(machine, [...install, "--dry-run"]), "started");
  assert.deepEqual(await told(), []);
  assert.equal(await serviceOf(machine, install), "started");
  assert.deepEqual(await told(), ["daemon-reload", "daemon-reload", "restart session-buddy.service"]);
  assert.equal(await serviceOf(machine, install), "unchanged");
  assert.deepEqual(await told(), []);

  writeFileSync(join(machine.folder, "program/LICENSE"), "another\n");
  assert.equal(await serviceOf(machine, install), "restarted");
  assert.deepEqual(await told(), ["restart session-buddy.service"]);
  assert.equal(await serviceOf(machine, install), "unchanged");

  const status = JSON.parse((await machine.buddy(["status", "--json"])).stdout);
  assert.deepEqual([status.service.active, status.service.answers, status.service.is_current], ["active", false, true]);
  await machine.shell(`touch ${unit}`);
  assert.equal(await serviceOf(machine, install), "restarted", "as after a run that was killed before this step");

  await told();
  assert.equal(await serviceOf(machine, ["uninstall", "--system"]), "stopped");
  assert.deepEqual(await told(), ["stop session-buddy.service", "daemon-reload"]);
});

test("a service that does not start is told of, and the rest is done", async (t) => {
  const { machine } = await withSystemd(t);
  await machine.shell(": > /run/refuse");
  const { status, stdout, stderr } = await machine.buddy(install);
  assert.equal(status, 1);
  assert.match(
    stderr,
    /^session-buddy: service: session-buddy\.service: \S+systemctl restart session-buddy\.service: Job for /,
  );
  assert.match(stdout, /^zsh hook: \/etc\/zsh\/zshrc: was added/m);
});

test("where there is no systemd, it says what to run", async (t) => {
  const machine = await createTestMachine(t);
  await machine.shell("mount --bind /dev/null /usr/bin/systemctl");
  const { stdout } = await machine.buddy(install);
  assert.doesNotMatch(stdout, /^unit/m);
  assert.match(
    stdout,
    /^service: session-buddy\.service: is yours to run \(there is no systemd here\)\n {2}→ have what starts services here run this as root: install -d .* su -s \/bin\/sh session-buddy -c '.* serve --spool .*'$/m,
  );
});

test("doctor and hook status know what is installed for the machine, and say what is wrong with it", async (t) => {
  const machine = await createTestMachine(t);
  await machine.rows(install);
  const findings = async () => {
    const all: { check: string; level: string; words: string; remedy: string }[] = JSON.parse(
      (await machine.buddy(["doctor", "--json"])).stdout,
    );
    return all.filter(({ check }) => check.startsWith("machine") || check.startsWith("hook"));
  };
  const levels = async () => (await findings()).map(({ check, level }) => `${check}: ${level}`);
  const hooks = ["hook bash: ok", "hook zsh: ok", "hook fish: ok"];
  assert.deepEqual(await levels(), ["machine program: ok", "machine spool: ok", "machine service: problem", ...hooks]);
  const status = await machine.buddy(["hook", "status"]);
  assert.equal(status.status, 0, status.stdout);
  assert.match(status.stdout, /^bash +hook +installed +\/etc\/bash\.bashrc$/m);

  await machine.shell(
    "chmod 755 /var/spool/session-buddy/shells; rm -r /usr/local/lib/session-buddy/node_modules; sed -i 's/^if status/#/' /etc/fish/conf.d/session-buddy.fish",
  );
  const wrong = await findings();
  assert.deepEqual(
    wrong.filter(({ level }) => level === "problem").map(({ check, remedy }) => [check, remedy.slice(0, 30)]),
    [
      ["machine program", "have an administrator run: sud"],
      ["machine spool", "have an administrator run: sud"],
      ["machine service", "start it as root, with /run/se"],
      ["hook fish", "sudo session-buddy hook instal"],
    ],
  );
  assert.equal((await machine.buddy(["hook", "status"])).status, 1);
  await machine.rows(install);
  assert.deepEqual(await levels(), ["machine program: ok", "machine spool: ok", "machine service: problem", ...hooks]);
});

test("a spool whose disk is full is told of once, and status does not call it in order", async (t) => {
  const machine = await createTestMachine(t);
  await machine.rows(install);
  await machine.shell(`cd /var/spool/session-buddy
    mount -t tmpfs -o size=16k,mode=3733,uid=$(id -u session-buddy),gid=$(id -g session-buddy) none shells
    cat /dev/zero > shells/.filler 2>/dev/null || :`);
  const all: { check: string; level: string; words: string; remedy: string }[] = JSON.parse(
    (await machine.buddy(["doctor", "--json"])).stdout,
  );
  const told = all.filter(({ check }) => check === "machine spool");
  assert.deepEqual(
    told.map(({ level, remedy }) => [level, remedy]),
    [["problem", "make room on it"]],
  );
  assert.match(
    told[0]?.words ?? "",
    /^\/var\/spool\/session-buddy\/shells lies on a disk that is full, so that shells /,
  );
  const status = JSON.parse((await machine.buddy(["status", "--json"])).stdout);
  assert.deepEqual([status.spool.state, status.spool.reason], ["wrong", "lies on a disk that is full"]);
});
