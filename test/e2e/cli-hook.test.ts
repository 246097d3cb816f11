/** Proves what hook install, status and uninstall do to a person's home, and that the shells then really load the hook. */
import assert from "node:assert/strict";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { runWell } from "../support/rows.ts";
import { createSandbox, launcher, root, runToEnd } from "../support/sandbox.ts";
import { filesBelow, homeOf, hookRows, installable, loads, shellsThatLoad } from "../support/shells/hook-homes.ts";

const allShells = ["bash", "zsh", "fish"] as const;

for (const [name, files] of installable) {
  test(`in a home with ${name}, install makes every shell load its hook, once, and uninstall restores all`, async (t) => {
    const sandbox = createSandbox(t);
    const home = homeOf(sandbox, files);
    const before = filesBelow(home);
    await runWell(sandbox, ["hook", "install", ...allShells]);
    assert.deepEqual(await shellsThatLoad(sandbox), ["bash", "bash --login", "zsh", "fish"]);
    const installed = filesBelow(home);
    await runWell(sandbox, ["hook", "install", ...allShells]);
    assert.deepEqual(filesBelow(home), installed);
    assert.deepEqual(new Set((await hookRows(sandbox)).map(({ state }) => state)), new Set(["installed"]));
    await runWell(sandbox, ["hook", "uninstall"]);
    assert.deepEqual(filesBelow(home), before);
    assert.deepEqual(await shellsThatLoad(sandbox), []);
  });
}

test("without names, the login shell and each shell with a startup file get the hook", async (t) => {
  const sandbox = createSandbox(t);
  const shellsOf = async (env: Readonly<Record<string, string>>) => {
    const text = await runWell(sandbox, ["hook", "install", "--dry-run", "--json"], { env });
    return [...new Set((JSON.parse(text) as { shell: string }[]).map(({ shell }) => shell))];
  };
  assert.deepEqual(await shellsOf({ SHELL: "/usr/bin/zsh" }), ["zsh"]);
  homeOf(sandbox, { ".profile": "", ".config/fish/config.fish": "" });
  assert.deepEqual(await shellsOf({ SHELL: "/bin/fish" }), ["fish", "bash"]);
  assert.deepEqual(await shellsOf({ SHELL: "/bin/sh" }), ["bash", "fish"]);
  rmSync(sandbox.env.HOME ?? "", { recursive: true });
  mkdirSync(sandbox.env.HOME ?? "");
  const { status, stderr } = await sandbox.run(["hook", "install"], { env: { SHELL: "/bin/sh" } });
  assert.equal(status, 2);
  assert.match(stderr, /name the ones you use: bash, zsh, fish/);
});

test("ZDOTDIR and the folders of XDG are where the files are looked for", async (t) => {
  const sandbox = createSandbox(t);
  const home = homeOf(sandbox, {});
  const env = {
    ZDOTDIR: join(home, "z"),
    XDG_CONFIG_HOME: join(home, "c"),
    XDG_DATA_HOME: join(home, "d"),
  };
  await runWell(sandbox, ["hook", "install", ...allShells], { env });
  assert.deepEqual(Object.keys(filesBelow(home)), [
    ".bashrc",
    ".profile",
    "c/fish/completions/session-buddy.fish",
    "c/fish/conf.d/session-buddy.fish",
    "d/bash-completion/completions/session-buddy",
    "z/.zshrc",
  ]);
  await runWell(sandbox, ["hook", "uninstall"], { env });
  assert.deepEqual(filesBelow(home), {});
});

