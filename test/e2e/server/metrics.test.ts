/** Proves what a server's metrics say: of shells of other processes, of calls, under attack, and of a store in trouble. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { App } from "../../../src/app/app.ts";
import { createTrack, type Track } from "../../../src/app/track.ts";
import { createMetrics, type Metrics } from "../../../src/server/metrics/metrics.ts";
import { instantFromMs } from "../../../src/tracker/instant.ts";
import type { EndResult, StartResult } from "../../../src/wire/result.ts";
import { endArguments, startArguments } from "../../support/events.ts";
import { eventually } from "../../support/eventually.ts";
import { runWell } from "../../support/rows.ts";
import { createSandbox, root, runToEnd, type Sandbox } from "../../support/sandbox.ts";
import { claims, secret, tokenMakers } from "../../support/server/jwt.ts";
import { holdLock } from "../../support/server/lock.ts";
import { type Family, type Labels, readMetrics, samplesOf, sumOf } from "../../support/server/prometheus.ts";
import { withStore } from "../../support/store/history.ts";
import { countsIn, recount } from "../../support/store/recount.ts";
import { endEvent, startEvent } from "../../support/store/session-events.ts";
import { recordLives } from "../../support/store/store-place.ts";
import { openAppAt } from "./open-app.ts";

const version = "1.2.3";
/** Nobody waits so long, on however slow a machine. */
const noDeadlineMs = 600_000;

interface Watched {
  readonly app: App;
  readonly track: Record<keyof Track, (args: unknown) => Promise<StartResult | EndResult>>;
  readonly metrics: Metrics;
  readonly scrape: () => Promise<ReadonlyMap<string, Family>>;
}

/** A server that starts now, as far as its metrics go. */
async function watch(
  t: TestContext,
  sandbox: Sandbox,
  env: Readonly<Record<string, string>> = {},
  storeDeadlineMs = noDeadlineMs,
): Promise<Watched> {
  const { app, gate } = await openAppAt(t, sandbox.home, env);
  const metrics = await createMetrics({ store: app.store, version, storeDeadlineMs });
  const { start, end } = createTrack(app, gate, metrics.observe);
  const track = {
    start: async (args: unknown) => (await start(args)).answer,
    end: async (args: unknown) => (await end(args)).answer,
  };
  return { app, track, metrics, scrape: async () => readMetrics(await metrics.text()) };
}

test("shells that other processes record are counted: opened, ended, killed, and sent again", async (t) => {
  const sandbox = createSandbox(t);
  const { scrape } = await watch(t, sandbox);
  const check = async (position: number, scrapeNow = scrape) => {
    const families = await scrapeNow();
    const expected = await withStore(sandbox, (store) => recount(store, position));
    assert.deepEqual([...countsIn(families)].sort(), [...expected].sort());
    return families;
  };
  assert.equal((await check(0)).get("active_sessions")?.samples.length, 0);

  const child = spawn("sleep", ["120"], { stdio: "ignore" });
  t.after(() => child.kill("SIGKILL"));
  const files = [0, 1, 2, 3].map((index) => join(sandbox.folder, `state-${index}`));
  const start = (file: string) =>
    runWell(sandbox, ["start", "--component", "one", "--shell-type", "zsh", "--state-file", file]);
  const ids = await Promise.all(files.map(start));
  assert.deepEqual(await Promise.all(files.map(start)), ids);
  const killed = (await runWell(sandbox, ["start", "--pid", String(child.pid)])).trim();
  assert.equal(sumOf(await check(0), "active_sessions"), 5);

  const ends = ids.slice(0, 3).flatMap((id) => [id.trim(), id.trim()]);
  await Promise.all(ends.map((id) => runWell(sandbox, ["end", id])));
  const exit = once(child, "exit");
  child.kill("SIGKILL");
  await exit;
  await runWell(sandbox, ["reconcile"]);
  const closed = await check(0);
  assert.equal(sumOf(closed, "session_end_total", { status: "ended" }), 3);
  assert.equal(sumOf(closed, "session_end_total", { status: "orphaned" }), 1);
  assert.deepEqual(
    samplesOf(closed, "active_sessions").map(({ labels, value }) => [labels.component_name, value]),
    [
      ["one", 1],
      ["shell", 0],
    ],
  );

  // A shell that told its end late: it closed once, and how long it lasted is known only now.
  await runWell(sandbox, ["end", killed]);
  const raised = await check(0);
  assert.equal(sumOf(raised, "session_end_total"), 4);
  assert.equal(sumOf(raised, "session_duration_seconds_count"), sumOf(closed, "session_duration_seconds_count") + 1);

  const again = await watch(t, sandbox);
  const restarted = await check(await again.app.store.lastSeq(), again.scrape);
  assert.equal(sumOf(restarted, "session_start_total"), 0);
  assert.equal(sumOf(restarted, "active_sessions", { component_name: "one" }), 1);
});

