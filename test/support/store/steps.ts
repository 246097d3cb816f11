/**
 * Loaded into a process of its own (`node --import`): stops it before one of its steps that change the names of files.
 * STEP says which, from 1; without STEP_RUNS the process is killed there, else that line of shell is run beside it, and
 * the step is made a while later.
 */
import { spawn } from "node:child_process";
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";

/** Long enough for a command to open the database. */
const pauseMs = 700;
const stopAt = Number(process.env.STEP);
const line = process.env.STEP_RUNS;
let step = 0;

for (const name of ["linkSync", "renameSync", "rmSync"] as const) {
  const made = fs[name] as (...args: unknown[]) => unknown;
  Object.assign(fs, {
    [name]: (...args: unknown[]) => {
      step += 1;
      if (step === stopAt) stop();
      return made(...args);
    },
  });
}
syncBuiltinESMExports();

function stop(): void {
  if (line === undefined) process.kill(process.pid, "SIGKILL");
  else spawn("sh", ["-c", line], { stdio: "ignore", detached: true });
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pauseMs);
}
