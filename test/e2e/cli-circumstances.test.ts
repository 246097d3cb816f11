/** Proves how people ask who is behind a shell: columns, filters, the tree, what each circumstance is worth. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { stripVTControlCharacters } from "node:util";
import { widthOf } from "../../src/cli/terminal/width.ts";
import { allRows, rowKeys, runWell } from "../support/rows.ts";
import { createSandbox, launcher, type Sandbox } from "../support/sandbox.ts";
import { openTerminal } from "../support/shells/pty.ts";
import { recordHistory, type Story } from "../support/store/history.ts";

/** Deploy logs in at web1, becomes root, and opens a shell in that; another shell of deploy's is on another terminal. */
const stories: readonly Story[] = [
  {
    id: "shell-20260310-080000",
    from: "2026-03-10T08:00:00Z",
    start: { username: "deploy", hostname: "web1", cwd: "/srv/shop", shellType: "bash" },
    circumstances: {
      kernel: { uid: 1000, tty: "pts/1", loginUid: 1000, loginUser: "deploy", auditSession: 17, systemdSession: "42" },
      hook: { remote: "192.0.2.1 51413", terminalProgram: "\u001b]0;title\u0007" },
    },
  },
  {
    id: "shell-20260310-081500",
    from: "2026-03-10T08:15:00Z",
    start: { username: "root", hostname: "web1", cwd: "/root", shellType: "bash" },
    circumstances: {
      kernel: {
        uid: 0,
        tty: "pts/2",
        loginUid: 1000,
        loginUser: "deploy",
        auditSession: 17,
        parentSession: "shell-20260310-080000",
      },
      hook: { via: "sudo:deploy" },
    },
  },
  {
    id: "shell-20260310-081600",
    from: "2026-03-10T08:16:00Z",
    start: { username: "root", hostname: "web1", cwd: "/etc", shellType: "zsh" },
    circumstances: {
      kernel: { uid: 0, tty: "pts/2", loginUid: 1000, loginUser: "deploy", parentSession: "shell-20260310-081500" },
    },
  },
  {
    id: "shell-20260310-090000",
    from: "2026-03-10T09:00:00Z",
    start: { username: "deploy", hostname: "web1", cwd: "/srv/shop", shellType: "bash" },
    circumstances: { kernel: { uid: 1000, tty: "pts/3", loginUid: 1000, loginUser: "deploy" } },
  },
  { id: "of-a-client", from: "2026-03-10T07:00:00Z", start: { username: "anna", hostname: "db1", cwd: "/" } },
];

async function recorded(t: TestContext, history: readonly Story[] = stories): Promise<Sandbox> {
  const sandbox = createSandbox(t);
  await recordHistory(sandbox, history);
  return sandbox;
}

async function onTerminal(t: TestContext, sandbox: Sandbox, args: readonly string[], columns = 80): Promise<string[]> {
  const options = { cwd: sandbox.folder, env: { ...sandbox.env, TERM: "xterm", NO_COLOR: "1" }, columns };
  const terminal = openTerminal(t, launcher, args, options);
  assert.equal((await terminal.ended()).code, 0, terminal.output());
  const lines = terminal.output().trimEnd().split("\r\n").map(stripVTControlCharacters);
  for (const line of lines) assert.ok(widthOf(line) <= columns, `${line} is wider than ${columns}`);
  return lines;
}

const idsOf = (output: string) => (JSON.parse(output) as { session_id: string }[]).map(({ session_id }) => session_id);

const filtered: readonly (readonly [args: readonly string[], ids: readonly string[]])[] = [
  [["--login-user", "deploy"], stories.slice(0, 4).map(({ id }) => id)],
  [
    ["--login-user", "deploy", "--user", "root"],
    ["shell-20260310-081500", "shell-20260310-081600"],
  ],
  [
    ["--tty", "pts/2"],
    ["shell-20260310-081500", "shell-20260310-081600"],
  ],
  [["--tty", "/dev/pts/3"], ["shell-20260310-090000"]],
  [
    ["--tty", "pts/2", "--login-user", "deploy", "--host", "web1"],
    ["shell-20260310-081500", "shell-20260310-081600"],
  ],
  [["--login-user", "root"], []],
  [["--tty", "pts/9"], []],
];
for (const [args, ids] of filtered) {
  test(`list, stats and timeline with ${args.join(" ")} find ${ids.length} sessions`, async (t) => {
    const sandbox = await recorded(t);
    const listed = await runWell(sandbox, ["list", "--json", ...args]);
    assert.deepEqual(idsOf(listed), ids.toReversed());
    const stats: { sessions: number }[] = JSON.parse(
      await runWell(sandbox, ["stats", "--by", "host", "--json", ...args]),
    );
    assert.equal(
      stats.reduce((sum, { sessions }) => sum + sessions, 0),
      ids.length,
    );
    const since = ["--since", "2026-03-10T00:00:00Z"];
    const { lines } = JSON.parse(await runWell(sandbox, ["timeline", "--json", ...since, ...args]));
    assert.deepEqual(
      lines.map(({ key }: { key: string }) => key),
      ids,
    );
  });
}