test("a session's length falls into its bucket", async (t) => {
  const sandbox = createSandbox(t);
  const { scrape } = await watch(t, sandbox);
  const fromMs = Date.parse("2026-02-06T12:34:56Z");
  const life = (...seconds: number[]) => {
    const sessionId = randomUUID();
    const ends = seconds.map((s) => endEvent({ timestamp: instantFromMs(fromMs + s * 1_000) }, { sessionId }));
    return [startEvent({ timestamp: instantFromMs(fromMs) }, { sessionId }), ...ends];
  };
  // The last one has two ends, of which the earlier counts.
  const lives = [life(0), life(60), life(60.5), life(28_800), life(28_801, 50_000)];
  await withStore(sandbox, (store) => recordLives(store, lives));
  const buckets = samplesOf(await scrape(), "session_duration_seconds_bucket");
  assert.deepEqual(
    buckets.map(({ labels, value }) => `${labels.le}:${value}`).join(" "),
    "60:2 300:3 900:3 1800:3 3600:3 7200:3 14400:3 28800:4 +Inf:5",
  );
});

test("calls are counted with what became of them", async (t) => {
  const sandbox = createSandbox(t);
  const { app, track, metrics, scrape } = await watch(t, sandbox, { SESSION_BUDDY_SECRET: secret });
  const token = await tokenMakers.hand(claims());
  const event = startArguments({ token });
  const { session_id: id } = await track.start(event);
  await track.start(event);
  await track.start({ ...event, pid: 0 });
  await track.start({ ...event, event_id: "x", component_name: "made-up" });
  await track.start({ ...event, token: undefined });
  await track.start({ ...event, token: await tokenMakers.hand(claims({ exp: 1 })) });
  await track.start(null);
  await track.end(endArguments(id, { token }));
  await track.end(endArguments(id, { token }));
  await track.end(endArguments("no-such-id", { token }));
  await track.end(endArguments("mahavishnu-20000101-000000", { token }));
  await track.end(endArguments(id, { token, timestamp: "yesterday" }));
  await track.end(endArguments(5, { token: "x" }));
  const families = await scrape();
  assert.deepEqual(linesOf(families, "mcp_event_emit_success_total"), [
    "mahavishnu session_end 2",
    "mahavishnu session_start 2",
  ]);
  assert.deepEqual(linesOf(families, "mcp_event_emit_failure_total"), [
    "(unknown) session_end authentication 1",
    "(unknown) session_end not_found 1",
    "(unknown) session_start authentication 1",
    "(unknown) session_start validation 1",
    "mahavishnu session_end not_found 1",
    "mahavishnu session_end validation 1",
    "mahavishnu session_start authentication 2",
    "mahavishnu session_start validation 1",
  ]);
  assert.deepEqual(linesOf(families, "session_end_total"), [
    "(unknown) error 1",
    "(unknown) not_found 1",
    "mahavishnu ended 1",
    "mahavishnu error 1",
    "mahavishnu not_found 1",
    "mahavishnu orphaned 0",
    "mahavishnu replaced 0",
  ]);
  assert.equal(sumOf(families, "mcp_event_emit_duration_seconds_count"), 13);
  assert.ok(sumOf(families, "mcp_event_emit_duration_seconds_sum") > 0);
  assert.deepEqual(samplesOf(families, "session_buddy_build_info")[0]?.labels, { version });
  assert.equal(metrics.contentType, "text/plain; version=0.0.4; charset=utf-8");

  await app.close();
  await track.start(startArguments({ token }));
  const closed = await scrape();
  assert.deepEqual(
    linesOf(closed, "mcp_event_emit_failure_total").filter((line) => line.includes("storage")),
    ["mahavishnu session_start storage 1"],
  );
  assert.deepEqual([sumOf(closed, "session_buddy_store_up"), samplesOf(closed, "active_sessions")], [0, []]);
});

