/** Owns delivery that somebody asked for: once, or until everything is delivered. */
import { setTimeout as sleep } from "node:timers/promises";
import { leftToWaitMs } from "../delivery/backoff.ts";
import { SessionBuddyError } from "../tracker/errors.ts";
import type { App } from "./app.ts";
import { createDeliver, type Deliver, type DeliveryReport, type DeliveryStatus } from "./deliver.ts";

/** For one turn of somebody who asked, in milliseconds: a week offline takes seconds. */
const turnMs = 600_000;
/** How long to let another process go on that delivers at this moment, in milliseconds. */
const busyMs = 500;

export interface DeliverNowOptions {
  /** Whether it is tried at once, and until everything is delivered or refused. */
  readonly isWaiting: boolean;
  readonly signal: AbortSignal;
  /** Told in words how far it is, now and then. */
  readonly onProgress: (words: string) => void;
}

/** @throws SessionBuddyError `not_found` where the record is not enrolled, `storage.*` */
export async function deliverNow(app: App, options: DeliverNowOptions): Promise<readonly DeliveryReport[]> {
  return withDeliver(app, async (deliver) => {
    if (!options.isWaiting) return deliver.deliver({ mostMs: turnMs, isForced: false, signal: options.signal });
    return untilDelivered(deliver, options);
  });
}

/** @throws SessionBuddyError as {@link deliverNow} */
export function deliveryStatus(app: App): Promise<readonly DeliveryStatus[]> {
  return withDeliver(app, (deliver) => deliver.status());
}

async function withDeliver<T>(app: App, work: (deliver: Deliver) => Promise<T>): Promise<T> {
  const deliver = createDeliver(app);
  try {
    if (deliver.destinations().length > 0) return await work(deliver);
    throw new SessionBuddyError(
      "not_found",
      "this record is not enrolled anywhere; 'session-buddy enroll --help' shows how to",
    );
  } finally {
    deliver.close();
  }
}

async function untilDelivered(
  deliver: Deliver,
  { signal, onProgress }: DeliverNowOptions,
): Promise<readonly DeliveryReport[]> {
  const told = new Map<string, Pick<NonNullable<DeliveryReport["turn"]>, "stored" | "known" | "refused">>();
  for (let isForced = true; ; isForced = false) {
    const reports = (await deliver.deliver({ mostMs: turnMs, isForced, signal })).map((report) => summed(report, told));
    const waiting = reports.filter(({ turn }) => turn !== null && !isOver(turn.outcome));
    if (waiting.length === 0 || signal.aborted) return reports;
    const waits = waiting.map(({ place }) => (place === null ? busyMs : leftToWaitMs(place, Date.now()) || busyMs));
    onProgress(waiting.map(({ name, backlog }) => `${name}: ${backlog.events} events wait`).join(", "));
    await sleep(Math.min(...waits), undefined, { signal }).catch(() => {});
  }
}

function isOver(outcome: NonNullable<DeliveryReport["turn"]>["outcome"]): boolean {
  return outcome === "done" || outcome === "refused";
}

/** Of all turns together. */
function summed(report: DeliveryReport, told: Map<string, { stored: number; known: number; refused: number }>) {
  const { name, turn } = report;
  if (turn === null) return report;
  const before = told.get(name) ?? { stored: 0, known: 0, refused: 0 };
  const sum = {
    stored: before.stored + turn.stored,
    known: before.known + turn.known,
    refused: before.refused + turn.refused,
  };
  told.set(name, sum);
  return { ...report, turn: { ...turn, ...sum } };
}