test("watch shows the sessions of a login user alone", async (t) => {
  const sandbox = await recorded(t);
  const options = { cwd: sandbox.folder, env: { ...sandbox.env, TERM: "xterm" }, columns: 80 };
  const terminal = openTerminal(t, launcher, ["watch", "--login-user", "deploy", "--tty", "pts/2"], options);
  await terminal.find("2 open.");
  await terminal.find("shell-20260310-081500");
  terminal.type("\u0003");
  await terminal.ended();
  assert.ok(!terminal.output().includes("shell-20260310-090000"));
});

test("the tree has each shell below the one it was opened in, also at 80 columns", async (t) => {
  const sandbox = await recorded(t);
  const lines = await onTerminal(t, sandbox, ["list", "--tree"]);
  assert.deepEqual(
    lines.map((line) => /^[├└│ ]*\S+/.exec(line)?.[0]),
    [
      "SESSION",
      "shell-20260310-090000",
      "shell-20260310-080000",
      "└ shell-20260310-081500",
      "  └ shell-20260310-081600",
      "of-a-client",
    ],
  );
});

test("who logged in is shown where the shell acts as another, in 80 columns", async (t) => {
  const lines = await onTerminal(t, await recorded(t), ["list"]);
  const [titles = "", ...rows] = lines;
  const column = (title: string, row: string) => row.slice(titles.indexOf(title)).split("  ", 1)[0];
  assert.deepEqual(
    rows.map((row) => [column("USER", row), column("LOGIN", row)]),
    [
      ["deploy", "-"],
      ["root", "deploy"],
      ["root", "deploy"],
      ["deploy", "-"],
      ["anna", "-"],
    ],
  );
});

test("columns of which nothing is known are not there, however wide the terminal", async (t) => {
  const known = await runWell(await recorded(t), ["list"]);
  assert.match(known.split("\n", 1)[0] ?? "", /USER +LOGIN +TTY +FROM +HOST/);
  const unknown = await runWell(await recorded(t, stories.slice(4)), ["list"]);
  assert.match(unknown.split("\n", 1)[0] ?? "", /USER +HOST/);
});

test("programs get every circumstance, null where it is not known", async (t) => {
  const sandbox = await recorded(t);
  const rows = await allRows(sandbox);
  for (const row of rows) assert.deepEqual(Object.keys(row), [...rowKeys]);
  const first = rows.find(({ session_id }) => session_id === stories[0]?.id);
  assert.deepEqual(
    [first?.uid, first?.tty, first?.login_uid, first?.login_user, first?.audit_session, first?.systemd_session],
    [1000, "pts/1", 1000, "deploy", 17, "42"],
  );
  assert.deepEqual(
    [first?.parent_session, first?.via, first?.multiplexer, first?.container, first?.remote, first?.terminal_program],
    [null, null, null, null, "192.0.2.1 51413", "\u001b]0;title\u0007"],
  );
  const ofClient = rows.find(({ session_id }) => session_id === "of-a-client");
  assert.deepEqual(new Set(rowKeys.slice(16).map((key) => ofClient?.[key])), new Set([null]));
});

test("why says who tells each circumstance, and what that is worth", async (t) => {
  const sandbox = await recorded(t);
  const { circumstances } = JSON.parse(await runWell(sandbox, ["why", "--json", "shell-20260310-081500"]));
  assert.deepEqual(circumstances, [
    { name: "uid", value: 0, source: "kernel", worth: "reliable" },
    { name: "tty", value: "pts/2", source: "kernel", worth: "reliable" },
    { name: "login_uid", value: 1000, source: "kernel", worth: "reliable" },
    { name: "login_user", value: "deploy", source: "kernel", worth: "reliable" },
    { name: "audit_session", value: 17, source: "kernel", worth: "reliable" },
    { name: "parent_session", value: "shell-20260310-080000", source: "kernel", worth: "reliable" },
    { name: "via", value: "sudo:deploy", source: "hook", worth: "claim" },
  ]);
  const lines = await onTerminal(t, sandbox, ["why", "shell-20260310-081500"]);
  const text = lines.join("\n");
  assert.match(text, /^login_user +deploy +the kernel +reliable$/m);
  assert.match(text, /^via +sudo:deploy +the shell +claim$/m);
  assert.match(text, /^claim +taken from the environment/m);
  const { circumstances: none } = JSON.parse(await runWell(sandbox, ["why", "--json", "of-a-client"]));
  assert.deepEqual(none, []);
  assert.ok(!(await runWell(sandbox, ["why", "of-a-client"])).includes("CIRCUMSTANCE"));
});

test("show has each circumstance with who tells it, and control characters as escapes", async (t) => {
  const text = await runWell(await recorded(t), ["show", "shell-20260310-080000"]);
  assert.match(text, /^login_user +deploy$/m);
  assert.match(text, /^ {2}tty +pts\/1 \(kernel\)$/m);
  assert.match(text, /^ {2}remote +192\.0\.2\.1 51413 \(hook\)$/m);
  assert.match(text, /^ {2}terminal_program +\\x1b\]0;title\\x07 \(hook\)$/m);
});