test("ten thousand components and shell types leave the text short, the sums right and the known names in place", async (t) => {
  const sandbox = createSandbox(t);
  const count = 10_000;
  const lifeOf = (componentName: string, shellType: string) => [
    startEvent({ componentName, shellType }, { sessionId: randomUUID() }),
  ];
  const known = Array.from({ length: 60 }, (_, index) => `z-known-${index}`);
  const lives = known.flatMap((name) => [lifeOf(name, "MahavishnuShell"), lifeOf(name, "bash")]);
  const junk = (from: number) =>
    Array.from({ length: count }, (_, index) => lifeOf(`a-${from + index}`, `junk ${from + index}`));
  await withStore(sandbox, (store) => recordLives(store, [...junk(0), ...lives]));

  const { track, metrics, scrape } = await watch(t, sandbox);
  await withStore(sandbox, (store) => recordLives(store, junk(count)));
  for (let index = 0; index < 200; index += 1) {
    await track.start(startArguments({ component_name: `c-${index}`, shell_type: `more ${index}` }));
    await track.start(startArguments({ component_name: `refused-${index}`, pid: 0 }));
    await track.end(endArguments(`refused-${index}-20260206-123456`));
  }
  await withStore(sandbox, (store) =>
    recordLives(
      store,
      known.map((name) => lifeOf(name, "MahavishnuShell")),
    ),
  );
  const families = await scrape();
  assert.equal(sumOf(families, "session_start_total"), count + 200 + known.length);
  assert.equal(sumOf(families, "session_start_total", { shell_type: "MahavishnuShell" }), known.length);
  assert.equal(sumOf(families, "active_sessions"), 2 * count + 200 + 3 * known.length);
  for (const component_name of known) {
    assert.equal(sumOf(families, "active_sessions", { component_name }), 3);
    assert.equal(sumOf(families, "session_start_total", { component_name, shell_type: "MahavishnuShell" }), 1);
  }
  assert.ok(sumOf(families, "session_start_total", { component_name: "(other)", shell_type: "(other)" }) > 0);
  const names = labelValues(families, "component_name");
  assert.equal(names.size, 102);
  assert.ok(![...names].some((name) => name.startsWith("refused")));
  assert.ok(labelValues(families, "shell_type").size <= 31);
  const text = await metrics.text();
  assert.ok(text.length < 1_000_000, `${text.length} characters`);
});

test("whatever a shell calls itself, the text stays readable, and names no person, place or secret", async (t) => {
  const sandbox = createSandbox(t);
  const { track, metrics, scrape } = await watch(t, sandbox);
  const names = [
    "",
    "a\nb",
    'q"}',
    "back\\slash",
    "\\n",
    "größe 😀",
    "\u001b[31mred\u001b[0m",
    "nul\0",
    "\u202egnp",
    "a,b=c",
  ];
  const person = { username: "SECRET-user", home: "/SECRET-home" };
  const environment = {
    python_version: "SECRET-python",
    platform: "SECRET-platform",
    cwd: "/SECRET-cwd",
    extra: "SECRET",
  };
  const hidden = {
    user: person,
    environment,
    hostname: "SECRET-host",
    metadata: { SECRET: "SECRET" },
    token: "SECRET",
  };
  for (const shell_type of [...names, ...names]) await track.start(startArguments({ shell_type, ...hidden }));
  for (const shell_type of ["x\ud800", 5, null]) await track.start(startArguments({ shell_type, ...hidden }));
  for (const name of ["SECRET\n", "SECRET name", "__proto__"]) {
    await track.start(startArguments({ component_name: name, pid: 0 }));
    await track.end(endArguments(name));
  }
  const families = await scrape();
  const shown = [
    "",
    "a\\nb",
    'q"}',
    "back\\slash",
    "größe 😀",
    "\\x1b[31mred\\x1b[0m",
    "nul\\x00",
    "\\u202egnp",
    "a,b=c",
  ];
  for (const shell_type of shown) assert.equal(sumOf(families, "session_start_total", { shell_type }), 2, shell_type);
  assert.equal(sumOf(families, "session_start_total", { shell_type: "\\n" }), 2);
  assert.equal(sumOf(families, "session_start_total"), 2 * names.length);
  assert.doesNotMatch(await metrics.text(), /SECRET/);
});

