/**
 * Loaded into a process of its own (`node --import`): kills it at one of its steps that change files, or start a program
 * that does. STEP says which, from 1. What is being written then is written by half; any other step is not made. Beside each step it
 * looks whether the files that STEADY names, with a colon between them, are there, and says where they are not.
 */
import processes from "node:child_process";
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";

const names = [
  "mkdirSync",
  "renameSync",
  "rmSync",
  "rmdirSync",
  "unlinkSync",
  "symlinkSync",
  "linkSync",
  "fchmodSync",
  "fchownSync",
  "writeFileSync",
] as const;
/** Programs that only look. */
const looking = /\/(?:getent|node)$/;
const killAt = Number(process.env.STEP);
const steady = process.env.STEADY?.split(":") ?? [];
const { statSync } = fs;
let step = 0;

function isNow(): boolean {
  step += 1;
  return step === killAt;
}

function lookAfter(what: string, make: () => unknown): unknown {
  try {
    return make();
  } finally {
    for (const path of steady) {
      if (!statSync(path, { throwIfNoEntry: false })?.size)
        process.stderr.write(`${path} is not there after ${what}\n`);
    }
  }
}

function kill(): void {
  process.kill(process.pid, "SIGKILL");
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}

for (const name of names) {
  const made = fs[name] as (...args: unknown[]) => unknown;
  Object.assign(fs, {
    [name]: (...args: unknown[]) => {
      if (!isNow()) return lookAfter(`${name} ${args[0]}`, () => made(...args));
      const [target, content] = args;
      if (name === "writeFileSync") made(target, (content as string | Buffer).slice(0, String(content).length / 2));
      return kill();
    },
  });
}

const run = processes.execFileSync as (...args: unknown[]) => unknown;
Object.assign(processes, {
  execFileSync: (file: string, ...args: unknown[]) => {
    if (!looking.test(file) && isNow()) kill();
    return run(file, ...args);
  },
});
syncBuiltinESMExports();
