/**
 * Proves that `kill -9` at any moment of a start, an end or a server loses nothing that was acknowledged and damages
 * nothing. CRASH_RUNS says how many starts and ends there are in all, 240 by default; `npm run crash` has many more.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { type TestContext, test } from "node:test";
import { endArguments, startArguments } from "../support/events.ts";
import { runWell } from "../support/rows.ts";
import { createSandbox, launcher, type RunningServer, type Sandbox } from "../support/sandbox.ts";
import { callTool, type ToolAnswer } from "../support/server/rpc.ts";
import { sleeper } from "../support/shells/processes.ts";
import { assertSound } from "../support/store/soundness.ts";

const runs = Number(process.env.CRASH_RUNS ?? 240);
const workers = 4;

/** What the program has said it has done; all of it must be found afterwards. */
class Acknowledged {
  readonly started = new Set<string>();
  readonly ended = new Set<string>();

  async assertKept(home: string): Promise<void> {
    const sessions = await assertSound(home);
    assert.deepEqual(
      [...this.started].filter((id) => !sessions.has(id)),
      [],
    );
    assert.deepEqual(
      [...this.ended].filter((id) => sessions.get(id)?.state !== "ended"),
      [],
    );
  }
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

test(`${runs / 2} processes killed while they start and end sessions`, async (t) => {
  const sandbox = createSandbox(t);
  const acknowledged = new Acknowledged();
  const lifetimeMs = await measureLifetime(sandbox, () => startOfAnother(t));
  let killed = 0;
  const worker = async (count: number) => {
    const open: string[] = [];
    for (let run = 0; run < count; run += 1) {
      const id = Math.random() < 0.5 ? open.pop() : undefined;
      const args = id === undefined ? startOfAnother(t) : ["end", id, "--force"];
      const { stdout, status, stderr } = await runAndKill(sandbox, args, Math.random() * lifetimeMs);
      // What was not killed in time must have worked, whatever was killed before it.
      if (status === null) killed += 1;
      else assert.equal(status, 0, stderr);
      const printed = /^(.+)\n$/.exec(stdout)?.[1];
      if (printed !== undefined) {
        acknowledged.started.add(printed);
        open.push(printed);
      }
      if (id !== undefined && status === 0) acknowledged.ended.add(id);
      // An end that was killed may or may not be on record; asking again must work.
      if (id !== undefined && status === null && Math.random() < 0.5) open.push(id);
    }
  };
  await Promise.all(Array.from({ length: workers }, () => worker(Math.ceil(runs / 2 / workers))));
  assert.ok(killed > 0, "no process was killed in time");
  assert.ok(acknowledged.started.size > 0 && acknowledged.ended.size > 0, "every process was killed too early");
  await runWell(sandbox, startOfAnother(t));
  await acknowledged.assertKept(sandbox.home);
});

test(`${runs / 2} starts and ends sent to a server that is killed and started again meanwhile`, async (t) => {
  const sandbox = createSandbox(t);
  const acknowledged = new Acknowledged();
  let server = await sandbox.serve();
  const over = new AbortController();
  let cutOff = 0;
  const answer = (name: string, args: unknown) =>
    answerOf(
      () => server,
      name,
      args,
      over.signal,
      () => {
        cutOff += 1;
      },
    );
  // From before the first call of a new server arrives until all workers have an answer: any moment may be its last.
  const longestMs = await measureAnswers(server);
  let kills = 0;
  const killer = async () => {
    while (!over.signal.aborted) {
      await sleep(Math.random() * longestMs);
      await server.stop("SIGKILL");
      kills += 1;
      server = await sandbox.serve();
    }
  };
  const client = async (count: number) => {
    for (let run = 0; run < count; run += 2) {
      // The same event is sent until it is answered: then it must be on record once.
      const start = await answer("track_session_start", startArguments());
      assert.equal(start.status, "tracked", start.error ?? "");
      const id = String(start.session_id);
      assert.ok(!acknowledged.started.has(id), `${id} was given twice`);
      acknowledged.started.add(id);
      const end = await answer("track_session_end", endArguments(id));
      assert.deepEqual(end, { session_id: id, status: "ended", error: null });
      acknowledged.ended.add(id);
    }
  };
  const killing = killer();
  const sending = Promise.all(Array.from({ length: workers }, () => client(Math.ceil(runs / 2 / workers))));
  try {
    await Promise.race([sending, killing]);
  } finally {
    over.abort();
    await killing;
  }
  t.diagnostic(`${kills} servers killed, ${cutOff} calls cut off`);
  assert.ok(kills > 0, "the server was never killed");
  assert.ok(cutOff > 0, "no server was killed during a call");
  await runWell(sandbox, ["list", "--all"]);
  await acknowledged.assertKept(sandbox.home);
  const sessions = await assertSound(sandbox.home);
  assert.equal(sessions.size, acknowledged.started.size, "an event that was sent again made a second record");
});

/** A shell is on record once, so each start is of a process that no other is of. */
function startOfAnother(t: TestContext): string[] {
  return ["start", "--pid", String(sleeper(t).pid)];
}

/** @returns how long one start takes here and now, with others beside it, in milliseconds */
async function measureLifetime(sandbox: Sandbox, start: () => string[]): Promise<number> {
  const from = performance.now();
  await Promise.all(Array.from({ length: workers }, () => runWell(sandbox, start())));
  return (performance.now() - from) * 1.2;
}

/** @returns how long a server that has just started takes to answer each worker once here and now, in milliseconds */
async function measureAnswers({ url }: RunningServer): Promise<number> {
  const from = performance.now();
  const unknown = endArguments("unknown");
  await Promise.all(Array.from({ length: workers }, () => callTool(url, "track_session_end", unknown)));
  return performance.now() - from;
}

async function runAndKill(sandbox: Sandbox, args: readonly string[], afterMs: number) {
  const child = spawn(launcher, args, { env: sandbox.env, cwd: sandbox.folder, stdio: ["ignore", "pipe", "pipe"] });
  const output = { stdout: "", stderr: "" };
  child.stdout.on("data", (chunk: Buffer) => {
    output.stdout += chunk;
  });
  child.stderr.on("data", (chunk: Buffer) => {
    output.stderr += chunk;
  });
  const timer = setTimeout(() => child.kill("SIGKILL"), afterMs);
  const [status] = (await once(child, "close")) as [number | null];
  clearTimeout(timer);
  return { ...output, status };
}

/**
 * Sends one call to whichever server is there, until it is answered or all is over.
 *
 * @param onCutOff - called when a server has gone that had the call
 */
async function answerOf(
  server: () => RunningServer,
  name: string,
  args: unknown,
  over: AbortSignal,
  onCutOff: () => void,
): Promise<ToolAnswer> {
  for (;;) {
    try {
      return await callTool(server().url, name, args);
    } catch (error) {
      if (over.aborted) throw error;
      if (!isRefused(error)) onCutOff();
      await sleep(5);
    }
  }
}

/** Whether nobody listened, so that no server ever had the call. */
function isRefused(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && "code" in cause && cause.code === "ECONNREFUSED";
}