test("a store in which a write cannot go on leaves out what it would say, and nothing else", async (t) => {
  const sandbox = createSandbox(t);
  const { track, scrape } = await watch(t, sandbox, {}, 500);
  await track.start(startArguments());
  const { release } = await holdLock(t, join(sandbox.home, "sessions.db"));
  const waiting = track.start(startArguments());
  const locked = await scrape();
  assert.equal(sumOf(locked, "session_buddy_store_up"), 0);
  assert.deepEqual(samplesOf(locked, "active_sessions"), []);
  assert.equal(sumOf(locked, "mcp_event_emit_success_total"), 1);
  await release();
  await waiting;
  await eventually(async () => {
    const free = await scrape();
    assert.deepEqual([sumOf(free, "session_buddy_store_up"), sumOf(free, "active_sessions")], [1, 2]);
    assert.equal(sumOf(free, "session_start_total"), 2);
  });
});

test("scrapes and ticks at the same time count no event twice, and none misses what was on record before it", async (t) => {
  const sandbox = createSandbox(t);
  const { track, metrics, scrape } = await watch(t, sandbox);
  for (let round = 1; round <= 20; round += 1) {
    const { session_id: id } = await track.start(startArguments());
    if (round % 2 === 0) await track.end(endArguments(id));
    const scrapes = await Promise.all([scrape(), metrics.follow().then(scrape), scrape(), scrape()]);
    for (const families of scrapes) {
      assert.equal(sumOf(families, "session_start_total"), round);
      assert.equal(sumOf(families, "session_end_total"), Math.floor(round / 2));
      assert.equal(sumOf(families, "active_sessions"), Math.ceil(round / 2));
    }
  }
});

test("metrics keep no process alive", async (t) => {
  const sandbox = createSandbox(t);
  const source = (path: string) => JSON.stringify(join(root, path));
  const program = `
    import { openAppAt } from ${source("test/e2e/server/open-app.ts")};
    import { createMetrics } from ${source("src/server/metrics/metrics.ts")};
    const endings = [];
    const { app } = await openAppAt({ after: (ending) => endings.push(ending) }, ${JSON.stringify(sandbox.home)});
    const metrics = await createMetrics({ store: app.store, version: "1" });
    process.stdout.write(String((await metrics.text()).includes("active_sessions")));
    await app.close();`;
  const { status, stdout, stderr } = await runToEnd(process.execPath, ["--input-type=module", "-e", program], {
    env: sandbox.env,
  });
  assert.deepEqual([status, stdout, stderr], [0, "true", ""]);
});

/** Label values and value of each sample, without the labels' names, in order. */
function linesOf(families: ReadonlyMap<string, Family>, name: string): string[] {
  const inOrder = ({ component_name, event_type, error_type, status }: Labels) =>
    [component_name, event_type, error_type, status].filter((value) => value !== undefined).join(" ");
  return samplesOf(families, name)
    .map(({ labels, value }) => `${inOrder(labels)} ${value}`)
    .sort();
}

function labelValues(families: ReadonlyMap<string, Family>, label: string): Set<string> {
  const samples = [...families.values()].flatMap((family) => family.samples);
  return new Set(samples.flatMap(({ labels }) => labels[label] ?? []));
}
