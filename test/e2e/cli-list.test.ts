/** Proves what list finds by each filter, how it prints it, and how it is read page by page. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { instantFromMs } from "../../src/tracker/instant.ts";
import { assertRefused, rowKeys, runWell, type SessionRow } from "../support/rows.ts";
import { createSandbox, type Sandbox } from "../support/sandbox.ts";
import { recordHistory, type Story, withStore } from "../support/store/history.ts";
import { startEvent } from "../support/store/session-events.ts";
import { recordLives } from "../support/store/store-place.ts";

/** What has no zone is of the local one. */
const utc = { env: { TZ: "UTC" } };
const day = (clock: string) => `2026-03-10T${clock}:00Z`;

/** One day; the ids say what is special about each. */
const stories: readonly Story[] = [
  { id: "over-midnight", from: "2026-03-09T22:00:00Z", to: day("01:00"), start: { username: "anna" } },
  { id: "morning", from: day("08:00"), to: day("10:00"), start: { username: "anna", cwd: "/srv/app" } },
  { id: "noon", from: day("10:00"), to: day("13:00"), start: { componentName: "deploy", cwd: "/srv/app/web" } },
  { id: "lost", from: day("11:00"), lost: [day("12:00"), day("15:00")], start: { hostname: "db1", cwd: "/srv/apple" } },
  { id: "open", from: day("09:30"), start: { username: "bert", cwd: "/" } },
];

async function day10(t: Parameters<typeof createSandbox>[0]): Promise<Sandbox> {
  const sandbox = createSandbox(t);
  await recordHistory(sandbox, stories);
  return sandbox;
}

async function found(sandbox: Sandbox, args: readonly string[]): Promise<unknown[]> {
  const rows: SessionRow[] = JSON.parse(await runWell(sandbox, ["list", "--json", ...args], utc));
  for (const row of rows) assert.deepEqual(Object.keys(row), [...rowKeys]);
  return rows.map((row) => row.session_id);
}

const answers: readonly (readonly [args: readonly string[], ids: readonly string[]])[] = [
  [[], ["open"]],
  [["--all"], ["lost", "noon", "open", "morning", "over-midnight"]],
  [["--user", "anna"], []],
  [
    ["--user", "anna", "--all"],
    ["morning", "over-midnight"],
  ],
  [["--user", "ann", "--all"], []],
  [["--host", "db1", "--all"], ["lost"]],
  [["--component", "deploy", "--all"], ["noon"]],
  [["--state", "orphaned"], ["lost"]],
  [
    ["--state", "orphaned", "ended", "--user", "anna"],
    ["morning", "over-midnight"],
  ],
  [
    ["--cwd", "/srv/app", "--all"],
    ["noon", "morning"],
  ],
  [
    ["--cwd", "/srv/app/", "--all"],
    ["noon", "morning"],
  ],
  [
    ["--cwd", "/", "--all"],
    ["lost", "noon", "open", "morning", "over-midnight"],
  ],
  [["--at", day("00:30")], ["over-midnight"]],
  [
    ["--at", day("12:30")],
    ["lost", "noon", "open"],
  ],
  [
    ["--at", day("14:00")],
    ["lost", "open"],
  ],
  [["--at", day("16:00")], ["open"]],
  [["--since", day("09:00"), "--until", day("09:00")], ["morning"]],
  [
    ["--since", day("12:30")],
    ["lost", "noon", "open"],
  ],
  [
    ["--until", day("08:30")],
    ["morning", "over-midnight"],
  ],
  [
    ["--started-since", day("09:45")],
    ["lost", "noon"],
  ],
  [
    ["--since", "2026-03-10 13:30"],
    ["lost", "open"],
  ],
  [["--since", "1m", "--all"], ["open"]],
];

for (const [args, ids] of answers) {
  test(`list ${args.join(" ")} finds ${ids.length === 0 ? "nothing" : ids.join(", ")}`, async (t) => {
    assert.deepEqual(await found(await day10(t), args), ids);
  });
}

test("a directory is taken from where the command runs", async (t) => {
  const sandbox = createSandbox(t);
  await recordHistory(sandbox, [{ id: "here", from: day("08:00"), start: { cwd: `${sandbox.folder}/below` } }]);
  assert.deepEqual(await found(sandbox, ["--cwd", "."]), ["here"]);
  assert.deepEqual(await found(sandbox, ["--cwd", "below"]), ["here"]);
  assert.deepEqual(await found(sandbox, ["--cwd", "bel"]), []);
});

