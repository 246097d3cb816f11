/** Proves which folders the program makes and trusts, where they lie, and that it refuses the others in words. */
import assert from "node:assert/strict";
import { chmodSync, chownSync, existsSync, mkdirSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { allRows, assertRefused, runWell } from "../support/rows.ts";
import { createSandbox, launcher, runToEnd, type Sandbox } from "../support/sandbox.ts";

const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);

/** Runs without SESSION_BUDDY_HOME, in the folders of the XDG specification. */
function runWithXdg(sandbox: Sandbox, args: readonly string[], env: Readonly<Record<string, string>>) {
  return runToEnd(launcher, args, { env: { PATH: sandbox.env.PATH ?? "", ...env }, cwd: sandbox.folder });
}

test("a missing data folder is made for its owner alone, whatever the umask, with everything in it", async (t) => {
  const sandbox = createSandbox(t);
  const script = `umask 000; "$0" start; umask 777; "$0" start --state-file state; "$0" config set port 1`;
  const { status, stderr } = await runToEnd("sh", ["-c", script, launcher], { env: sandbox.env, cwd: sandbox.folder });
  assert.deepEqual([status, stderr], [0, ""]);
  assert.equal(modeOf(sandbox.home), "700");
  for (const name of ["sessions.db", "host-id", "settings.json"]) {
    assert.equal(modeOf(join(sandbox.home, name)), "600", name);
  }
});

/** Data folders that are not what they should be, and the sentence about each. */
const untrusted: readonly (readonly [name: string, spoil: (home: string) => void, words: RegExp])[] = [
  ["open to other users", (home) => chmodSync(home, 0o755), /is open to other users \(mode 0755\).*chmod 700/],
  ["writable for its group", (home) => chmodSync(home, 0o770), /is open to other users \(mode 0770\).*chmod 700/],
  ["a file", replaceByFile, /is not a folder; move it away/],
];

function replaceByFile(home: string): void {
  rmSync(home, { recursive: true });
  writeFileSync(home, "");
}

for (const [name, spoil, words] of untrusted) {
  test(`a data folder that is ${name} is refused by every command`, async (t) => {
    const sandbox = createSandbox(t);
    mkdirSync(sandbox.home, { mode: 0o700 });
    spoil(sandbox.home);
    for (const args of [["start"], ["end", "id"], ["list"], ["show", "id"], ["serve", "--port", "0"]]) {
      assertRefused(await sandbox.run(args), 5, words);
    }
    assert.equal(existsSync(join(sandbox.home, "sessions.db")), false);
  });
}

test("a data folder of another user is refused", async (t) => {
  const sandbox = createSandbox(t);
  const words = /belongs to user id \d+, not to \d+; run as its owner, or set SESSION_BUDDY_HOME/;
  if (process.geteuid?.() !== 0) {
    // Only root can give a folder away; the root folder belongs to somebody else already.
    return assertRefused(await sandbox.run(["start"], { env: { SESSION_BUDDY_HOME: "/" } }), 5, words);
  }
  mkdirSync(sandbox.home, { mode: 0o700 });
  chownSync(sandbox.home, 12345, 12345);
  assertRefused(await sandbox.run(["start"]), 5, words);
});

test("a data folder behind a file, or below a folder that cannot be, is refused", async (t) => {
  const sandbox = createSandbox(t);
  writeFileSync(join(sandbox.folder, "file"), "");
  for (const home of [join(sandbox.folder, "file", "sb"), "/proc/session-buddy/sb"]) {
    assertRefused(
      await sandbox.run(["start"], { env: { SESSION_BUDDY_HOME: home } }),
      5,
      /the data folder \S+ cannot be/,
    );
  }
});

test("a data folder that is a link to a private one of ours works", async (t) => {
  const sandbox = createSandbox(t);
  mkdirSync(join(sandbox.folder, "real"), { mode: 0o700 });
  symlinkSync("real", sandbox.home);
  await runWell(sandbox, ["start"]);
  assert.equal((await allRows(sandbox)).length, 1);
  assert.equal(existsSync(join(sandbox.folder, "real", "sessions.db")), true);
});

test("without SESSION_BUDDY_HOME the folders are those of the XDG specification below HOME", async (t) => {
  const sandbox = createSandbox(t);
  const home = join(sandbox.folder, "home");
  assert.equal((await runWithXdg(sandbox, ["start"], { HOME: home })).status, 0);
  assert.equal((await runWithXdg(sandbox, ["config", "set", "port", "1"], { HOME: home })).status, 0);
  for (const path of [
    ".local/share/session-buddy/sessions.db",
    ".local/state/session-buddy/host-id",
    ".config/session-buddy/settings.json",
  ]) {
    assert.equal(modeOf(join(home, path)), "600", path);
    assert.equal(modeOf(join(home, path, "..")), "700", path);
  }
});

