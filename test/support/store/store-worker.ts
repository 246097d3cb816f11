/**
 * Another process that uses a store: it records starts that all want the same session id, and prints the id of each
 * as soon as it is acknowledged.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { writeSync } from "node:fs";
import { createTracker } from "../../../src/tracker/tracker.ts";
import { observedNothing, sampleStart } from "./session-events.ts";
import { openAt, type StorePlace } from "./store-place.ts";

const standardOutput = 1;

if (process.argv[1] === import.meta.filename) {
  const [place = "", count = ""] = process.argv.slice(2);
  await recordStarts(JSON.parse(place), Number(count));
}

/** @param count - how many starts it records, one after another */
export function spawnStoreWorker(place: StorePlace, count: number): ChildProcess {
  return spawn(process.execPath, [import.meta.filename, JSON.stringify(place), String(count)], {
    // What the first of them has compiled is there for the next.
    env: process.env.NODE_COMPILE_CACHE === undefined ? {} : { NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE },
    stdio: ["ignore", "pipe", "inherit"],
  });
}

/** @returns the session ids that the workers got; each must have ended well. */
export async function idsOfStoreWorkers(place: StorePlace, workers: number, count: number): Promise<string[]> {
  const printed = await Promise.all(Array.from({ length: workers }, () => idsOf(spawnStoreWorker(place, count))));
  return printed.flat();
}

function idsOf(child: ChildProcess): Promise<string[]> {
  let text = "";
  child.stdout?.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk;
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (status) => {
      if (status === 0) resolve(text.trim().split("\n"));
      else reject(new Error(`a store worker ended with status ${status}`));
    });
  });
}

async function recordStarts(place: StorePlace, count: number): Promise<void> {
  const store = await openAt(place);
  const tracker = createTracker({
    store,
    newEventId: randomUUID,
    hostname: "this-host",
    directoryProblem: async () => null,
  });
  for (let done = 0; done < count; done += 1) {
    const session = await tracker.start({ eventId: randomUUID(), content: sampleStart }, observedNothing);
    // Straight to the file descriptor: what is printed has left the process even if it is killed now.
    writeSync(standardOutput, `${session.sessionId}\n`);
  }
  await store.close();
}
