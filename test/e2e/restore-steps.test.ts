/** Proves that a restore may be killed, and the record be used, between any two of its steps. */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { startArguments } from "../support/events.ts";
import { eventually } from "../support/eventually.ts";
import { allRows, runWell } from "../support/rows.ts";
import { createSandbox, launcher, type Outcome, root, runToEnd, type Sandbox } from "../support/sandbox.ts";
import { callTool } from "../support/server/rpc.ts";
import { withStore } from "../support/store/history.ts";
import { startEvent } from "../support/store/session-events.ts";
import { assertSound } from "../support/store/soundness.ts";
import { recordLives } from "../support/store/store-place.ts";

const stepsFile = join(root, "test/support/store/steps.ts");
const main = join(root, "src/cli/main.ts");
const sessionsOfBackup = 2_000;
const sessionsOfRecord = 240;
/** The last of them, which are in the log alone. */
const sessionsOfLog = 40;

function restoreStoppedAt(
  sandbox: Sandbox,
  step: number,
  env: Readonly<Record<string, string>> = {},
): Promise<Outcome> {
  const args = ["--import", stepsFile, main, "restore", "copy.db", "--yes"];
  return runToEnd(process.execPath, args, { env: { ...sandbox.env, STEP: String(step), ...env }, cwd: sandbox.folder });
}

/** A large backup, and a small record of which a part is in the log, as a killed server leaves it. */
async function readyToRestore(t: TestContext): Promise<Sandbox> {
  const [sandbox, other] = [createSandbox(t), createSandbox(t)];
  const starts = (count: number) =>
    Array.from({ length: count }, (_, index) => [startEvent({}, { sessionId: `s-${index}` })]);
  await withStore(other, (store) => recordLives(store, starts(sessionsOfBackup)));
  await withStore(sandbox, (store) => recordLives(store, starts(sessionsOfRecord - sessionsOfLog)));
  await runWell(other, ["backup", join(sandbox.folder, "copy.db")]);
  const server = await sandbox.serve();
  const start = () => callTool(server.url, "track_session_start", startArguments());
  await Promise.all(Array.from({ length: sessionsOfLog }, start));
  await server.stop("SIGKILL");
  return sandbox;
}

/** What a killed restore leaves is as large as the record, and nobody else would say so. */
async function assertLeftoversTold(sandbox: Sandbox): Promise<void> {
  const left = readdirSync(sandbox.home).filter((name) => name.includes(".restoring-"));
  const findings: { check: string; level: string; words: string }[] = JSON.parse(
    (await sandbox.run(["doctor", "--json"])).stdout,
  );
  const told = findings.filter(({ check }) => check === "restore");
  assert.deepEqual(
    told.map(({ level }) => level),
    left.length > 0 ? ["note"] : [],
  );
  for (const name of left)
    assert.ok(told[0]?.words.includes(join(sandbox.home, name)), told[0]?.words ?? "nothing was told");
}

test("killed before any of its steps, a restore leaves the old record or the new one, whole", async (t) => {
  const found = new Set<number>();
  for (let step = 1; ; step += 1) {
    const sandbox = await readyToRestore(t);
    const outcome = await restoreStoppedAt(sandbox, step);
    if (outcome.signal === null) {
      assert.equal(outcome.status, 0, outcome.stderr);
      break;
    }
    const { size } = await assertSound(sandbox.home);
    assert.ok([sessionsOfBackup, sessionsOfRecord].includes(size), `${size} sessions after step ${step}`);
    found.add(size);
    await assertLeftoversTold(sandbox);
    await runWell(sandbox, ["start"]);
    assert.equal((await assertSound(sandbox.home)).size, size + 1);
    await runWell(sandbox, ["restore", "copy.db", "--yes"]);
    assert.equal((await assertSound(sandbox.home)).size, sessionsOfBackup);
  }
  assert.equal(found.size, 2, "it was killed before and after the backup was in place");
});

test("asked and told between any two of its steps, the record answers well, and what is told is in the restored one or the kept", async (t) => {
  for (let step = 1; ; step += 1) {
    const sandbox = await readyToRestore(t);
    const line = `
      "${launcher}" list --all --json > list 2> list-error; echo $? > list-status
      "${launcher}" start --component beside --pid ${process.pid} > id 2> error; echo $? > status`;
    const outcome = await restoreStoppedAt(sandbox, step, { STEP_RUNS: line });
    assert.equal(outcome.status, 0, outcome.stderr);
    const written = (name: string) => readFileSync(join(sandbox.folder, name), "utf8");
    if (!existsSync(join(sandbox.folder, "list"))) break;
    await eventually(() => assert.ok(written("status") !== ""));
    assert.equal(written("list-status"), "0\n", `${written("list-error")} at step ${step}`);
    const listed = JSON.parse(written("list")).length;
    assert.ok([sessionsOfBackup, sessionsOfRecord].includes(listed), `${listed} sessions listed at step ${step}`);
    assert.equal(written("status"), "0\n", `${written("error")} at step ${step}`);
    await assertSound(sandbox.home);
    const id = written("id").trimEnd();
    const isIn = async (place: Sandbox) => (await allRows(place)).some((row) => row.session_id === id);
    const kept = readdirSync(sandbox.home).find((name) => name.includes("before-restore"));
    const other = createSandbox(t);
    await runWell(other, ["restore", join(sandbox.home, String(kept)), "--yes"]);
    assert.ok((await isIn(sandbox)) || (await isIn(other)), `${id} is lost at step ${step}`);
  }
});
