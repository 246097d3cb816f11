/** Proves that questions are answered from what is true now, and that many questions do not sweep more than they need. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { type TestContext, test } from "node:test";
import { type App, openApp } from "../../../src/app/app.ts";
import { createQuestions, type Questions } from "../../../src/app/questions.ts";
import { createReconcile } from "../../../src/capture/reconcile.ts";
import { createShells } from "../../../src/capture/shells.ts";
import { resolveConfig } from "../../../src/config/config.ts";
import { createLog } from "../../../src/log.ts";
import { eventually } from "../../support/eventually.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const pauseMs = 2_000;

interface Asked {
  readonly app: App;
  readonly questions: Questions;
  /** How often the program looked for what was left behind. */
  sweeps(): number;
}

async function openQuestions(t: TestContext): Promise<Asked> {
  const config = await resolveConfig({ SESSION_BUDDY_HOME: temporaryFolder(t) });
  const app = await openApp(config, createLog({ toStandardError: false, file: null }));
  t.after(() => app.close());
  let sweeps = 0;
  const reconcile = (deadlineMs: number) => {
    sweeps += 1;
    return createReconcile(app).reconcile(deadlineMs);
  };
  return { app, questions: createQuestions(app, reconcile), sweeps: () => sweeps };
}

function askEverything(questions: Questions): Promise<unknown> {
  return Promise.all([
    questions.page({}, 10, null),
    questions.record("none"),
    questions.explain("none"),
    questions.stats("user", {}),
  ]);
}

test("the first question sweeps, and those at the same time or soon after do without", async (t) => {
  const { questions, sweeps } = await openQuestions(t);
  const startedMs = performance.now();
  for (let round = 0; round < 10; round += 1) await askEverything(questions);
  assert.ok(sweeps() >= 1);
  assert.ok(sweeps() <= 1 + (performance.now() - startedMs) / pauseMs, `${sweeps()} sweeps`);
});

test("a question some time later sweeps again, and so tells of a shell that died meanwhile", async (t) => {
  const { app, questions } = await openQuestions(t);
  const child = spawn("sleep", ["60"], { stdio: "ignore" });
  t.after(() => child.kill("SIGKILL"));
  const { session } = await createShells(app).start({ pid: child.pid ?? 0, cwd: "/", metadata: null });
  const stateNow = async () => (await questions.record(session.sessionId))?.session.state;
  assert.equal(await stateNow(), "active");
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
  await eventually(async () => assert.equal(await stateNow(), "orphaned"));
  const explanation = await questions.explain(session.sessionId);
  assert.deepEqual(explanation?.process_now, { state: "dead", reason: "pid_gone" });
  assert.equal(explanation?.probes.find(({ name }) => name === "pid")?.outcome, "gone");
});
