/** A Node.js for a server whose memory is measured: a signal makes it throw away what nobody needs any more. */
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { RunningServer } from "../sandbox.ts";
import { ask } from "../server/raw-http.ts";

const signal = "SIGUSR2";
const bytesPerMiB = 1_048_576;
/** A collection runs some time after its signal, so that the least of several readings is the one after it. */
const readings = 8;

/** Memory in MiB. */
export interface Memory {
  readonly resident: number;
  /** What is still needed of the heap. */
  readonly heap: number;
}

/** @returns the environment that makes the launcher start it */
export function collectingNode(folder: string): Readonly<Record<string, string>> {
  const hook = join(folder, "collect.cjs");
  const program = join(folder, "collecting-node");
  writeFileSync(hook, `process.on("${signal}", () => globalThis.gc());\n`);
  writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' --expose-gc --require '${hook}' "$@"\n`);
  chmodSync(program, 0o700);
  return { SESSION_BUDDY_NODE: program };
}

/** Reads the memory of a server that {@link collectingNode} runs. */
export async function memoryOf({ url, child }: RunningServer): Promise<Memory> {
  const all: Memory[] = [];
  for (let count = 0; count < readings; count += 1) {
    child.kill(signal);
    const { body } = await ask(new URL("/metrics", url).href, { method: "GET" });
    const value = (name: string) => Number(new RegExp(`^${name} (\\S+)$`, "m").exec(body)?.[1]) / bytesPerMiB;
    all.push({ resident: value("process_resident_memory_bytes"), heap: value("nodejs_heap_size_used_bytes") });
  }
  return { resident: Math.min(...all.map((one) => one.resident)), heap: Math.min(...all.map((one) => one.heap)) };
}
