/** Proves that systemd understands the units that `serve --unit` prints, and that they start what was asked for. */
import assert from "node:assert/strict";
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { unitNames } from "../../src/install/server-names.ts";
import { createSandbox, launcher, root, runToEnd, type Sandbox } from "../support/sandbox.ts";

/** Has systemd read a unit; it says nothing about one that it understands, and whose program is there. */
async function verify({ folder }: Sandbox, name: string, unit: string): Promise<void> {
  const file = join(folder, `${name}.service`);
  writeFileSync(file, unit);
  const manager = unit.includes("WantedBy=default.target") ? ["--user"] : [];
  const runtime = join(folder, "runtime");
  mkdirSync(runtime, { recursive: true, mode: 0o700 });
  const env = { PATH: process.env.PATH ?? "", HOME: folder, XDG_RUNTIME_DIR: runtime };
  const { status, stdout, stderr } = await runToEnd("systemd-analyze", [...manager, "verify", file], { env });
  assert.deepEqual([status, stdout, stderr], [0, "", ""], unit);
}

/** @returns the path of the same program in another folder */
function copyProgram(folder: string): string {
  mkdirSync(folder);
  for (const part of ["bin", "dist"]) cpSync(join(root, part), join(folder, part), { recursive: true });
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  return join(folder, "bin/session-buddy");
}

for (const name of unitNames) {
  test(`systemd-analyze verify has nothing to say about the unit for ${name}, with its marked lines or without`, async (t) => {
    const sandbox = createSandbox(t);
    const { status, stdout, stderr } = await sandbox.run(["serve", "--unit", name]);
    assert.equal(status, 0, stderr);
    assert.match(stdout, new RegExp(`^ExecStart=${launcher} serve`, "m"));
    assert.match(stderr, /^session-buddy: put this into \S+\/session-buddy\.service, then run:\n {2}systemctl /);
    await verify(sandbox, "plain", stdout);
    await verify(sandbox, "marked", stdout.replaceAll(/^#(?=\w+=)/gm, ""));
  });

  test(`a unit for ${name} finds a program in a folder whose name is hard to write`, async (t) => {
    const sandbox = createSandbox(t);
    const program = copyProgram(join(sandbox.folder, "a b $d %h;é"));
    const env = { ...sandbox.env, SESSION_BUDDY_HOME: join(sandbox.folder, `c 'd' "e" $f \\ %g`) };
    const { stdout } = await runToEnd(program, ["serve", "--unit", name], { env });
    await verify(sandbox, "odd", stdout);
  });
}

test("the unit of a user has what the service cannot know: address, place of the record, secret and keys", async (t) => {
  const { run, home } = createSandbox(t);
  await run(["config", "set", "port", "9100"]);
  const unit = async (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
    (await run(["serve", "--unit", "user", ...args], { env })).stdout;
  const plain = await unit([]);
  assert.match(plain, /^ExecStart=\S+ serve$/m, "the service reads the settings file by itself");
  assert.ok(plain.includes(`\nEnvironment=SESSION_BUDDY_HOME=${home}\n`), plain);
  assert.match(await unit(["--port", "9200"]), /^ExecStart=\S+ serve --port 9200$/m);
  assert.match(await unit([], { SESSION_BUDDY_HOST: "::1" }), /^ExecStart=\S+ serve --host ::1$/m);
  const guarded = await unit([], { SESSION_BUDDY_SECRET_FILE: "/etc/s", SESSION_BUDDY_KEYS_FILE: "/etc/k" });
  assert.deepEqual(guarded.match(/^(?:LoadCredential|Environment=SESSION_BUDDY_(?:SECRET|KEYS)).*$/gm), [
    "LoadCredential=secret:/etc/s",
    "Environment=SESSION_BUDDY_SECRET_FILE=%d/secret",
    "LoadCredential=keys:/etc/k",
    "Environment=SESSION_BUDDY_KEYS_FILE=%d/keys",
  ]);
});

test("a folder that systemd runs no program from is refused in words", async (t) => {
  const sandbox = createSandbox(t);
  const program = copyProgram(join(sandbox.folder, "it's"));
  const { status, stdout, stderr } = await runToEnd(program, ["serve", "--unit", "user"], { env: sandbox.env });
  assert.deepEqual([status, stdout], [3, ""]);
  assert.match(stderr, /^session-buddy: systemd runs no program with a quote or backslash in its path; move /);
});

test("the unit of the machine listens for other hosts and has the place of no user's record in it", async (t) => {
  const { run, home } = createSandbox(t);
  const { stdout } = await run(["serve", "--unit", "system", "--port", "9200"]);
  assert.match(stdout, /^ExecStart=\S+ serve --host 0\.0\.0\.0 --port 9200$/m);
  assert.equal(stdout.includes(home), false);
});

test("the README says how each unit is printed and where it goes", async (t) => {
  const { run } = createSandbox(t);
  const readme = readFileSync(join(root, "README.md"), "utf8");
  for (const name of unitNames) {
    const { stderr } = await run(["serve", "--unit", name]);
    const file = /put this into (\S+),/.exec(stderr)?.[1] ?? "";
    assert.ok(readme.includes(`session-buddy serve --unit ${name} > ${file}`), `${name}: ${file}`);
  }
});