test("--dry-run shows the lines and changes nothing", async (t) => {
  const sandbox = createSandbox(t);
  const home = homeOf(sandbox, { ".bashrc": "a=1\n", ".bash_profile": ". ~/.bashrc\n" });
  const before = filesBelow(home);
  const shown = await runWell(sandbox, ["hook", "install", "bash", "--dry-run"]);
  assert.match(
    shown,
    /^bash hook: \S+\/\.bashrc: would be added at line 3\n {2}\+ # >>> session-buddy >>>\n {2}\+ if /,
  );
  assert.doesNotMatch(shown, /bash_profile/);
  assert.deepEqual([filesBelow(home), existsSync(sandbox.home)], [before, false]);
  await runWell(sandbox, ["hook", "install", "bash"]);
  const installed = filesBelow(home);
  assert.match(await runWell(sandbox, ["hook", "uninstall", "--dry-run"]), /would be removed at line 3\n {2}- # >>>/);
  assert.deepEqual(filesBelow(home), installed);
});

test("install makes the private folder that the first shell writes to", async (t) => {
  const sandbox = createSandbox(t);
  homeOf(sandbox, {});
  await runWell(sandbox, ["hook", "install", "bash"]);
  for (const folder of [sandbox.home, join(sandbox.home, "shells")]) {
    assert.equal(statSync(folder).mode & 0o777, 0o700);
  }
});

test("files that must not be changed are left, with the line to add; the line by hand then counts", async (t) => {
  const sandbox = createSandbox(t);
  const home = homeOf(sandbox, { "dotfiles/zshrc": "a=1\n", ".bashrc": "b=1\n", ".profile": ". ~/.bashrc\n" });
  symlinkSync("dotfiles/zshrc", join(home, ".zshrc"));
  chmodSync(join(home, ".bashrc"), 0o444);
  const before = filesBelow(home);
  const { status, stdout, stderr } = await sandbox.run(["hook", "install", "bash", "zsh"]);
  assert.equal(status, 1);
  assert.match(stderr, /\.bashrc is read-only; add this line .*\n.*\.zshrc is a symbolic link; add this line .*\n/);
  const lines = stdout.split("\n").filter((line) => line.startsWith("if "));
  assert.equal(lines.length, 2);
  assert.deepEqual({ ...before, ...filesBelow(home) }, filesBelow(home), "what was there is as it was");
  assert.equal(existsSync(sandbox.home), false, "where nothing may be changed, nothing is made");

  writeFileSync(join(home, "dotfiles/zshrc"), `a=1\n${lines[1]}\n`);
  assert.ok((await shellsThatLoad(sandbox)).includes("zsh"));
  await runWell(sandbox, ["hook", "install", "zsh"]);
  const zsh = (await hookRows(sandbox)).find(({ shell, kind }) => shell === "zsh" && kind === "hook");
  assert.deepEqual([zsh?.state, zsh?.reason], ["installed", "has the line, added by hand"]);
  const uninstalled = await sandbox.run(["hook", "uninstall", "zsh"]);
  assert.equal(uninstalled.status, 1);
  assert.match(uninstalled.stderr, /added by hand; remove it by hand/);
});

test("another installation's line is stale, a changed one differs, and install puts both right in their place", async (t) => {
  const sandbox = createSandbox(t);
  const home = homeOf(sandbox, { ".bashrc": "a=1\n", ".profile": ". ~/.bashrc\n", ".zshrc": "" });
  const other = join(sandbox.folder, "it's another place");
  for (const name of ["bin", "dist", "shell-hooks"]) cpSync(join(root, name), join(other, name), { recursive: true });
  const env = { ...sandbox.env, SESSION_BUDDY_NODE: process.execPath };
  const installed = await runToEnd(join(other, "bin/session-buddy"), ["hook", "install", "bash", "zsh"], { env });
  assert.deepEqual([installed.status, installed.stderr], [0, ""]);
  assert.deepEqual(await shellsThatLoad(sandbox), ["bash", "bash --login", "zsh"]);

  const states = async () =>
    (await hookRows(sandbox)).filter(({ kind }) => kind === "hook").map(({ state, reason }) => [state, reason]);
  const loaded = `loads ${join(other, "shell-hooks/session-buddy.bash")}`;
  assert.deepEqual((await states())[0], ["stale", `${loaded}, of another installation`]);
  renameSync(other, `${other}.old`);
  assert.deepEqual((await states())[0], ["stale", `${loaded}, which is gone`]);
  assert.deepEqual(await shellsThatLoad(sandbox), [], "and no shell says a word about it");
  const zshrc = join(home, ".zshrc");
  writeFileSync(zshrc, `${readFileSync(zshrc, "utf8").replace("if [[", "# if [[")}b=1\n`);
  assert.equal((await states())[1]?.[0], "differs");
  assert.equal((await sandbox.run(["hook", "status"])).status, 1);

  assert.match(
    await runWell(sandbox, ["hook", "install", "bash", "zsh"]),
    /updated at line 4\n {2}- if .*\n {2}\+ if /,
  );
  assert.deepEqual(await shellsThatLoad(sandbox), ["bash", "bash --login", "zsh"]);
  await runWell(sandbox, ["hook", "uninstall"]);
  assert.deepEqual(filesBelow(home), { ".bashrc": "a=1\n", ".profile": ". ~/.bashrc\n", ".zshrc": "b=1\n" });
});

test("without the completion scripts of the program nothing is installed, and what is there can still be removed", async (t) => {
  const sandbox = createSandbox(t);
  const home = homeOf(sandbox, { ".bashrc": "a=1\n", ".profile": ". ~/.bashrc\n" });
  const broken = join(sandbox.folder, "broken");
  for (const name of ["bin", "dist", "shell-hooks"]) cpSync(join(root, name), join(broken, name), { recursive: true });
  const script = join(broken, "dist/completions/session-buddy.bash");
  rmSync(script);
  const run = (...args: readonly string[]) =>
    runToEnd(join(broken, "bin/session-buddy"), args, {
      env: { ...sandbox.env, SESSION_BUDDY_NODE: process.execPath },
    });
  const words = `session-buddy: cannot read ${script}; install session-buddy again\n`;
  for (const args of [
    ["completion", "bash"],
    ["hook", "install", "bash"],
  ]) {
    const { status, stdout, stderr } = await run(...args);
    assert.deepEqual([status, stdout, stderr], [5, "", words]);
  }
  const before = filesBelow(home);
  assert.equal(before[".bashrc"], "a=1\n");
  await runWell(sandbox, ["hook", "install", "bash"]);
  const { status, stderr } = await run("hook", "uninstall", "bash");
  assert.deepEqual([status, stderr, filesBelow(home)], [0, "", before]);
});

test("status tells every file with stable keys, and has exit status 1 until a hook is installed whole", async (t) => {
  const sandbox = createSandbox(t);
  const home = homeOf(sandbox, {});
  const statusOf = async () => (await sandbox.run(["hook", "status"])).status;
  const rows = await hookRows(sandbox);
  assert.deepEqual(Object.keys(rows[0] ?? {}), ["shell", "kind", "file", "state", "reason"]);
  assert.deepEqual(new Set(rows.map(({ state }) => state)), new Set(["missing"]));
  assert.equal(await statusOf(), 1);
  await runWell(sandbox, ["hook", "install", "bash"]);
  assert.equal(await statusOf(), 0);
  // It hides the .profile that install had to make.
  writeFileSync(join(home, ".bash_profile"), "a=1\n");
  assert.equal(await statusOf(), 1);
  await runWell(sandbox, ["hook", "install", "bash"]);
  assert.equal(await statusOf(), 0);
  await runWell(sandbox, ["hook", "uninstall"]);
  assert.deepEqual(filesBelow(home), { ".bash_profile": "a=1\n" });
  assert.equal(
    await runWell(sandbox, ["hook", "uninstall"]),
    "nothing to remove: no file of these shells mentions session-buddy\n",
  );
});

test("a completion that somebody else made or changed is left alone, by install and by uninstall", async (t) => {
  const sandbox = createSandbox(t);
  const home = homeOf(sandbox, {});
  await runWell(sandbox, ["hook", "install", "bash", "fish"]);
  const files = ["bash-completion/completions/session-buddy", "fish/completions/session-buddy.fish"];
  const [bash = "", fish = ""] = [join(home, ".local/share", files[0] ?? ""), join(home, ".config", files[1] ?? "")];
  writeFileSync(bash, "complete -W mine session-buddy\n");
  writeFileSync(fish, `# mine\n${readFileSync(fish, "utf8")}`);
  const changed = [readFileSync(bash, "utf8"), readFileSync(fish, "utf8")];
  for (const args of [["install", "bash", "fish"], ["uninstall"]]) {
    const { status, stderr } = await sandbox.run(["hook", ...args]);
    assert.equal(status, 1);
    assert.equal(stderr.match(/was changed by hand or written by another program/g)?.length, 2);
    assert.deepEqual([readFileSync(bash, "utf8"), readFileSync(fish, "utf8")], changed);
  }
});

test("half a block is refused in words, for that file alone", async (t) => {
  const sandbox = createSandbox(t);
  const home = homeOf(sandbox, { ".zshrc": "# >>> session-buddy >>>\n", ".bashrc": "", ".profile": ". ~/.bashrc\n" });
  const { status, stderr } = await sandbox.run(["hook", "install", "zsh", "bash"]);
  assert.equal(status, 1);
  assert.match(stderr, /\.zshrc has half a session-buddy block at line 1; remove its lines by hand/);
  assert.equal(readFileSync(join(home, ".zshrc"), "utf8"), "# >>> session-buddy >>>\n");
  assert.ok(await loads(sandbox, "bash", []));
});

test("a program called by a link to it, or from its own folder, bakes a path without either", async (t) => {
  const sandbox = createSandbox(t);
  const link = join(sandbox.folder, "sb-link");
  symlinkSync(launcher, link);
  const calls = [
    [link, sandbox.folder],
    ["./bin/session-buddy", root],
    ["./session-buddy", dirname(launcher)],
  ] as const;
  for (const [program, cwd] of calls) {
    const { stdout } = await runToEnd(program, ["hook", "install", "bash", "--dry-run"], { env: sandbox.env, cwd });
    assert.ok(stdout.includes(`\\. '${root}/shell-hooks/session-buddy.bash'`), stdout);
  }
});
