/** Proves that watch shows what comes and goes on a terminal and leaves it as it was, and that its stream can be resumed. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { type TestContext, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { assertRefused, runWell } from "../support/rows.ts";
import { createSandbox, launcher, type Sandbox } from "../support/sandbox.ts";
import { openTerminal } from "../support/shells/pty.ts";
import { recordHistory } from "../support/store/history.ts";

interface Line {
  readonly seq: number;
  readonly session_id: string;
  readonly kind: string;
}

/** A stream of events; `next` waits for one line. */
function streamOf(t: TestContext, sandbox: Sandbox, from: readonly string[]) {
  const child = spawn(launcher, ["watch", "--format", "ndjson", ...from], {
    env: sandbox.env,
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.after(() => child.kill("SIGKILL"));
  const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    next: async (): Promise<Line> => JSON.parse((await lines.next()).value ?? "null"),
    async stop(signal: NodeJS.Signals) {
      child.kill(signal);
      return ended;
    },
  };
}

const started = async (sandbox: Sandbox, component: string) =>
  (await runWell(sandbox, ["start", "--component", component, "--pid", String(process.pid)])).trimEnd();

test("the stream has every event after a position in order, goes on as they come, and ends well by a signal", async (t) => {
  const sandbox = createSandbox(t);
  const one = await started(sandbox, "one");
  await runWell(sandbox, ["end", one]);
  const stream = streamOf(t, sandbox, ["--from", "0"]);
  const [first, second] = [await stream.next(), await stream.next()];
  assert.deepEqual([first.session_id, first.kind, second.kind], [one, "start", "end"]);
  assert.deepEqual(Object.keys(first), [
    "seq",
    "session_id",
    "event_id",
    "kind",
    "recorded_at",
    "source",
    "caller",
    "process",
    "boot_clock",
    "circumstances",
    "details",
  ]);
  const two = await started(sandbox, "two");
  assert.equal((await stream.next()).session_id, two);
  assert.equal(await stream.stop("SIGINT"), 0);

  const resumed = streamOf(t, sandbox, ["--from", String(second.seq)]);
  assert.equal((await resumed.next()).session_id, two);
  assert.equal(await resumed.stop("SIGTERM"), 0);
});

test("the stream has no event twice where some were removed, and without a position only what is new", async (t) => {
  const sandbox = createSandbox(t);
  const old = { from: "2024-03-10T08:00:00Z", to: "2024-03-10T09:00:00Z" };
  await recordHistory(sandbox, [
    { id: "old-1", ...old },
    { id: "old-2", ...old },
    { id: "kept", from: "2026-03-10T08:00:00Z" },
  ]);
  await runWell(sandbox, ["prune", "--older-than", "1d", "--yes"]);
  const [all, fresh] = [streamOf(t, sandbox, ["--from", "0"]), streamOf(t, sandbox, [])];
  assert.equal((await all.next()).session_id, "kept");
  // Until one comes after the stream has found out where the record ends.
  let newest: Line | null = null;
  const first = fresh.next().then((line) => {
    newest = line;
  });
  const ids = [await started(sandbox, "new")];
  while (newest === null) {
    ids.push(await started(sandbox, `new-${ids.length}`));
    await Promise.race([first, pause(100)]);
  }
  assert.equal((await all.next()).session_id, ids[0]);
  assert.ok(ids.includes((newest as Line).session_id));
});

test("a terminal shows the sessions that open and close; Ctrl-C brings back what was there, with exit status 0", async (t) => {
  const sandbox = createSandbox(t);
  const terminal = openTerminal(t, launcher, ["watch"], {
    cwd: sandbox.folder,
    env: { ...sandbox.env, TERM: "xterm" },
  });
  await terminal.find("\u001b[?1049h");
  await terminal.find("0 open.");
  const one = await started(sandbox, "one");
  await terminal.find("1 open.");
  await terminal.find(one);
  await runWell(sandbox, ["end", one]);
  await terminal.find("0 open.");
  terminal.type("\u0003");
  assert.deepEqual(await terminal.ended(), { code: 0, signal: 0 });
  assert.ok(terminal.output().endsWith("\u001b[?25h\u001b[?1049l"), "the cursor and the first screen are back");
});

test("more open sessions than the terminal has lines are counted, and nothing scrolls", async (t) => {
  const sandbox = createSandbox(t);
  const many = Array.from({ length: 25 }, (_, index) => ({ id: `open-${index}`, from: "2026-03-10T08:00:00Z" }));
  await recordHistory(sandbox, many);
  for (const [locale, words] of [
    ["C.UTF-8", "… and 4 more"],
    ["C", "... and 4 more"],
  ] as const) {
    const env = { ...sandbox.env, TERM: "xterm", LC_ALL: locale };
    const terminal = openTerminal(t, launcher, ["watch"], { cwd: sandbox.folder, env });
    await terminal.find(words);
    terminal.type("\u0003");
    await terminal.ended();
    const screen = terminal.output().split("\u001b[H\u001b[J")[1] ?? "";
    assert.equal(screen.split("\r\n").length, 24);
    assert.equal(screen.includes("\u001b[K"), false, "what is erased behind a full line is its last character");
  }
});

test("a dead shell vanishes from the table without any other command", async (t) => {
  const sandbox = createSandbox(t);
  const child = spawn("sleep", ["1000"], { stdio: "ignore" });
  t.after(() => child.kill("SIGKILL"));
  await runWell(sandbox, ["start", "--pid", String(child.pid)]);
  const terminal = openTerminal(t, launcher, ["watch"], {
    cwd: sandbox.folder,
    env: { ...sandbox.env, TERM: "xterm" },
  });
  await terminal.find("1 open.");
  child.kill("SIGKILL");
  await terminal.find("0 open.");
});

test("a table without a terminal, and --from with a table, are refused in words", async (t) => {
  const sandbox = createSandbox(t);
  assertRefused(await sandbox.run(["watch"]), 2, /needs a terminal; use --format ndjson/);
  assertRefused(await sandbox.run(["watch", "--from", "1"]), 2, /--from needs --format ndjson/);
});
