/** Owns delivery beside other work: after the answer of a shell's start or end, and in a server. Loaded where a record is enrolled. */
import { statSync, utimesSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { logFailure } from "../log.ts";
import { type App, destinationsFolder } from "./app.ts";
import { createDeliver } from "./deliver.ts";

type DeliveringApp = Pick<App, "config" | "store" | "machine" | "log">;

/** Of one process, in milliseconds: whatever it does not get done is for the next. */
const passingMs = 2_000;
/** One process in this time looks whether there is anything to deliver, in milliseconds. */
const passingIntervalMs = 10_000;
/** How often a server looks, and how long one turn of it may be, in milliseconds. */
const tickMs = 2_000;
const turnMs = 60_000;

/** Delivers for a short time. Never throws. */
export async function deliverBriefly(app: DeliveringApp): Promise<void> {
  const folder = destinationsFolder(app.config);
  // The others that start or end at this moment have it done for them.
  setDue(folder, Date.now() + passingIntervalMs);
  const deliver = createDeliver(app);
  try {
    const { signal } = new AbortController();
    const reports = await deliver.deliver({ mostMs: passingMs, isForced: false, signal });
    const waits = reports.map(({ place }) => place?.nextAtMs ?? 0);
    if (waits.length > 0) setDue(folder, Math.max(Date.now() + passingIntervalMs, Math.min(...waits)));
  } catch (error) {
    logFailure(app.log, "Delivery failed", error);
  } finally {
    deliver.close();
  }
}

/** A folder that is not ours to mark is looked at more often. */
function setDue(folder: string, atMs: number): void {
  try {
    utimesSync(folder, statSync(folder).atimeMs / 1000, atMs / 1000);
  } catch {
    // It is gone, or belongs to somebody else.
  }
}

/** Delivers, as long as a server runs, what comes on record; a destination that does not answer holds up no other. */
export async function deliverUntil(signal: AbortSignal, app: DeliveringApp): Promise<void> {
  const folder = destinationsFolder(app.config);
  const deliver = createDeliver(app);
  const tell = createTeller(app);
  const running = new Map<string, Promise<unknown>>();
  const options = { mostMs: turnMs, isForced: false, signal };
  while (!signal.aborted) {
    setDue(folder, Date.now() + passingIntervalMs);
    try {
      for (const usable of deliver.destinations()) {
        if (running.has(usable.name)) continue;
        if (usable.issue !== null) tell(usable.name, usable.issue);
        const turn = deliver.deliverOne(usable, options).catch((error: unknown) => tell(usable.name, error));
        running.set(
          usable.name,
          turn.finally(() => running.delete(usable.name)),
        );
      }
    } catch (error) {
      tell("", error);
    }
    await sleep(tickMs, undefined, { signal }).catch(() => {});
  }
  await Promise.allSettled(running.values());
  deliver.close();
  // The shells deliver again.
  setDue(folder, Date.now());
}

/** What goes wrong again and again is told when it changes. */
function createTeller({ log }: Pick<App, "log">): (destination: string, problem: unknown) => void {
  const told = new Map<string, string>();
  return (destination, problem) => {
    const words = problem instanceof Error ? problem.message : String(problem);
    if (told.get(destination) === words) return;
    told.set(destination, words);
    if (problem instanceof Error) logFailure(log, "Delivery failed", problem);
    else log.warning("Nothing is delivered", { destination, reason: words });
  };
}
