/** Proves the life of a state file on the command line: made, brought on record once, finished, removed, never guessed at. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { allRows, assertRefused, runWell, type SessionRow } from "../support/rows.ts";
import { createSandbox } from "../support/sandbox.ts";

test("start --state-file makes a private file, end --state-file finishes the session and removes it", async (t) => {
  const sandbox = createSandbox(t);
  const file = join(sandbox.folder, "state");
  const options = ["--component", "deploy", "--shell-type", "zsh", "--metadata", "ticket=1"];
  const id = (await runWell(sandbox, ["start", "--state-file", file, ...options])).trimEnd();
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.ok(readFileSync(file, "utf8").includes(id), "the session id is cached");

  const printed = await runWell(sandbox, [
    "end",
    "--state-file",
    file,
    "--exit-code",
    "7",
    "--reason",
    "exit",
    "--json",
  ]);
  const row: SessionRow = JSON.parse(printed);
  const { session_id, state, component_name, shell_type, exit_code, end_reason, cwd } = row;
  assert.deepEqual(
    { session_id, state, component_name, shell_type, exit_code, end_reason, cwd },
    {
      session_id: id,
      state: "ended",
      component_name: "deploy",
      shell_type: "zsh",
      exit_code: 7,
      end_reason: "exit",
      cwd: sandbox.folder,
    },
  );
  assert.equal(existsSync(file), false);
});

test("start with the same state file again, also at once, is one session", async (t) => {
  const sandbox = createSandbox(t);
  const file = join(sandbox.folder, "state");
  const first = await runWell(sandbox, ["start", "--state-file", file]);
  const again = await Promise.all([1, 2, 3, 4].map(() => runWell(sandbox, ["start", "--state-file", file])));
  assert.deepEqual(new Set(again), new Set([first]));
  assert.equal((await allRows(sandbox)).length, 1);
});

test("end with a state file twice, or without a start, is exit status 1 and no record", async (t) => {
  const sandbox = createSandbox(t);
  const file = join(sandbox.folder, "state");
  assertRefused(await sandbox.run(["end", "--state-file", file]), 1, /there is no state file/);
  assert.deepEqual(await allRows(sandbox), []);

  await runWell(sandbox, ["start", "--state-file", file]);
  assert.equal(await runWell(sandbox, ["end", "--state-file", file]), "");
  assertRefused(await sandbox.run(["end", "--state-file", file]), 1, /there is no state file/);
  assert.equal((await allRows(sandbox)).length, 1);
});

test("the end that a hook wrote into the file wins over what the command line says", async (t) => {
  const sandbox = createSandbox(t);
  const file = join(sandbox.folder, "state");
  await runWell(sandbox, ["start", "--state-file", file]);
  const seconds = (Date.now() / 1000 + 60).toFixed(3);
  writeFileSync(file, `\0end/1\0time=${seconds}\0code=129\0reason=hangup\0.\0`, { flag: "a" });
  await runWell(sandbox, ["end", "--state-file", file, "--exit-code", "0", "--reason", "exit"]);
  const [row] = await allRows(sandbox);
  assert.deepEqual([row?.exit_code, row?.end_reason], [129, "hangup"]);
  assert.equal(Date.parse(String(row?.ended_at)), Math.round(Number(seconds) * 1000));
});

test("a whole story that no start or end has brought on record is brought by one end", async (t) => {
  const sandbox = createSandbox(t);
  const file = join(sandbox.folder, "state");
  const start = `\0start/1\0time=1770381296.5\0pid=${process.pid}\0shell=bash\0cwd=/gone\0.\0`;
  writeFileSync(file, `${start}\0end/1\0time=1770381300\0code=0\0reason=exit\0.\0`, { mode: 0o600 });
  await runWell(sandbox, ["end", "--state-file", file]);
  const [row] = await allRows(sandbox);
  assert.deepEqual(
    [row?.started_at, row?.ended_at, row?.duration_ms, row?.cwd, row?.exit_code],
    ["2026-02-06T12:34:56.500Z", "2026-02-06T12:35:00Z", 3500, "/gone", 0],
  );
});

/** What may lie where a state file is expected. */
const foreign: readonly (readonly [name: string, content: string | Buffer])[] = [
  ["an empty file", ""],
  ["garbage", "garbage\n"],
  ["a script", "#!/bin/sh\ntouch executed\n"],
  ["random bytes", Buffer.from(Array.from({ length: 512 }, (_, index) => (index * 167 + 13) % 256))],
  ["a file that is too large", Buffer.alloc(1 << 20, "\0start/1\0")],
];

for (const [name, content] of foreign) {
  test(`${name} is refused as a state file with exit status 3 and left as it is`, async (t) => {
    const sandbox = createSandbox(t);
    const file = join(sandbox.folder, "state");
    writeFileSync(file, content, { mode: 0o600 });
    for (const command of ["start", "end"]) {
      assertRefused(
        await sandbox.run([command, "--state-file", file]),
        3,
        /the state file \S+ (does not hold|is too large)/,
      );
    }
    assert.deepEqual(readFileSync(file), Buffer.from(content));
    assert.equal(existsSync(join(sandbox.folder, "executed")), false);
    assert.deepEqual(await allRows(sandbox), []);
  });
}

test("a link, a folder, a device and a missing folder are refused as a state file", async (t) => {
  const sandbox = createSandbox(t);
  const real = join(sandbox.folder, "real");
  await runWell(sandbox, ["start", "--state-file", real]);
  symlinkSync(real, join(sandbox.folder, "link"));
  mkdirSync(join(sandbox.folder, "folder"));
  for (const path of ["link", "folder", "/dev/zero"]) {
    assertRefused(await sandbox.run(["end", "--state-file", path]), 3, /symbolic link|regular file/);
  }
  assertRefused(await sandbox.run(["start", "--state-file", "missing/state"]), 3, /folder that does not exist/);
  assert.equal((await allRows(sandbox))[0]?.state, "active");
  assert.equal(existsSync(real), true);
});

test("a start that breaks a rule leaves no state file that could never be finished", async (t) => {
  const sandbox = createSandbox(t);
  const file = join(sandbox.folder, "state");
  assertRefused(await sandbox.run(["start", "--state-file", file, "--component", "a b"]), 3, /Invalid component_name/);
  assert.equal(existsSync(file), false);
});