test("the XDG variables are followed where they are absolute, and ignored where they are relative or empty", async (t) => {
  const sandbox = createSandbox(t);
  const env = { HOME: join(sandbox.folder, "home"), XDG_DATA_HOME: join(sandbox.folder, "data") };
  const relative = { ...env, XDG_STATE_HOME: "state", XDG_CONFIG_HOME: "" };
  assert.equal((await runWithXdg(sandbox, ["start"], relative)).status, 0);
  assert.equal((await runWithXdg(sandbox, ["config", "set", "port", "1"], relative)).status, 0);
  assert.equal(existsSync(join(sandbox.folder, "data/session-buddy/sessions.db")), true);
  assert.equal(existsSync(join(sandbox.folder, "state")), false);
  assert.equal(existsSync(join(env.HOME, ".local/state/session-buddy/host-id")), true);
  assert.equal(existsSync(join(env.HOME, ".config/session-buddy/settings.json")), true);
});

test("an empty SESSION_BUDDY_HOME counts as unset, a relative one is refused", async (t) => {
  const sandbox = createSandbox(t);
  const env = { HOME: join(sandbox.folder, "home"), SESSION_BUDDY_HOME: "" };
  const { stdout } = await runWithXdg(sandbox, ["config", "path"], env);
  assert.equal(stdout, `${join(env.HOME, ".config/session-buddy/settings.json")}\n`);
  for (const args of [["start"], ["list"], ["config", "path"]]) {
    const outcome = await sandbox.run(args, { env: { SESSION_BUDDY_HOME: "relative" } });
    assertRefused(outcome, 2, /SESSION_BUDDY_HOME must be an absolute path, not 'relative'/);
  }
});

test("without HOME the user's own entry in the system tells the home folder", async (t) => {
  const sandbox = createSandbox(t);
  const { status, stdout } = await runWithXdg(sandbox, ["config", "path"], {});
  assert.equal(status, 0);
  assert.equal(stdout, `${join(userInfo().homedir, ".config/session-buddy/settings.json")}\n`);
});

/** Secrets that protect nothing, or that nobody but their owner should be able to read. */
test("a secret that is empty, short, missing or readable for others is refused with the way to a good one", async (t) => {
  const sandbox = createSandbox(t);
  const file = join(sandbox.folder, "secret");
  writeFileSync(file, "s".repeat(64), { mode: 0o600 });
  chmodSync(file, 0o640);
  const cases: readonly (readonly [env: Readonly<Record<string, string>>, words: RegExp])[] = [
    [{ SESSION_BUDDY_SECRET: "" }, /SESSION_BUDDY_SECRET is empty; .*session-buddy token secret/],
    [{ SESSION_BUDDY_SECRET: "s".repeat(31) }, /is shorter than 32 bytes; .*session-buddy token secret/],
    [{ SESSION_BUDDY_SECRET_FILE: file }, /the secret file \S+ is open to other users; close it with: chmod 600/],
    [{ SESSION_BUDDY_SECRET_FILE: `${file}.missing` }, /SESSION_BUDDY_SECRET_FILE cannot be read: ENOENT/],
    [{ SESSION_BUDDY_SECRET_FILE: "" }, /SESSION_BUDDY_SECRET_FILE cannot be read/],
  ];
  for (const [env, words] of cases) {
    for (const args of [["serve", "--port", "0"], ["token"], ["token", "verify"]]) {
      const outcome = await sandbox.run(args, { env });
      assertRefused(outcome, 4, words);
      assert.doesNotMatch(outcome.stderr, /sssss/);
    }
    // Nothing is lost: whoever is recorded here has no use for the secret.
    await runWell(sandbox, ["start", "--component", `c${cases.findIndex(([one]) => one === env)}`], { env });
  }
  chmodSync(file, 0o600);
  await runWell(sandbox, ["token"], { env: { SESSION_BUDDY_SECRET_FILE: file } });
  await runWell(sandbox, ["token"], { env: { SESSION_BUDDY_SECRET: "é".repeat(16) } });
});

test("a home that does not exist is not made, not even by root", async (t) => {
  const { folder, env } = createSandbox(t);
  const home = join(folder, "no-home");
  const { SESSION_BUDDY_HOME: _, ...plain } = env;
  const outcome = await runToEnd(launcher, ["start"], { env: { ...plain, HOME: home }, cwd: folder });
  assertRefused(outcome, 2, /the home folder \S+no-home does not exist; set HOME or SESSION_BUDDY_HOME/);
  assert.equal(existsSync(home), false);
});
