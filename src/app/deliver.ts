/** Owns delivering this record to others: one turn for each of them, none of which waits for another. */
import packageJson from "../../package.json" with { type: "json" };
import type { Destination } from "../auth/destinations.ts";
import { signHostToken } from "../auth/host-keys.ts";
import { type Central, createCentral } from "../delivery/central.ts";
import { type DeliverySource, deliverTo, type Turn, type TurnOptions } from "../delivery/deliver.ts";
import { isHolderGone, leaseIdOf } from "../delivery/lease-id.ts";
import { newUuid } from "../host/machine.ts";
import { createSecureClient } from "../host/secure-client.ts";
import type { Backlog, Delivery, RefusedEvent } from "../tracker/outbox.ts";
import type { App } from "./app.ts";
import { createDestinations, type UsableDestination } from "./destinations.ts";

/** What became of one destination in one turn. */
export interface DeliveryReport {
  readonly name: string;
  /** Null where the file of the destination cannot be read. */
  readonly url: string | null;
  /** Why nothing is sent to it; null where that is tried. */
  readonly issue: string | null;
  /** Null where nothing was tried. */
  readonly turn: Turn | null;
  /** How far it has got; null before the first time. */
  readonly place: Delivery | null;
  readonly backlog: Backlog;
}

export interface DeliveryStatus extends Omit<DeliveryReport, "turn"> {
  /** The last ones. */
  readonly refused: readonly RefusedEvent[];
}

export interface Deliver {
  /** What there is to deliver to. */
  destinations(): readonly UsableDestination[];
  /**
   * One turn for each destination, all at once.
   *
   * @throws SessionBuddyError `storage.*` when this record cannot be used; never for what others do
   */
  deliver(options: TurnOptions): Promise<readonly DeliveryReport[]>;
  /** One turn for one destination, null where nothing may be sent to it. @throws SessionBuddyError as {@link Deliver.deliver} */
  deliverOne(destination: UsableDestination, options: TurnOptions): Promise<Turn | null>;
  /** How far every destination has got, without asking it. */
  status(): Promise<readonly DeliveryStatus[]>;
  /** Ends the connections. */
  close(): void;
}

const shownRefusals = 5;

export function createDeliver(app: Pick<App, "config" | "store" | "machine">): Deliver {
  const { store, machine } = app;
  const { read, forgetOthers } = createDestinations(app);
  const centrals = createCentrals();
  const source: DeliverySource = {
    store,
    sender: () => ({ program: packageJson.version, boot: machine.bootClock() }),
    newLeaseId: () => leaseIdOf(machine, newUuid()),
    isGone: (leaseId) => isHolderGone(leaseId, machine),
    now: Date.now,
    chance: Math.random,
    newUuid,
  };

  const deliverOne = async (usable: UsableDestination, options: TurnOptions): Promise<Turn | null> => {
    const { name, destination } = usable;
    if (usable.issue !== null || destination === null) return null;
    const addressee = { name, url: destination.url, origin: destination.origin };
    return deliverTo(centrals.of(name, destination), addressee, source, options);
  };
  const seen = async ({ name, destination, issue }: UsableDestination): Promise<Omit<DeliveryReport, "turn">> => {
    const place = (await store.deliveries()).find((one) => one.name === name) ?? null;
    return { name, url: destination?.url ?? null, issue, place, backlog: await store.backlog(name) };
  };

  return {
    destinations: read,
    deliverOne,
    async deliver(options) {
      await forgetOthers(Date.now());
      const all = read();
      const outcomes = await Promise.allSettled(all.map((usable) => deliverOne(usable, options)));
      return Promise.all(
        outcomes.map(async (outcome, at) => {
          if (outcome.status === "rejected") throw outcome.reason;
          return { ...(await seen(all[at] as UsableDestination)), turn: outcome.value };
        }),
      );
    },
    status: () =>
      Promise.all(
        read().map(async (usable) => ({
          ...(await seen(usable)),
          refused: await store.refusedEvents(usable.name, shownRefusals),
        })),
      ),
    close: centrals.close,
  };
}

/** One connection is kept for each destination, as long as it is known by the same key at the same place. */
function createCentrals() {
  const kept = new Map<string, { readonly by: string; readonly central: Central }>();
  return {
    of(name: string, destination: Destination): Central {
      const { url, pin, caFile, kid } = destination;
      const by = JSON.stringify([url, pin, caFile, kid]);
      const known = kept.get(name);
      if (known?.by === by) return known.central;
      known?.central.close();
      const sign = (body: Uint8Array, nowMs: number) => signHostToken(destination, { audience: url, body, nowMs });
      const central = createCentral(createSecureClient(destination), sign);
      kept.set(name, { by, central });
      return central;
    },
    close() {
      for (const { central } of kept.values()) central.close();
      kept.clear();
    },
  };
}
