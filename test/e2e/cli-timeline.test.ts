/** Proves what timeline draws for sessions of every state, by session and by user, and what it tells programs. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { rowKeys, runWell } from "../support/rows.ts";
import { createSandbox, launcher, type Sandbox } from "../support/sandbox.ts";
import { openTerminal } from "../support/shells/pty.ts";
import { recordHistory, type Story } from "../support/store/history.ts";

const at = (clock: string) => `2026-03-10T${clock}:00Z`;
const stories: readonly Story[] = [
  { id: "early", from: at("00:30"), to: at("06:00"), start: { username: "anna" } },
  { id: "lost", from: at("08:00"), lost: [at("10:00"), at("14:00")], start: { username: "日本" } },
  { id: "open", from: at("18:00"), start: { username: "anna" } },
  { id: "before", from: "2026-03-01T00:00:00Z", to: "2026-03-02T00:00:00Z" },
];
const day = ["--since", at("00:00"), "--until", at("20:00")];

async function drawn(t: TestContext, args: readonly string[], env = {}): Promise<string[]> {
  const sandbox: Sandbox = createSandbox(t);
  await recordHistory(sandbox, stories);
  return (await runWell(sandbox, ["timeline", ...day, ...args], { env })).trimEnd().split("\n");
}

/** Columns of the name and the session, and of what is drawn beside them. */
const label = 13;
const room = 87;

/** The drawing of one line, in shares of the window that begin and end it. */
function shares(line: string | undefined, glyph: string): readonly [number, number] | null {
  const bar = (line ?? "").replace("日本", "four").slice(label).padEnd(room);
  const first = bar.indexOf(glyph);
  const share = (columns: number) => Math.round((columns / room) * 20);
  return first === -1 ? null : [share(first), share(bar.lastIndexOf(glyph) + 1)];
}

test("a line a session shows whose it is, when it was open, and between which moments its end is not known", async (t) => {
  const [axis, early, lost, open, legend, ...more] = await drawn(t, []);
  assert.match(axis ?? "", /^ {13}2026-03-10 00:00Z +2026-03-10 20:00Z$/);
  assert.deepEqual(
    [early, lost, open].map((line) => line?.split(/ +/).slice(0, 2)),
    [
      ["anna", "early"],
      ["日本", "lost"],
      ["anna", "open"],
    ],
  );
  // In hours of the 20 that are drawn.
  assert.deepEqual([shares(early, "█"), shares(early, "░")], [[0, 6], null]);
  assert.deepEqual(
    [shares(lost, "█"), shares(lost, "░")],
    [
      [8, 10],
      [10, 14],
    ],
  );
  assert.deepEqual(shares(open, "█"), [18, 20]);
  assert.equal(legend, "█ open  ░ end not known  ▶ still open");
  assert.deepEqual(more, []);
});

test("a line a user joins their sessions; wide names are aligned; ASCII where the locale is not UTF-8", async (t) => {
  const [, anna, japan, legend] = await drawn(t, ["--by", "user"], { LC_ALL: "C" });
  assert.match(anna ?? "", /^anna {2} +={20,30} {40,}={5,}$/);
  assert.match(japan ?? "", /^日本 {2} +=+\?+$/);
  assert.equal(legend, "= open  ? end not known  > still open");
});

test("a session that is open now goes on at the right edge", async (t) => {
  const sandbox = createSandbox(t);
  await runWell(sandbox, ["start", "--pid", String(process.pid)]);
  const lines = (await runWell(sandbox, ["timeline", "--ascii"])).split("\n");
  assert.match(lines[1] ?? "", />$/);
});

