/** Proves that every command in the README works as it stands there, and that what it shows and lists is the program's. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { sessionColumns } from "../../src/cli/terminal/session-columns.ts";
import { drawTable } from "../../src/cli/terminal/table.ts";
import { type SettingName, settingRules } from "../../src/config/settings.ts";
import { createTestMachine, differences } from "../support/installed-machine.ts";
import { createSandbox, launcher, type Outcome, root, runToEnd } from "../support/sandbox.ts";
import { toolNames } from "../support/server/client-exchange.ts";
import { recordHistory, type Story, withStore } from "../support/store/history.ts";
import { postgresPlace } from "../support/store/postgres.ts";

const readme = readFileSync(join(root, "README.md"), "utf8");
const blocks = [...readme.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map((match) => match[1] ?? "");
const running = "bin/session-buddy start && bin/session-buddy list --all\n";
const setUp = `npm ci && ${running}`;
const testRun = "npm ci && npm test\n";
const serving = "session-buddy serve\n";
/** What changes the whole machine is run on one of its own. */
const forAdministrators = blocks.filter((block) => block.includes("install --system"));
/** What needs a database is run with one of its own. */
const withDatabase = blocks.filter((block) => block.includes("postgres://"));

function assertShowsRow({ status, stdout, stderr }: Outcome, state: string): void {
  assert.deepEqual([status, stderr], [0, stderr], stdout);
  assert.match(stdout, new RegExp(`^(shell-\\d{8}-\\d{6})\\nSESSION +STATE .*\\n\\1 +${state} `, "m"));
}

test("the first command sets up a clean checkout with an empty home and shows a session", async (t) => {
  assert.equal(blocks[0], setUp);
  const { folder, env } = createSandbox(t);
  const checkout = join(folder, "checkout");
  copyCheckout(checkout);
  // As a new user has it: nothing but a home and the machine's own programs.
  const { SESSION_BUDDY_HOME: _, ...plain } = env;
  const path = (process.env.PATH ?? "").split(":").filter((entry) => !entry.includes("node_modules"));
  const options = { cwd: checkout, env: { ...plain, PATH: path.join(":") }, input: setUp };
  assertShowsRow(await runToEnd("bash", ["-s"], options), "active");
});

/** Ways to run a command line; `S` stands for it, `F` for a file that holds it. */
const ways: readonly (readonly [words: readonly string[], state: string, firstLine?: string])[] = [
  [["bash", "-c", "S"], "replaced"],
  [["zsh", "-c", "S"], "replaced"],
  [["sh", "-c", "S"], "active"],
  [["fish", "-c", "S"], "active"],
  [["bash", "F"], "active"],
  [["sh", "F"], "active"],
  [["F"], "active", "#!/usr/bin/env bash\n"],
  [["F"], "active", "#!/bin/sh\n"],
];

for (const [words, state, firstLine = ""] of ways) {
  const shown = `${words.join(" ")}${firstLine.trimEnd()}`;
  test(`the first command shows a row however it is run, with no login shell known: ${shown}`, async (t) => {
    const { folder, env } = createSandbox(t);
    const file = join(folder, "x.sh");
    writeFileSync(file, firstLine + running, { mode: 0o700 });
    const [program = "", ...args] = words.map((word) => ({ S: running.trimEnd(), F: file })[word] ?? word);
    assert.equal("SHELL" in env, false);
    assertShowsRow(await runToEnd(program, args, { cwd: root, env }), state);
  });
}

/** What the first screen of the README tells of. */
const stories: readonly Story[] = [
  {
    id: "shell-20261122-161503",
    from: "2026-11-22T16:15:03Z",
    start: { shellType: "zsh", pid: 4711, cwd: "/srv/shop" },
  },
  {
    id: "shell-20261122-154210",
    from: "2026-11-22T15:42:10Z",
    lost: ["2026-11-22T15:50:00Z", "2026-11-22T15:58:41Z"],
    start: { shellType: "bash", pid: 4388, cwd: "/var/log" },
  },
  {
    id: "shell-20261122-150044",
    from: "2026-11-22T15:00:44Z",
    to: "2026-11-22T15:31:20Z",
    start: { shellType: "fish", pid: 3920, cwd: "/srv/shop" },
    end: { exitCode: 0, reason: "exit" },
  },
];

