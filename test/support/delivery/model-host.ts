/** A host with a real record, whose clock, chance and centre are the test's. */
import { randomUUID } from "node:crypto";
import { copyFileSync } from "node:fs";
import { createCentral } from "../../../src/delivery/central.ts";
import { type DeliverySource, deliverTo, type Turn, type TurnOptions } from "../../../src/delivery/deliver.ts";
import type { SecureAnswer, SecureRequest } from "../../../src/host/secure-client.ts";
import { openSqliteStore } from "../../../src/store/sqlite/store.ts";
import { SessionBuddyError } from "../../../src/tracker/errors.ts";
import type { SessionEvent } from "../../../src/tracker/event.ts";
import type { Delivery } from "../../../src/tracker/outbox.ts";
import type { Store } from "../../../src/tracker/store.ts";
import { at, endEvent, startEvent } from "../store/session-events.ts";
import { recordLives } from "../store/store-place.ts";
import { createModelCentre, type ModelAnswer, type ModelCentre } from "./model-centre.ts";

export const addressee = { name: "central", url: "https://central:8678", origin: "origin-1" };

/** What happens to one request: it may not come through, its answer may not, or the host may be killed before or after. */
export type Fate = "fine" | "request lost" | "answer lost" | "busy" | "killed before" | "killed after" | ModelAnswer;

/** The process is gone: nothing of its turn is finished. */
export class Killed extends Error {}

export interface ModelHost {
  readonly centre: ModelCentre;
  readonly store: Store;
  /** The fates of the next requests, in their order; all others are fine. */
  readonly fates: Fate[];
  /** Milliseconds since the epoch. */
  nowMs: number;
  /** When the other's clock shows something else. */
  readonly tokenTimes: number[];
  /** Records so many sessions, each with its end unless it is open. @returns the events */
  record(sessions: number, isOpen?: boolean): Promise<readonly SessionEvent[]>;
  deliver(options?: Partial<TurnOptions>): Promise<Turn>;
  place(): Promise<Delivery | undefined>;
  backUp(path: string): Promise<void>;
  /** Puts the record back to a copy. */
  restore(path: string): Promise<void>;
  close(): Promise<void>;
}

/** @param path - of a file with an empty store */
export async function createModelHost(path: string, chance: () => number = () => 0.5): Promise<ModelHost> {
  let store = await openSqliteStore({ path });
  const centre = createModelCentre();
  const fates: Fate[] = [];
  const tokenTimes: number[] = [];
  let count = 0;
  const send = async ({ body, headers }: SecureRequest): Promise<SecureAnswer> => {
    const fate = fates.shift() ?? "fine";
    if (typeof fate === "object") return fate;
    if (fate === "killed before") throw new Killed();
    if (fate === "request lost") throw new SessionBuddyError("network", "the request was lost");
    if (fate === "busy") return { status: 503, headers: {}, body: Buffer.from("down") };
    const answered = centre.take(body as Uint8Array, headers?.["Content-Encoding"] === "gzip");
    if (fate === "killed after") throw new Killed();
    if (fate === "answer lost") throw new SessionBuddyError("network", "the answer was lost");
    return answered;
  };
  const sign = (_: Uint8Array, nowMs: number) => {
    tokenTimes.push(nowMs);
    return "token";
  };
  const central = createCentral({ send, close: () => {} }, sign);
  const host: ModelHost = {
    centre,
    get store() {
      return store;
    },
    fates,
    nowMs: Date.parse("2026-11-24T12:00:00Z"),
    tokenTimes,
    async record(sessions, isOpen = false) {
      const lives = Array.from({ length: sessions }, () => {
        count += 1;
        const sessionId = `shell-${count}-${randomUUID().slice(0, 8)}`;
        const observed = { recordedAt: at(new Date(host.nowMs).toISOString()) };
        const start = startEvent({}, { sessionId });
        const life: SessionEvent[] = [{ ...start, observed: { ...start.observed, ...observed } }];
        return isOpen ? life : [...life, endEvent({}, { sessionId, observed: { ...start.observed, ...observed } })];
      });
      await recordLives(store, lives);
      return lives.flat();
    },
    deliver(options = {}) {
      const source: DeliverySource = {
        store,
        sender: () => ({ program: "1.2.3", boot: { bootId: "boot", ms: 5 } }),
        newLeaseId: randomUUID,
        isGone: () => false,
        now: () => host.nowMs,
        chance,
        newUuid: randomUUID,
      };
      const signal = new AbortController().signal;
      return deliverTo(central, addressee, source, { mostMs: 60_000, isForced: false, signal, ...options });
    },
    place: async () => (await store.deliveries())[0],
    async backUp(copy) {
      await store.close();
      copyFileSync(path, copy);
      store = await openSqliteStore({ path });
    },
    async restore(copy) {
      await store.close();
      copyFileSync(copy, path);
      store = await openSqliteStore({ path });
    },
    close: () => store.close(),
  };
  return host;
}
