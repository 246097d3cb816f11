/** Proves, whatever happens on the way, that every event that a host has is delivered once: nothing is lost, nothing doubled. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { createModelHost, type Fate, Killed, type ModelHost } from "../support/delivery/model-host.ts";
import { emptyStores } from "../support/store/store-place.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

type Step =
  | { readonly kind: "record"; readonly sessions: number; readonly isOpen: boolean }
  | { readonly kind: "deliver"; readonly fates: readonly Fate[]; readonly isForced: boolean }
  | { readonly kind: "wait"; readonly ms: number }
  | { readonly kind: "limit"; readonly mostEvents: number }
  | { readonly kind: "poison" | "too large" }
  | { readonly kind: "back up" | "restore"; readonly what: "host" | "centre" };

const fate = fc.constantFrom<Fate>(
  "fine",
  "fine",
  "request lost",
  "answer lost",
  "busy",
  "killed before",
  "killed after",
);

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("record" as const),
      sessions: fc.integer({ min: 1, max: 9 }),
      isOpen: fc.boolean(),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("deliver" as const),
      fates: fc.array(fate, { maxLength: 4 }),
      isForced: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("wait" as const), ms: fc.integer({ min: -7_200_000, max: 7_200_000 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("limit" as const), mostEvents: fc.integer({ min: 1, max: 20 }) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom("poison" as const, "too large" as const) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom("back up" as const, "restore" as const),
      what: fc.constantFrom("host" as const, "centre" as const),
    }),
  },
);

const delivered = "every event that the host has is at the centre or refused there, once";

test(`${delivered}, through losses, kills, restored records and clocks that jump`, async (t) => {
  const writeEmpty = await emptyStores(t);
  const folder = temporaryFolder(t);
  let runs = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 25 }), async (steps) => {
      runs += 1;
      const path = join(folder, `${runs}.db`);
      writeEmpty(path);
      const host = await createModelHost(path);
      try {
        await live(host, steps, `${path}.copy`);
        await assertDelivered(host);
      } finally {
        await host.close();
      }
    }),
    { numRuns: Number(process.env.DELIVERY_RUNS ?? 40) },
  );
});

async function live(host: ModelHost, steps: readonly Step[], copy: string): Promise<void> {
  const { centre } = host;
  let kept = centre.kept;
  let isCopied = false;
  const newest = { id: "" };
  for (const one of steps) {
    switch (one.kind) {
      case "record":
        newest.id = (await host.record(one.sessions, one.isOpen)).at(-1)?.eventId ?? "";
        break;
      case "deliver":
        host.fates.push(...one.fates);
        await host.deliver({ isForced: one.isForced }).catch((error) => {
          if (!(error instanceof Killed)) throw error;
        });
        host.fates.length = 0;
        break;
      case "wait":
        host.nowMs += one.ms;
        break;
      case "limit":
        centre.mostEvents = one.mostEvents;
        break;
      case "poison":
        centre.poison.add(newest.id);
        break;
      case "too large":
        centre.tooLarge.add(newest.id);
        break;
      case "back up":
        if (one.what === "centre") kept = centre.kept;
        else {
          await host.backUp(copy);
          isCopied = true;
        }
        break;
      case "restore":
        if (one.what === "centre") centre.restore(kept);
        else if (isCopied) await host.restore(copy);
    }
  }
}

async function assertDelivered(host: ModelHost): Promise<void> {
  const { centre } = host;
  // Whoever had the lease was killed.
  host.nowMs += 30 * 86_400_000;
  for (let turns = 0; turns < 5; turns += 1) {
    const { outcome } = await host.deliver({ isForced: true, mostMs: 3_600_000 });
    if (outcome === "done") break;
    assert.notEqual(outcome, "busy");
  }
  const log = await host.store.events(0, 100_000);
  const refused = new Set((await host.store.refusedEvents("central", 1_000)).map(({ eventId }) => eventId));
  const missing = log.filter(
    ({ event }) => !centre.kept.stored.has(event.eventId) && !centre.kept.refused.has(event.eventId),
  );
  for (const { event } of missing) assert.ok(refused.has(event.eventId), `${event.eventId} is lost`);
  const waiting = await host.store.backlog("central");
  assert.equal(waiting.events, 0);
  // The centre has each once, because it has them by their ids; that none is sent again and again is seen here.
  const before = centre.batches.length;
  assert.equal((await host.deliver({ isForced: true })).outcome, "done");
  assert.ok(centre.batches.length <= before + 1 && (centre.batches[before]?.events ?? []).length === 0);
}
