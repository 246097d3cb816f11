/** Proves with real processes that a record is delivered whole: over a network that loses half of it, and to whom it was enrolled. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { mkdirSync, statSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { Store } from "../../src/tracker/store.ts";
import { startCentre } from "../support/delivery/centre-process.ts";
import { enrol, recordSessions } from "../support/delivery/enrolled.ts";
import { createFaultProxy, type Fault, freePort } from "../support/delivery/fault-proxy.ts";
import { eventually } from "../support/eventually.ts";
import { createSandbox, launcher, type Sandbox } from "../support/sandbox.ts";
import { withStore } from "../support/store/history.ts";

const events = Number(process.env.DELIVERY_EVENTS ?? 4_000);

interface Centre {
  readonly port: number;
  readonly url: string;
  readonly home: string;
  /** kill(2) with -9, and a new one in its place. */
  killed(): Promise<void>;
  stop(): Promise<void>;
}

async function openCentre(t: TestContext, sandbox: Sandbox): Promise<Centre> {
  const home = join(sandbox.folder, "centre");
  mkdirSync(home, { mode: 0o700 });
  const port = await freePort();
  let child = await startCentre(join(home, "sessions.db"), port);
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  };
  t.after(stop);
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    home,
    stop,
    async killed() {
      await stop();
      child = await startCentre(join(home, "sessions.db"), port);
    },
  };
}

async function idsAt(home: string): Promise<string[]> {
  return withStore({ home }, async (store: Store) => {
    const ids: string[] = [];
    for (let after = 0; ; ) {
      const page = await store.events(after, 5_000);
      ids.push(...page.map(({ event }) => event.eventId));
      if (page.length === 0) return ids;
      after = page.at(-1)?.seq ?? after;
    }
  });
}

/** A fifth of the requests and a fifth of the answers are lost, a tenth is answered with 503. */
const cycle: readonly Fault[] = [
  "none",
  "answer lost",
  "none",
  "request lost",
  "none",
  "busy",
  "none",
  "answer lost",
  "request lost",
  "none",
];

test(`${events} events arrive once each, though half of the answers do not come and both sides are killed again and again`, async (t) => {
  const sandbox = createSandbox(t);
  const centre = await openCentre(t, sandbox);
  const seen = new EventEmitter();
  let count = 0;
  const proxy = await createFaultProxy(t, centre.port, () => {
    const fault = cycle[count % cycle.length] ?? "none";
    count += 1;
    seen.emit("request", fault);
    return fault;
  });
  await enrol(sandbox, proxy.url);
  const ids = await recordSessions(sandbox, events / 2);
  let [kills, faults, requests] = [0, 0, 0];
  for (let isDone = false; !isDone; ) {
    const child = spawn(launcher, ["deliver", "--wait"], { env: sandbox.env, stdio: "ignore" });
    t.after(() => child.kill("SIGKILL"));
    const ended = once(child, "exit");
    // Most are killed in the middle of what went wrong, some in the middle of what goes well; the others wait and try again.
    const onRequest = (fault: Fault) => {
      requests += 1;
      if (fault !== "none") faults += 1;
      if (fault === "none" ? requests % 10 === 0 : faults % 8 !== 0) child.kill("SIGKILL");
    };
    seen.on("request", onRequest);
    const [status] = await ended;
    seen.off("request", onRequest);
    isDone = status === 0;
    if (isDone) continue;
    assert.equal(child.signalCode, "SIGKILL");
    kills += 1;
    if (kills % 12 === 1) await centre.killed();
  }
  t.diagnostic(`${kills} kills of the host's side, ${JSON.stringify(proxy.counts)}`);
  assert.ok(kills > 0 && proxy.counts["request lost"] > 0 && proxy.counts["answer lost"] > 0 && proxy.counts.busy > 0);
  await centre.stop();
  const arrived = await idsAt(centre.home);
  assert.equal(arrived.length, ids.size, "an event is there twice, or not at all");
  assert.deepEqual(new Set(arrived), ids);
});

test("to several at once: one that does not answer holds up no other, and what it lacks waits", async (t) => {
  const sandbox = createSandbox(t);
  const centre = await openCentre(t, sandbox);
  const silent = await createFaultProxy(t, centre.port, () => "silent");
  await enrol(sandbox, centre.url, { name: "good" });
  await enrol(sandbox, silent.url, { name: "silent" });
  const ids = await recordSessions(sandbox, 3);
  const child = spawn(launcher, ["deliver", "--wait"], { env: sandbox.env, stdio: "ignore" });
  t.after(() => child.kill("SIGKILL"));
  const waiting = async () => {
    const { destinations } = JSON.parse((await sandbox.run(["deliver", "status", "--json"])).stdout);
    return destinations.map(({ name, waiting_events }: Record<string, unknown>) => [name, waiting_events]);
  };
  const expected = [
    ["good", 0],
    ["silent", 6],
  ];
  await eventually(async () => assert.deepEqual(await waiting(), expected));
  await eventually(() => assert.equal(silent.counts.silent, 1));
  const ended = once(child, "exit");
  child.kill("SIGINT");
  assert.equal((await ended)[0], 130);
  assert.deepEqual(await waiting(), expected);
  assert.deepEqual(new Set(await idsAt(centre.home)), ids);
});

