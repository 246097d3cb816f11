/** Proves that the id of the host survives a power cut, and that a file without one is made anew once and told. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { allRows, runWell } from "../support/rows.ts";
import { createSandbox, launcher, runToEnd, type Sandbox } from "../support/sandbox.ts";
import { killed, openSession } from "../support/shells/processes.ts";
import { createCuttableDisk } from "../support/store/power.ts";

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const idIn = (path: string) => readFileSync(path, "utf8").split("\n")[0] ?? "";
const hostIdOf = ({ home }: Sandbox) => join(home, "host-id");

/** A session of its own of this process. @returns its id */
async function started(sandbox: Sandbox, component: string, env: Readonly<Record<string, string>> = {}) {
  return (await runWell(sandbox, ["start", "--component", component], { env })).trim();
}

async function findings(sandbox: Sandbox) {
  const { stdout } = await sandbox.run(["doctor", "--json"]);
  const found: { check: string; level: string; words: string }[] = JSON.parse(stdout);
  return found.filter(({ check }) => check === "host id").map(({ level, words }) => `${level}: ${words}`);
}

for (const round of [1, 2, 3]) {
  test(`what the first start made is there after a power cut (${round})`, async (t) => {
    const disk = createCuttableDisk(t);
    const env = { ...createSandbox(t).env, SESSION_BUDDY_HOME: join(disk.folder, "deep", "sb") };
    const start = await runToEnd(launcher, ["start"], { env });
    assert.equal(start.status, 0, start.stderr);
    const set = await runToEnd(launcher, ["config", "set", "port", "1234"], { env });
    assert.equal(set.status, 0, set.stderr);
    const id = idIn(join(env.SESSION_BUDDY_HOME, "host-id"));
    disk.cut();
    assert.match(id, uuid);
    assert.equal(idIn(join(env.SESSION_BUDDY_HOME, "host-id")), id);
    assert.equal((await runToEnd(launcher, ["config", "get", "port"], { env })).stdout, "1234\n");
    const { stdout } = await runToEnd(launcher, ["show", start.stdout.trim(), "--json"], { env });
    assert.ok(stdout.includes(id), "the session is on record with it");
  });
}

/** What a file may hold that is no id. */
const unusable: readonly (readonly [name: string, content: string])[] = [
  ["nothing", ""],
  ["zeros", "\0".repeat(70)],
  ["another text", "recognisable-line-of-a-secret\n"],
  ["too much", `${"33333333-3333-4333-8333-333333333333\n".repeat(100)}`],
];

for (const [name, content] of unusable) {
  test(`a host id file that holds ${name} is made anew once, and doctor says so`, async (t) => {
    const sandbox = createSandbox(t);
    const before = (await runWell(sandbox, ["start"])).trim();
    assert.deepEqual(await findings(sandbox), []);
    writeFileSync(hostIdOf(sandbox), content);
    const { id, child } = await openSession(t, sandbox);
    const made = readFileSync(hostIdOf(sandbox), "utf8");
    assert.match(idIn(hostIdOf(sandbox)), uuid);
    assert.equal(statSync(hostIdOf(sandbox)).mode & 0o777, 0o600);
    await killed(child);
    assert.equal((await allRows(sandbox)).find((row) => row.session_id === id)?.state, "orphaned");
    assert.equal(readFileSync(hostIdOf(sandbox), "utf8"), made);
    const [finding = "", ...others] = await findings(sandbox);
    assert.match(finding, /^note: the host id \S+\/host-id held none, and was made anew at \d{4}-\d\d-\d\dT\S+Z; /);
    assert.ok(finding.endsWith(`; open since before, and not closed by themselves: ${before}`), finding);
    assert.deepEqual(others, []);
    assert.deepEqual(
      readdirSync(sandbox.home).filter((file) => file.startsWith("host-id")),
      ["host-id"],
    );
  });
}

test("many that find the same empty file at once all have the same id", async (t) => {
  const sandbox = createSandbox(t);
  await runWell(sandbox, ["start"]);
  writeFileSync(hostIdOf(sandbox), "");
  const ids = await Promise.all(Array.from({ length: 12 }, (_, n) => started(sandbox, `c${n}`)));
  const told = await Promise.all(ids.map((id) => runWell(sandbox, ["show", id, "--json"])));
  const hostIds = new Set(told.map((text) => /"host_id":\s*"([^"]+)"/.exec(text)?.[1]));
  assert.deepEqual([...hostIds], [idIn(hostIdOf(sandbox))]);
});

/** Things in the place of a file that would be waited for, or that are another kind. */
const strange: readonly (readonly [name: string, make: (path: string) => unknown])[] = [
  ["a FIFO", (path) => execFileSync("mkfifo", [path])],
  ["a device", (path) => execFileSync("mknod", [path, "c", "1", "5"])],
  ["a folder", (path) => mkdirSync(path)],
];

for (const [name, make] of strange) {
  test(`${name} in the place of the host id is not waited for and not touched; doctor names it`, async (t) => {
    const sandbox = createSandbox(t);
    await runWell(sandbox, ["start"]);
    rmSync(hostIdOf(sandbox));
    make(hostIdOf(sandbox));
    const before = statSync(hostIdOf(sandbox)).ino;
    await started(sandbox, "later");
    assert.equal(statSync(hostIdOf(sandbox)).ino, before);
    assert.match(
      (await findings(sandbox)).join(),
      /^problem: the host id \S+ cannot be used: it is not a regular file/,
    );
  });

  test(`${name} in the place of settings, a secret, keys, the database or a log file is refused in words`, async (t) => {
    const sandbox = createSandbox(t);
    await runWell(sandbox, ["start"]);
    const path = join(sandbox.folder, "strange");
    make(path);
    chmodSync(path, 0o600);
    for (const variable of ["SESSION_BUDDY_SECRET_FILE", "SESSION_BUDDY_KEYS_FILE"]) {
      const outcome = await sandbox.run(["token", "create", "--user-id", "ci"], { env: { [variable]: path } });
      assert.deepEqual([outcome.status, outcome.stdout], [4, ""]);
      assert.match(outcome.stderr, new RegExp(`^session-buddy: ${variable} cannot be read: it is not a regular file`));
    }
    await started(sandbox, "later", { SESSION_BUDDY_LOG_FILE: path });
    assert.ok(existsSync(path));
    make(join(sandbox.home, "settings.json"));
    const settings = await sandbox.run(["list"]);
    assert.equal(settings.status, 3);
    assert.match(settings.stderr, /the settings file \S+ cannot be used: it is not a regular file/);
    rmSync(join(sandbox.home, "settings.json"), { recursive: true });
    for (const ending of ["", "-wal", "-shm"]) rmSync(join(sandbox.home, `sessions.db${ending}`), { force: true });
    make(join(sandbox.home, "sessions.db"));
    const database = await sandbox.run(["list"]);
    assert.equal(database.status, 5);
    assert.match(database.stderr, /the database \S+ cannot be opened: it is not a regular file/);
  });
}