test("without a window the last day is drawn", async (t) => {
  const sandbox = createSandbox(t);
  const ago = (hours: number) => new Date(Date.now() - hours * 3_600_000).toISOString();
  await recordHistory(sandbox, [
    { id: "lately", from: ago(26), to: ago(20) },
    { id: "long-ago", from: ago(50), to: ago(40) },
  ]);
  const { since, until, lines } = JSON.parse(await runWell(sandbox, ["timeline", "--json"]));
  assert.equal(Date.parse(until) - Date.parse(since), 24 * 3_600_000);
  assert.deepEqual(
    lines.map(({ key }: { key: string }) => key),
    ["lately"],
  );
});

test("programs get the window and the sessions of each line", async (t) => {
  const [text = ""] = await drawn(t, ["--by", "user", "--json"]);
  const { since, until, lines } = JSON.parse(text);
  assert.deepEqual([since, until], [at("00:00"), at("20:00")]);
  const ids = lines.map(({ key, sessions }: { key: string; sessions: { session_id: string }[] }) => [
    key,
    ...sessions.map((session) => session.session_id),
  ]);
  assert.deepEqual(ids, [
    ["anna", "early", "open"],
    ["日本", "lost"],
  ]);
  assert.deepEqual(Object.keys(lines[0].sessions[0]), [...rowKeys]);
});

/** Thirty people, a minute after each other; the first one is still on, the second came back last. */
const crowd: readonly Story[] = [
  ...Array.from({ length: 30 }, (_, index): Story => {
    const minute = String(index + 10);
    const start = { username: `user-${minute}` };
    return { id: `s-${minute}`, from: at(`03:${minute}`), ...(index === 0 ? {} : { to: at(`04:${minute}`) }), start };
  }),
  { id: "back", from: at("05:00"), to: at("05:01"), start: { username: "user-11" } },
];

const keysOf = (lines: readonly string[]) => lines.map((line) => /^\S+/.exec(line)?.[0]);

test("--limit draws those who were on last, and says how many are left out; so it is for programs", async (t) => {
  const sandbox = createSandbox(t);
  await recordHistory(sandbox, crowd);
  const { stdout, stderr } = await sandbox.run(["timeline", ...day, "--by", "user", "--limit", "4"]);
  assert.deepEqual(keysOf(stdout.split("\n").slice(1, 5)), ["user-10", "user-11", "user-38", "user-39"]);
  assert.match(stdout, /\n█ open/);
  assert.equal(stderr, "26 more lines are not shown; --limit 30 shows all of them.\n");
  const json = await sandbox.run(["timeline", ...day, "--limit", "2", "--json"]);
  assert.deepEqual(
    JSON.parse(json.stdout).lines.map(({ key }: { key: string }) => key),
    ["s-10", "back"],
  );
  assert.match(json.stderr, /^29 more/);
  const all = await sandbox.run(["timeline", ...day, "--by", "user"]);
  assert.deepEqual([all.stdout.trimEnd().split("\n").length, all.stderr], [32, ""]);
});

test("on a terminal as many lines are drawn as fit below their axis, or as many as are asked for", async (t) => {
  const sandbox = createSandbox(t);
  await recordHistory(sandbox, crowd);
  const look = { cwd: sandbox.folder, env: { ...sandbox.env, TERM: "xterm", NO_COLOR: "1" } };
  const draw = async (...more: string[]) => {
    const terminal = openTerminal(t, launcher, ["timeline", ...day, "--by", "user", ...more], look);
    assert.equal((await terminal.ended()).code, 0);
    return terminal.output().trimEnd().split("\r\n");
  };
  // 24 rows: the axis, 20 lines, the legend, the words, and one for the prompt.
  const fitting = await draw();
  assert.equal(fitting.length, 23);
  assert.match(fitting[0] ?? "", /2026-03-10 00:00Z/);
  assert.equal(fitting.at(-1), "10 more lines are not shown; --limit 30 shows all of them.");
  assert.equal((await draw("--limit", "30")).length, 32);
});

test("nobody in the window is said on standard error", async (t) => {
  const outcome = await createSandbox(t).run(["timeline"]);
  assert.deepEqual([outcome.status, outcome.stdout, outcome.stderr], [0, "", "No sessions match.\n"]);
});
