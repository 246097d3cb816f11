/** Proves that one process at a time sweeps, and that its mark is whole or is not there. */
import assert from "node:assert/strict";
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { lastTurnMs, takeTurn } from "../../../src/capture/reconcile-turn.ts";
import { createMachine } from "../../../src/host/machine.ts";
import { createProcProcesses } from "../../../src/host/proc.ts";
import { createSandbox, root, runToEnd } from "../../support/sandbox.ts";
import { createSmallDisk } from "../../support/store/disk.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const home = mkdtempSync(join(tmpdir(), "session-buddy-turn-"));
after(() => rmSync(home, { recursive: true }));
const machine = createMachine(join(home, "host-id"), createProcProcesses());
const nowMs = Date.parse("2026-02-06T12:34:56.789Z");
const seen = [{ atMs: nowMs, bootClock: { bootId: "boot", ms: 10 }, starts: ["a", "b"] }];

test("the turn is one process's until it gives it back", (t) => {
  const folder = temporaryFolder(t);
  const turn = takeTurn(folder, Date.now(), machine);
  assert.equal(takeTurn(folder, Date.now(), machine), null);
  turn?.release();
  const next = takeTurn(folder, Date.now(), machine);
  assert.ok(next !== null);
  next.release();
  assert.deepEqual(readdirSync(folder), []);
});

test("a whole sweep leaves its moment and what it saw, for its owner alone, and gives the turn back", (t) => {
  const folder = temporaryFolder(t);
  assert.equal(lastTurnMs(folder), null);
  const turn = takeTurn(folder, Date.now(), machine);
  assert.deepEqual(turn?.sightings(), []);
  turn?.complete(nowMs, seen);
  turn?.release();
  assert.equal(lastTurnMs(folder), nowMs);
  assert.deepEqual(readdirSync(folder), [".swept"]);
  assert.equal(statSync(join(folder, ".swept")).mode & 0o777, 0o600);
  const next = takeTurn(folder, Date.now(), machine);
  assert.deepEqual(next?.sightings(), seen);
  next?.release();
  assert.equal(lastTurnMs(folder), nowMs, "a sweep that was not whole leaves the mark as it is");
});

test("who was away for longer than a turn may be has lost it, and takes nothing from the next", (t) => {
  const folder = temporaryFolder(t);
  const lock = join(folder, ".sweep-lock");
  const slow = takeTurn(folder, Date.now(), machine);
  utimesSync(lock, 0, 0);
  const next = takeTurn(folder, Date.now(), machine);
  assert.ok(next !== null);
  slow?.complete(nowMs, seen);
  assert.equal(lastTurnMs(folder), null);
  slow?.release();
  assert.ok(existsSync(lock), "the turn is the next one's");
  next.complete(nowMs + 1, []);
  next.release();
  assert.equal(lastTurnMs(folder), nowMs + 1);
});

/** A turn taken by a process that was killed in it. */
async function killedInTurn(folder: string): Promise<string> {
  const code = `
    import { takeTurn } from ${JSON.stringify(join(root, "src/capture/reconcile-turn.ts"))};
    import { createMachine } from ${JSON.stringify(join(root, "src/host/machine.ts"))};
    import { createProcProcesses } from ${JSON.stringify(join(root, "src/host/proc.ts"))};
    takeTurn(process.argv[1], Date.now(), createMachine(process.argv[2], createProcProcesses()));
    process.kill(process.pid, "SIGKILL");`;
  const args = ["--input-type=module", "-e", code, folder, join(home, "host-id")];
  await runToEnd(process.execPath, args, { env: {}, cwd: "/" });
  return join(folder, ".sweep-lock");
}

test("the turn of a process that was killed in it is taken over at once", async (t) => {
  const folder = temporaryFolder(t);
  const lock = await killedInTurn(folder);
  assert.ok(existsSync(lock));
  const next = takeTurn(folder, Date.now(), machine);
  assert.ok(next !== null);
  assert.equal(takeTurn(folder, Date.now(), machine), null, "it is the next one's");
  next.complete(nowMs, seen);
  next.release();
  assert.deepEqual(takeTurn(folder, Date.now(), machine)?.sightings(), seen);
});

test("a holder that may live, or is not named whole, keeps its turn until it is abandoned", async (t) => {
  const folder = temporaryFolder(t);
  const lock = await killedInTurn(folder);
  const named = JSON.parse(readFileSync(lock, "utf8"));
  const whole = JSON.stringify(named);
  const others = [
    JSON.stringify({ ...named, hostId: "another" }),
    JSON.stringify({ ...named, pidNamespace: "1" }),
    JSON.stringify({ ...named, startTicks: null }),
    JSON.stringify({ ...named, pid: -1 }),
    JSON.stringify(machine.identify(process.pid)),
    whole.slice(0, -1),
    "",
    "null",
    "[]",
  ];
  for (const text of others) {
    writeFileSync(lock, text);
    assert.equal(takeTurn(folder, Date.now(), machine), null, text);
  }
  for (const text of [whole, JSON.stringify({ ...named, bootId: "an earlier boot" })]) {
    writeFileSync(lock, text);
    const turn = takeTurn(folder, Date.now(), machine);
    assert.ok(turn !== null, text);
    turn.release();
  }
});

test("a lock that somebody removed is no turn any more", (t) => {
  const folder = temporaryFolder(t);
  const turn = takeTurn(folder, Date.now(), machine);
  unlinkSync(join(folder, ".sweep-lock"));
  turn?.complete(nowMs, seen);
  turn?.release();
  assert.deepEqual(readdirSync(folder), []);
});

test("on a full disk the sweep is marked as done, and what earlier ones saw stays", async (t) => {
  const sandbox = createSandbox(t);
  const disk = await createSmallDisk(t, sandbox);
  const sweep = async (atMs: number, sightings: unknown) => {
    const code = `
      import { lastTurnMs, takeTurn } from ${JSON.stringify(join(root, "src/capture/reconcile-turn.ts"))};
      import { createMachine } from ${JSON.stringify(join(root, "src/host/machine.ts"))};
      import { createProcProcesses } from ${JSON.stringify(join(root, "src/host/proc.ts"))};
      const machine = createMachine(${JSON.stringify(join(home, "host-id"))}, createProcProcesses());
      const turn = takeTurn(process.argv[1], Date.now(), machine);
      turn.complete(${atMs}, JSON.parse(process.argv[2]));
      turn.release();
      const next = takeTurn(process.argv[1], Date.now(), machine);
      console.log(JSON.stringify([lastTurnMs(process.argv[1]), next.sightings()]));
      next.release();`;
    const command = [
      ...disk.under,
      process.execPath,
      "--input-type=module",
      "-e",
      code,
      disk.folder,
      JSON.stringify(sightings),
    ];
    const { status, stdout, stderr } = await runToEnd(command[0] ?? "", command.slice(1), {
      env: sandbox.env,
      cwd: "/",
    });
    assert.equal(status, 0, stderr);
    return JSON.parse(stdout);
  };
  assert.deepEqual(await sweep(nowMs, seen), [nowMs, seen]);
  await disk.fill(0);
  const many = [{ ...seen[0], starts: Array.from({ length: 1_000 }, (_, index) => `start ${index}`) }];
  assert.deepEqual(await sweep(nowMs + 1, many), [nowMs + 1, seen]);
});

test("a folder that cannot be read or written gives no turn", (t) => {
  const file = join(temporaryFolder(t), "file");
  writeFileSync(file, "");
  assert.equal(takeTurn(file, nowMs, machine), null);
});