test("pages follow each other by the cursor on standard error, in every format, until nothing is left", async (t) => {
  const sandbox = await day10(t);
  for (const format of ["json", "ndjson", "csv", "table"]) {
    let seen = "";
    const cursors: string[] = [];
    do {
      const after = cursors.length === 0 ? [] : ["--after", cursors.at(-1) ?? ""];
      const page = await sandbox.run(["list", "--all", "--limit", "2", "--format", format, ...after]);
      assert.equal(page.status, 0, page.stderr);
      seen += page.stdout;
      cursors.push(/^next: ([\w-]+)\n$/.exec(page.stderr)?.[1] ?? "");
    } while (cursors.at(-1) !== "");
    assert.equal(cursors.length, 3);
    const ids = seen.match(/\b(?:over-midnight|morning|noon|lost|open)\b/g);
    assert.deepEqual(ids, ["lost", "noon", "open", "morning", "over-midnight"], format);
  }
});

test("a page that is just full is the last one, and one behind it is empty", async (t) => {
  const sandbox = await day10(t);
  assert.equal((await found(sandbox, ["--all", "--limit", "5"])).length, 5);
  const { stderr } = await sandbox.run(["list", "--all", "--limit", "4"]);
  const rest = await found(sandbox, ["--all", "--after", stderr.replace("next: ", "").trim()]);
  assert.deepEqual(rest, ["over-midnight"]);
});

test("ndjson is a row a line, the same rows as json", async (t) => {
  const sandbox = await day10(t);
  const lines = (await runWell(sandbox, ["list", "--all", "--format", "ndjson"])).trimEnd().split("\n");
  const rows = JSON.parse(await runWell(sandbox, ["list", "--all", "--format", "json"]));
  assert.deepEqual(
    lines.map((line) => JSON.parse(line)),
    rows,
  );
});

test("what is printed as it comes is everything once, in its order, however many pages the store gives", async (t) => {
  const sandbox = createSandbox(t);
  const lives = Array.from({ length: 2_001 }, (_, index) => [
    startEvent({ timestamp: instantFromMs(Date.parse(day("08:00")) + index * 1_000) }, { sessionId: `s${index}` }),
  ]);
  await withStore(sandbox, (store) => recordLives(store, lives));
  const expected = Array.from(lives.keys(), (index) => `s${2_000 - index}`);
  const ndjson = (await runWell(sandbox, ["list", "--format", "ndjson"])).trimEnd().split("\n");
  assert.deepEqual(
    ndjson.map((line) => JSON.parse(line).session_id),
    expected,
  );
  const csv = (await runWell(sandbox, ["list", "--format", "csv"])).trimEnd().split("\r\n").slice(1);
  assert.deepEqual(
    csv.map((line) => line.split(",")[0]),
    expected,
  );
});

test("csv has a line of titles, CR LF, and cells that no spreadsheet runs", async (t) => {
  const sandbox = createSandbox(t);
  const titles = `${rowKeys.join(",")}\r\n`;
  assert.equal(await runWell(sandbox, ["list", "--format", "csv"]), titles);
  const start = { cwd: '=HYPERLINK("http://x","y")', username: "a,b", shellType: "-sh", hostname: "@web" };
  await recordHistory(sandbox, [{ id: "one", from: day("08:00"), start, to: day("09:00"), end: { exitCode: -1 } }]);
  assert.equal(
    await runWell(sandbox, ["list", "--all", "--format", "csv"]),
    `${titles}one,ended,mahavishnu,'-sh,12345,'@web,"a,b","'=HYPERLINK(""http://x"",""y"")",2026-03-10T08:00:00Z,2026-03-10T09:00:00Z,,,3600000,-1,exit,client,,,,,,,,,,,,,,,,\r\n`,
  );
});

test("nothing found is said on standard error, with exit status 0", async (t) => {
  const outcome = await (await day10(t)).run(["list", "--user", "nobody"]);
  assert.deepEqual([outcome.status, outcome.stdout, outcome.stderr], [0, "", "No sessions match.\n"]);
});

const refused: readonly (readonly [args: readonly string[], status: number, words: RegExp])[] = [
  [["--since", "tomorrow"], 2, /'tomorrow' is not a time; write/],
  [["--since", "1h", "--until", "2h"], 2, /the window ends \(2h\) before it begins \(1h\)/],
  [["--after", "AAAA"], 3, /cursor/],
];

test("what cannot be asked is refused in words", async (t) => {
  const sandbox = createSandbox(t);
  for (const [args, status, words] of refused) assertRefused(await sandbox.run(["list", ...args]), status, words);
});
