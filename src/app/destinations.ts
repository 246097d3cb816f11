/** Owns which records this one is delivered to, and which of them may be sent anything from this machine. */
import { type Destination, readDestinations } from "../auth/destinations.ts";
import { thisMachineId } from "../host/machine.ts";
import type { Delivery } from "../tracker/outbox.ts";
import type { App } from "./app.ts";

/** A destination that events are sent to, or why not. */
export type UsableDestination =
  | { readonly name: string; readonly destination: Destination; readonly issue: null }
  | { readonly name: string; readonly destination: Destination | null; readonly issue: string };

export interface Destinations {
  /** @throws SessionBuddyError `storage.unavailable` when others could have put files there */
  read(): readonly UsableDestination[];
  /** Forgets how far delivery to others had got: they keep nothing from being pruned. */
  forgetOthers(nowMs: number): Promise<void>;
}

/** A database may be shared with other machines, which have destinations of their own. */
const unusedMs = 7 * 86_400_000;

export function createDestinations({ config, store }: Pick<App, "config" | "store">): Destinations {
  const read = () => readDestinations(config.paths.dataFolder).map(usable);
  return {
    read,
    async forgetOthers(nowMs) {
      const names = new Set(read().map(({ name }) => name));
      const places = await store.deliveries();
      const isKept = (place: Delivery) =>
        names.has(place.name) || (config.settings.store !== null && nowMs - (place.triedAtMs ?? nowMs) < unusedMs);
      const kept = places.filter(isKept).map(({ name }) => name);
      if (kept.length < places.length) await store.keepDeliveries(kept);
    },
  };
}

/** With the same key on two machines, neither could be told from the other. */
function usable(file: ReturnType<typeof readDestinations>[number]): UsableDestination {
  const { name, destination, issue } = file;
  if (destination === null) return { name, destination, issue };
  const here = thisMachineId();
  if (destination.machineId === null || here === null || destination.machineId === here) return file;
  const words =
    "its key was made on another machine, and was copied here; nothing is sent from here, and everything is still recorded";
  return { name, destination, issue: `${words}; 'session-buddy unenroll ${name}', then enroll this machine by itself` };
}