test("the table of the first screen is drawn as list draws it", async (t) => {
  const sandbox = createSandbox(t);
  const place = { username: "deploy", hostname: "web1" };
  await recordHistory(
    sandbox,
    stories.map((story) => ({ ...story, start: { ...story.start, ...place } })),
  );
  const sessions = await withStore(sandbox, (store) => store.sessions({}));
  const lines = drawTable(sessionColumns(Date.UTC(2026, 10, 22)), sessions, 110);
  const shown = `\`\`\`text\n$ session-buddy list --all\n${lines.join("\n")}\n\`\`\`\n`;
  assert.ok(readme.includes(shown), shown);
});

/** @returns the first cells of the tables of the README, with the words of their rows. */
function rowsOf(title: string): ReadonlyMap<string, string> {
  const [, table = ""] = new RegExp(`^\\| ${title} \\|.*\\n\\|[-|]+\\n((?:\\|.*\\n)+)`, "m").exec(readme) ?? [];
  return new Map([...table.matchAll(/^\| `?(.*?)`? \| (.*) \|$/gm)].map(([, name = "", words = ""]) => [name, words]));
}

test("the tables of commands, tools and settings have every one of the program's and no other", async (t) => {
  const { run } = createSandbox(t);
  const { stdout } = await run(["--help"]);
  const commands = [...stdout.slice(stdout.indexOf("\nCommands:")).matchAll(/^ {2}(\w+) /gm)].map(([, name]) => name);
  assert.deepEqual([...rowsOf("command").keys()].sort(), commands.filter((name) => name !== "help").sort());
  assert.deepEqual([...rowsOf("tool").keys()].sort(), [...toolNames].sort());
  const defaults: Record<string, unknown> = JSON.parse((await run(["config", "list", "--json"])).stdout);
  const settings = rowsOf("setting");
  assert.deepEqual([...settings.keys()], Object.keys(defaults));
  for (const [name, fallback] of Object.entries(defaults)) {
    const start = `\`${settingRules[name as SettingName].environmentName}\` | ${fallback === null ? "none" : `\`${fallback}\``}`;
    assert.ok(settings.get(name)?.startsWith(start), `${name}: ${start}`);
  }
});

test("the program says what the README explains under 'When something goes wrong'", () => {
  const said = ["bin", "src"].map((folder) =>
    execFileSync("grep", ["-rh", "", folder], { cwd: root, encoding: "utf8", maxBuffer: 16 * 1024 * 1024 }),
  );
  const explained = [...rowsOf("what you see").keys()].filter((cell) => !cell.startsWith("a session stays"));
  assert.ok(explained.length >= 10);
  for (const sentence of explained.flatMap((cell) => cell.split(/` or `|`, `|` \(4\d\d\)/))) {
    // A name or number that the program puts in parts a sentence; what is named before the first of them is put in too.
    const [whole = "", ...parts] = sentence.split(/…|\d+|SESSION_\w+/);
    for (const part of parts.length === 0 ? [whole] : parts) {
      assert.ok(
        said.some((text) => text.includes(part.trim())),
        `${sentence}: ${part}`,
      );
    }
  }
});

test("the test command is the one that runs before anything lands", () => {
  assert.ok(blocks.includes(testRun));
  const ci = readFileSync(join(root, ".ci/run"), "utf8").split("\n");
  for (const command of testRun.trim().split(" && ")) assert.ok(ci.includes(command), `.ci/run runs ${command}`);
});

