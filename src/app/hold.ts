/** Owns for how long events are kept because another record may have to be sent them. */

import { instantFromMs } from "../tracker/instant.ts";
import type { App } from "./app.ts";
import { createDestinations } from "./destinations.ts";
import { positionAt } from "./follow.ts";

const dayMs = 86_400_000;
/** So long after they were acknowledged they heal a record over there that was restored from a backup. */
const ackedDays = 30;
/** So long, or up to so many bytes, they wait for one that cannot be reached. */
const waitingDays = 90;
const waitingBytes = 256 * 1024 * 1024;

/** Decides anew what is kept against pruning; where nothing is delivered, nothing is. */
export async function holdWhatMayBeSent(app: Pick<App, "config" | "store">, nowMs: number): Promise<void> {
  const { store } = app;
  if ((await store.deliveries()).length === 0) return;
  await createDestinations(app).forgetOthers(nowMs);
  await store.holdEvents({
    ackedBeforeMs: nowMs - ackedDays * dayMs,
    oldPosition: await positionAt(store, instantFromMs(nowMs - waitingDays * dayMs)),
    mostBytes: waitingBytes,
  });
}
