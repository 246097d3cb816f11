/** Proves what questions look like on a real terminal: its width, colour, wide characters, bars. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { stripVTControlCharacters } from "node:util";
import { widthOf } from "../../src/cli/terminal/width.ts";
import { runWell } from "../support/rows.ts";
import { createSandbox, launcher } from "../support/sandbox.ts";
import { openTerminal } from "../support/shells/pty.ts";
import { recordHistory, type Story } from "../support/store/history.ts";

const stories: readonly Story[] = [
  {
    id: "shell-20250310-080000",
    from: "2025-03-10T08:00:00Z",
    to: "2025-03-10T09:00:00Z",
    start: { username: "日本太郎", hostname: "database-1.example.com", cwd: "/srv/проект/日本語のフォルダ/深い" },
  },
  {
    id: "shell-20250310-100000",
    from: "2025-03-10T10:00:00Z",
    lost: ["2025-03-10T12:00:00Z", "2025-03-10T13:00:00Z"],
    start: { username: "anna", hostname: "web1", cwd: "/home/anna" },
  },
];

interface Look {
  readonly columns: number;
  readonly env?: Readonly<Record<string, string>>;
}

/** @returns what the command printed, a string a line */
async function seen(
  t: TestContext,
  args: readonly string[],
  { columns, env = {} }: Look,
  history: readonly Story[] = stories,
): Promise<string[]> {
  const sandbox = createSandbox(t);
  await recordHistory(sandbox, history);
  const options = { cwd: sandbox.folder, env: { ...sandbox.env, TERM: "xterm", ...env }, columns };
  const terminal = openTerminal(t, launcher, args, options);
  assert.equal((await terminal.ended()).code, 0, terminal.output());
  return terminal.output().trimEnd().split("\r\n");
}

for (const columns of [40, 80, 120, 200]) {
  test(`at ${columns} columns every line of list fits, and the session ids stay whole`, async (t) => {
    const lines = (await seen(t, ["list", "--all"], { columns })).map(stripVTControlCharacters);
    assert.equal(lines.length, 3);
    for (const line of lines) assert.ok(widthOf(line) <= columns, `${line} is wider than ${columns}`);
    assert.match(lines[1] ?? "", /^shell-20250310-100000 /);
  });
}

test("at 80 columns the least important columns are left out, at 200 none is, and wide characters are aligned", async (t) => {
  const narrow = (await seen(t, ["list", "--all"], { columns: 80 })).map(stripVTControlCharacters);
  assert.deepEqual(narrow, [
    "SESSION                STATE     USER      STARTED     ENDED          DIRECTORY",
    "shell-20250310-100000  orphaned  anna      2025-03-10  by 2025-03-10  /home/anna",
    "shell-20250310-080000  ended     日本太郎  2025-03-10  2025-03-10     …ルダ/深い",
  ]);
  const wide = (await seen(t, ["list", "--all"], { columns: 200 })).map(stripVTControlCharacters);
  const columnOf = (line: string, text: string) => widthOf(line.slice(0, line.indexOf(text)));
  assert.match(wide[0] ?? "", /^SESSION +STATE +USER +HOST +SHELL +PID +STARTED +ENDED +EXIT +DIRECTORY/);
  assert.equal(columnOf(wide[1] ?? "", "/home/anna"), columnOf(wide[2] ?? "", "/srv/"));
});

test("how to read on stands below the page", async (t) => {
  const lines = (await seen(t, ["list", "--all", "--limit", "1"], { columns: 80 })).map(stripVTControlCharacters);
  assert.deepEqual(
    lines.map((line) => /^\S+/.exec(line)?.[0]),
    ["SESSION", "shell-20250310-100000", "next:"],
  );
});

const asciiCases: readonly (readonly [args: readonly string[], mark: string])[] = [
  [["list", "--all"], "..."],
  [["show", "shell-20250310-100000"], "pid_gone"],
  [["why", "shell-20250310-100000"], "pid_gone"],
  [["stats"], "#"],
  [["timeline", "--since", "2025-03-10", "--until", "2025-03-11"], "?"],
  [["doctor"], "->"],
  [["prune", "--older-than", "1d", "--yes"], "1 of 1 sessions ..."],
  [["rebuild"], "2 events ..."],
  [["backup", "copy.db"], "pages ..."],
];
for (const args of [["why", "shell-20250310-100000"], ["doctor"]]) {
  test(`at 80 columns ${args[0]} fits, and breaks its sentences between words`, async (t) => {
    const sandbox = createSandbox(t);
    await recordHistory(sandbox, stories);
    // The first question makes the folders, which the second one tells.
    await runWell(sandbox, args);
    const whole = wordsOf((await runWell(sandbox, args)).split("\n"));
    const options = { cwd: sandbox.folder, env: { ...sandbox.env, TERM: "dumb" }, columns: 80 };
    const terminal = openTerminal(t, launcher, args, options);
    await terminal.ended();
    const lines = terminal.output().trimEnd().split("\r\n");
    for (const line of lines) assert.ok(widthOf(line) <= 80 || !line.trim().includes(" "), line);
    assert.deepEqual(wordsOf(lines), whole);
    assert.match(lines.join("\n"), /^ {4,}\S/m, "something was wrapped");
  });
}

/** The words of the sentences; the table below those of `why` is another matter. */
function wordsOf(lines: readonly string[]): string[] {
  const table = lines.indexOf("");
  return lines.slice(0, table === -1 ? lines.length : table).flatMap((line) => line.trim().split(/\s+/));
}

test("where the locale is not UTF-8 nothing of ours is more than ASCII", async (t) => {
  const story = { ...(stories[1] as Story), start: { cwd: "/srv/a-directory-with-a-long-name/below/another-one" } };
  for (const [args, mark] of asciiCases) {
    const text = (await seen(t, args, { columns: 80, env: { LC_ALL: "C" } }, [story])).join("\n");
    assert.ok(text.includes(mark), `${args[0]}: ${text}`);
    assert.doesNotMatch(text, /[^\p{ASCII}]/u, args.join(" "));
  }
});

test("states are coloured on a terminal, and nothing is where NO_COLOR is set", async (t) => {
  const color = "\u001b[";
  assert.ok((await seen(t, ["list", "--all"], { columns: 80 })).join("").includes(color));
  const plain = await seen(t, ["list", "--all"], { columns: 80, env: { NO_COLOR: "1" } });
  assert.equal(plain.join("").includes(color), false);
});

test("stats draws bars that fit, with blocks where the locale is UTF-8 and with # elsewhere or on demand", async (t) => {
  const blocks = await seen(t, ["stats"], { columns: 80 });
  assert.match(blocks[1] ?? "", / █+$/);
  const ascii = await seen(t, ["stats"], { columns: 80, env: { LC_ALL: "C" } });
  assert.match(ascii[1] ?? "", / #+$/);
  assert.match((await seen(t, ["stats", "--ascii"], { columns: 80 }))[1] ?? "", / #+$/);
  for (const line of [...blocks, ...ascii]) assert.ok(widthOf(stripVTControlCharacters(line)) <= 80, line);
});