test("the server starts with the command of the README, at the address that it names", async (t) => {
  assert.ok(blocks.includes(serving));
  const { env } = createSandbox(t);
  const server = runToEnd("timeout", ["--signal=TERM", "--preserve-status", "5", launcher, "serve"], { env });
  assert.match(readme, /http:\/\/127\.0\.0\.1:8678\/mcp/);
  await answers("http://127.0.0.1:8678/health");
  const outcome = await server;
  assert.equal(outcome.status, 0, outcome.stderr);
  assert.match(outcome.stderr, /url=http:\/\/127\.0\.0\.1:8678\/mcp/);
});

test("every other command of the README works as it stands", async (t) => {
  const alone = [setUp, testRun, serving, ...forAdministrators, ...withDatabase];
  const others = blocks.filter((block) => !alone.includes(block));
  assert.ok(others.length >= 7);
  const { folder, env, home } = createSandbox(t);
  mkdirSync(home, { mode: 0o700 });
  for (const block of others) {
    const options = { cwd: root, env: { ...env, PATH: `${join(root, "bin")}:${env.PATH}`, SHELL: "/bin/bash" } };
    const outcome = await runToEnd("bash", ["-euo", "pipefail", "-c", block], options);
    assert.equal(outcome.status, 0, `${block}\n${outcome.stdout}\n${outcome.stderr}\nin ${folder}`);
  }
});

test("what the README says of a database works, at the address of one that is there", async (t) => {
  assert.equal(withDatabase.length, 1);
  const { url } = postgresPlace(t).options;
  const { folder, env, run } = createSandbox(t);
  await run(["start"]);
  const path = { ...env, PATH: `${join(root, "bin")}:${env.PATH}` };
  for (const block of withDatabase) {
    const command = block.replaceAll("postgres://sb@db.example.org/sessions", url);
    const outcome = await runToEnd("bash", ["-euo", "pipefail", "-c", command], { cwd: folder, env: path });
    assert.equal(outcome.status, 0, outcome.stderr);
  }
  const back = await run(["migrate", "--to", "file"]);
  assert.match(back.stdout, /^Copied 1 sessions from 1 events \(those after position 1\)/);
});

test("what an administrator is told to run installs and uninstalls, on a machine of its own", async (t) => {
  assert.equal(forAdministrators.length, 2);
  const machine = await createTestMachine(t);
  const before = machine.tree();
  await machine.shell(`printf '#!/bin/sh\\nexec "$@"\\n' > /usr/local/bin/sudo; chmod 755 /usr/local/bin/sudo`);
  for (const block of forAdministrators) {
    const cwd = join(machine.folder, "program");
    const { status, stdout, stderr } = await machine.run(["sh", "-euc", `cd '${cwd}'; ${block}`]);
    assert.deepEqual([status, stderr], [0, ""], `${block}\n${stdout}`);
  }
  assert.deepEqual(differences(before, machine.tree()), ["new /usr/local/bin/sudo"]);
});

test("the places that the README names are those that are made", async (t) => {
  const machine = await createTestMachine(t);
  await machine.rows(["install", "--system"]);
  const places = [...rowsOf("what").values()]
    .flatMap((cell) => [...cell.matchAll(/`(\/[^`]+)`/g)])
    .map(([, path = ""]) => path);
  assert.ok(places.length > 8);
  const tree = machine.tree();
  const elsewhere = ["/etc/session-buddy/settings.json", "/etc/bashrc", "/etc/zshrc"];
  assert.deepEqual(
    places.filter((path) => !tree.has(path)),
    elsewhere,
  );
});

function copyCheckout(to: string): void {
  const listed = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "-z"], { cwd: root });
  for (const file of listed.toString("utf8").split("\0").filter(Boolean)) {
    mkdirSync(dirname(join(to, file)), { recursive: true });
    cpSync(join(root, file), join(to, file));
  }
}

async function answers(url: string): Promise<void> {
  for (;;) {
    const response = await fetch(url).catch(() => null);
    if (response?.status === 200) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
