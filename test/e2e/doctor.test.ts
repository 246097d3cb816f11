/** Proves that doctor finds each thing that can be wrong, says what to do, and is quiet when nothing is. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, chmodSync, mkdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { allRows, runWell } from "../support/rows.ts";
import { createSandbox, type Sandbox } from "../support/sandbox.ts";
import { leftBehind, recordBytes } from "../support/shells/state-files.ts";
import { createUser } from "../support/users.ts";

interface Finding {
  readonly check: string;
  readonly level: "ok" | "note" | "problem";
  readonly words: string;
  readonly remedy: string | null;
}

async function examined(sandbox: Sandbox, env: Readonly<Record<string, string>> = {}) {
  const outcome = await sandbox.run(["doctor", "--json"], { env });
  const findings: Finding[] = JSON.parse(outcome.stdout);
  return { status: outcome.status, findings, problems: findings.filter(({ level }) => level === "problem") };
}

async function installed(t: TestContext): Promise<Sandbox> {
  const sandbox = createSandbox(t);
  await runWell(sandbox, ["hook", "install", "bash", "zsh", "fish"]);
  await runWell(sandbox, ["start", "--pid", String(process.pid)]);
  return sandbox;
}

test("a good installation has no problem, and every finding has its place", async (t) => {
  const { status, findings } = await examined(await installed(t));
  assert.equal(status, 0);
  assert.deepEqual(
    findings.map(({ check, level, remedy }) => [check, level, remedy]),
    [
      ["runtime", "ok", null],
      ["program", "ok", null],
      ["data folder", "ok", null],
      ["state folder", "ok", null],
      ["secret", "ok", null],
      ["settings", "ok", null],
      ["database", "ok", null],
      ["state files", "ok", null],
      ["hook bash", "ok", null],
      ["hook bash", "ok", null],
      ["hook zsh", "ok", null],
      ["hook fish", "ok", null],
    ],
  );
});

test("nothing installed is worth a note, with the command that changes it", async (t) => {
  const { status, findings } = await examined(createSandbox(t), { SHELL: "/bin/zsh" });
  assert.equal(status, 0);
  assert.equal(findings.find(({ check }) => check === "hooks")?.remedy, "session-buddy hook install zsh");
});

interface Fault {
  readonly name: string;
  readonly make: (sandbox: Sandbox) => void;
  readonly env?: Readonly<Record<string, string>>;
  readonly check: string;
  readonly words: RegExp;
}

const faults: readonly Fault[] = [
  {
    name: "a data folder that others may enter",
    make: ({ home }) => chmodSync(home, 0o755),
    check: "data folder",
    words: /open to other users.*chmod 700/,
  },
  {
    name: "a state folder that is a file",
    make: ({ home }) => {
      rmSync(join(home, "shells"), { recursive: true });
      writeFileSync(join(home, "shells"), "");
    },
    check: "state folder",
    words: /is not a folder/,
  },
  {
    name: "a damaged database",
    make: ({ home }) => writeFileSync(join(home, "sessions.db"), "x".repeat(8192)),
    check: "database",
    words: /is not a database/,
  },
  {
    name: "settings that are no JSON",
    make: ({ home }) => writeFileSync(join(home, "settings.json"), "{", { mode: 0o600 }),
    check: "settings",
    words: /cannot be used/,
  },
  {
    name: "a keys file that is not there",
    make: () => {},
    env: { SESSION_BUDDY_KEYS_FILE: "/missing/keys.json" },
    check: "secret",
    words: /SESSION_BUDDY_KEYS_FILE cannot be read/,
  },
  { name: "a short secret", make: () => {}, env: { SESSION_BUDDY_SECRET: "short" }, check: "secret", words: /shorter/ },
  {
    name: "a file that is no state file",
    make: ({ home }) => {
      writeFileSync(join(home, "shells/odd"), "odd", { mode: 0o600 });
      // A new file may still be under way.
      utimesSync(join(home, "shells/odd"), 0, 0);
    },
    check: "rejected state files",
    words: /odd\.rejected/,
  },
  {
    name: "a hook of another place",
    make: ({ env }) => {
      const rc = join(String(env.HOME), ".zshrc");
      rmSync(rc);
      writeFileSync(rc, "# >>> session-buddy >>>\n. /gone/session-buddy.zsh\n# <<< session-buddy <<<\n");
    },
    check: "hook zsh",
    words: /\.zshrc/,
  },
  {
    name: "a trap that displaces ours",
    make: ({ env }) => appendFileSync(join(String(env.HOME), ".bashrc"), "\ntrap 'echo bye' EXIT\n"),
    check: "EXIT trap",
    words: /line \d+/,
  },
];

for (const { name, make, env, check, words } of faults) {
  test(`${name} is a problem, with what to do, and exit status 1`, async (t) => {
    const sandbox = await installed(t);
    make(sandbox);
    const { status, problems } = await examined(sandbox, env);
    assert.equal(status, 1);
    assert.deepEqual(
      problems.map((problem) => problem.check),
      [check],
    );
    assert.match(problems[0]?.words ?? "", words);
    assert.notEqual(problems[0]?.remedy ?? "", "");
  });
}

test("a state folder that its user cannot write to is a problem, and so is the data folder", async (t) => {
  const user = createUser(t, createSandbox(t));
  for (const [folder, check] of [
    [".local/state/session-buddy/shells", "state folder"],
    [".local/share/session-buddy", "data folder"],
  ] as const) {
    await user.shell(`mkdir -p -m 700 ${folder}; chmod 500 ${folder}`);
    const { status, stdout } = await user.run(["doctor", "--json"]);
    await user.shell(`chmod 700 ${folder}`);
    const problems = (JSON.parse(stdout) as Finding[]).filter(({ level }) => level === "problem");
    assert.deepEqual([status, problems.map((problem) => problem.check)], [1, [check]]);
    assert.match(problems[0]?.words ?? "", new RegExp(`${folder} cannot be written$`));
    assert.match(problems[0]?.remedy ?? "", /chmod 700 \S+/);
  }
});

test("what cannot be finished at this moment is a note, not in order", async (t) => {
  const sandbox = await installed(t);
  writeFileSync(join(sandbox.home, "shells/.sweep-lock"), "", { mode: 0o600 });
  const { findings } = await examined(sandbox);
  const found = findings.filter(({ check }) => check === "state files");
  assert.deepEqual(
    found.map(({ level, words }) => [level, words]),
    [["note", `another process is finishing what shells left in ${join(sandbox.home, "shells")}`]],
  );
});

test("files of shells that no program ever came for are brought on record, before they are counted", async (t) => {
  const sandbox = createSandbox(t);
  const child = spawn("sleep", ["1000"], { stdio: "ignore" });
  await once(child, "spawn");
  const start = { time: "1700000000", pid: String(child.pid), shell: "bash", cwd: "/" };
  const path = leftBehind(sandbox).file(child, [recordBytes("start/1", start), recordBytes("end/1", { code: "3" })]);
  chmodSync(sandbox.home, 0o700);
  child.kill("SIGKILL");
  await once(child, "exit");
  const { status, findings } = await examined(sandbox);
  const found = findings.filter(({ check }) => check === "database" || check === "state files");
  assert.deepEqual(
    [status, found.map(({ level, words }) => [level, words])],
    [
      0,
      [
        ["ok", `${join(sandbox.home, "sessions.db")} is sound`],
        ["ok", `0 of open shells in ${dirname(path)}`],
      ],
    ],
  );
  assert.deepEqual(
    (await allRows(sandbox)).map((row) => [row.state, row.exit_code]),
    [["ended", 3]],
  );
});

test("whether authentication is on, and what signs and verifies, is said without a secret", async (t) => {
  const sandbox = createSandbox(t);
  await runWell(sandbox, ["token", "keys", "create", "--file", "keys.json"]);
  const secret = "s".repeat(32);
  const keys = join(sandbox.folder, "keys.json");
  const cases: readonly (readonly [env: Readonly<Record<string, string>>, words: RegExp])[] = [
    [{}, /^authentication is off: no secret and no keys are set; calls over MCP need no token$/],
    [
      { SESSION_BUDDY_SECRET: secret },
      /^authentication is on: the secret signs tokens; they are verified with the secret$/,
    ],
    [
      { SESSION_BUDDY_KEYS_FILE: keys, SESSION_BUDDY_SECRET: secret },
      /^authentication is on: key [\w-]{43} signs tokens; /,
    ],
  ];
  for (const [env, words] of cases) {
    const { findings } = await examined(sandbox, env);
    const found = findings.find(({ check }) => check === "secret");
    assert.equal(found?.level, "ok");
    assert.match(String(found?.words), words);
    assert.ok(!found?.words.includes(secret));
  }
});

test("a person sees each finding on a line, and what to do below it", async (t) => {
  const sandbox = createSandbox(t);
  mkdirSync(sandbox.home, { mode: 0o755 });
  chmodSync(sandbox.home, 0o755);
  const { status, stdout } = await sandbox.run(["doctor"]);
  assert.equal(status, 1);
  assert.match(stdout, /^problem +data folder +the data folder .* open to other users .*\n +→ /m);
});