test("a shell's start and end deliver in passing, after their answer, and not again within ten seconds", async (t) => {
  const sandbox = createSandbox(t);
  const centre = await openCentre(t, sandbox);
  const origin = await enrol(sandbox, centre.url);
  const file = join(sandbox.folder, "state");
  const folder = join(sandbox.home, "destinations");
  const start = await sandbox.run(["start", "--state-file", file]);
  assert.equal(start.status, 0, start.stderr);
  assert.equal((await idsAt(centre.home)).length, 1);
  assert.ok(statSync(folder).mtimeMs > Date.now(), "the next one is not due yet");
  assert.equal((await sandbox.run(["end", "--state-file", file])).status, 0);
  assert.equal((await idsAt(centre.home)).length, 1);
  utimesSync(folder, 0, 0);
  assert.equal((await sandbox.run(["start", "--state-file", join(sandbox.folder, "other")])).status, 0);
  assert.equal((await idsAt(centre.home)).length, 3);
  await withStore({ home: centre.home }, async (store) => {
    const sessions = await store.sessions({});
    assert.deepEqual(new Set(sessions.map((session) => session.origin?.originId)), new Set([origin]));
  });
});

test("a server delivers what comes on record, to whom the record is enrolled while it runs", async (t) => {
  const sandbox = createSandbox(t);
  const centre = await openCentre(t, sandbox);
  const server = await sandbox.serve();
  await enrol(sandbox, centre.url);
  const ids = await recordSessions(sandbox, 2);
  await eventually(async () => assert.deepEqual(new Set(await idsAt(centre.home)), ids));
  const more = await recordSessions(sandbox, 2);
  await eventually(async () => assert.deepEqual(new Set(await idsAt(centre.home)), new Set([...ids, ...more])));
  assert.equal((await server.stop()).status, 0);
});

test("a centre that is silent keeps neither a shell's courier nor a server that stops", async (t) => {
  const sandbox = createSandbox(t);
  const proxy = await createFaultProxy(t, 1, () => "silent");
  await enrol(sandbox, proxy.url);
  const file = join(sandbox.folder, "state");
  assert.equal((await sandbox.run(["start", "--state-file", file])).status, 0);
  assert.equal(proxy.counts.silent, 1);
  assert.match((await sandbox.run(["deliver", "status"])).stdout, /state +failed 1 times: .* does not answer: /);
  const server = await sandbox.serve();
  await eventually(() => assert.equal(proxy.counts.silent, 2));
  assert.equal((await server.stop()).status, 0);
});

test("a key that was copied to another machine sends nothing, says so, and everything is still recorded", async (t) => {
  const sandbox = createSandbox(t);
  const centre = await openCentre(t, sandbox);
  await enrol(sandbox, centre.url, { machineId: "0".repeat(32) });
  const start = await sandbox.run(["start", "--state-file", join(sandbox.folder, "state")]);
  assert.deepEqual([start.status, start.stderr], [0, ""]);
  const now = await sandbox.run(["deliver", "--wait"]);
  assert.equal(now.status, 5);
  assert.match(
    now.stdout,
    /^central {2}nothing was sent: its key was made on another machine, .* enroll this machine by itself\n$/,
  );
  assert.match(
    (await sandbox.run(["deliver", "status"])).stdout,
    /state +stopped: its key was made on another machine/,
  );
  assert.deepEqual(await idsAt(centre.home), []);
  assert.equal(JSON.parse((await sandbox.run(["list", "--all", "--json"])).stdout).length, 1);
});

test("a record that is enrolled nowhere says how to, and an unreachable one when it is tried again", async (t) => {
  const sandbox = createSandbox(t);
  for (const args of [["deliver"], ["deliver", "status"]]) {
    const { status, stderr } = await sandbox.run(args);
    assert.deepEqual(
      [status, stderr],
      [1, "session-buddy: this record is not enrolled anywhere; 'session-buddy enroll --help' shows how to\n"],
    );
  }
  await enrol(sandbox, `http://127.0.0.1:${await freePort()}`);
  await recordSessions(sandbox, 1);
  const failed = await sandbox.run(["deliver"]);
  assert.equal(failed.status, 5);
  assert.match(
    failed.stdout,
    /^central {2}0 events delivered; 2 wait: http:\S+ does not answer: nothing listens there\n$/,
  );
  assert.match((await sandbox.run(["deliver", "status"])).stdout, /state +failed 1 times: .*\nwaiting +2 events\n/);
});
