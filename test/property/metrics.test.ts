/** Proves that after any run of starts, ends and deaths the metrics of a server are what its store's log says. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import fc from "fast-check";
import { openApp } from "../../src/app/app.ts";
import { resolveConfig } from "../../src/config/config.ts";
import { createLog } from "../../src/log.ts";
import { LabelNames, otherLabel, unknownLabel } from "../../src/server/metrics/labels.ts";
import { createMetrics } from "../../src/server/metrics/metrics.ts";
import { openSqliteStore } from "../../src/store/sqlite/store.ts";
import { createTracker, type Tracker } from "../../src/tracker/tracker.ts";
import { anyDeath, anyEnd, anyText } from "../support/arbitraries.ts";
import { readMetrics } from "../support/server/prometheus.ts";
import { countsIn, recount } from "../support/store/recount.ts";
import { observedNothing, sampleStart } from "../support/store/session-events.ts";
import { emptyStores } from "../support/store/store-place.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

/** Few events, so that they are sent again, and sessions end twice or die before they end. */
const operation = fc.oneof(
  fc.record({
    kind: fc.constant("start" as const),
    number: fc.nat(4),
    component: fc.constantFrom("a", "b"),
    shell: fc.constantFrom("bash", "zsh", "any"),
  }),
  fc.record({ kind: fc.constant("end" as const), session: fc.nat(2), event: anyEnd }),
  fc.record({ kind: fc.constant("death" as const), session: fc.nat(2), event: anyDeath }),
  fc.constant({ kind: "scrape" as const }),
  fc.constant({ kind: "restart" as const }),
);
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

async function openPlace(t: TestContext, makeStore: (path: string) => void) {
  const home = temporaryFolder(t);
  makeStore(join(home, "sessions.db"));
  const config = await resolveConfig({ SESSION_BUDDY_HOME: home });
  const app = await openApp(config, createLog({ toStandardError: false, file: null }));
  // Another connection, as another process has: the server is told of nothing.
  const store = await openSqliteStore({ path: join(home, "sessions.db") });
  const dependencies = { store, newEventId: randomUUID, hostname: "", directoryProblem: async () => null };
  const close = async () => {
    await store.close();
    await app.close();
  };
  return { app, store, tracker: createTracker(dependencies), close };
}

/** @returns the id of the session that a start began, or was the same as */
async function write(tracker: Tracker, op: Operation, ids: readonly string[]): Promise<string | null> {
  if (op.kind === "start") {
    const eventId = `6ba7b810-9dad-41d1-80b4-00c04fd430c${op.number}`;
    const content = { ...sampleStart, componentName: op.component, shellType: op.shell };
    return (await tracker.startOfHost({ eventId, content }, observedNothing)).sessionId;
  }
  if (op.kind === "end") await tracker.end(ids[op.session] ?? "unknown", op.event.content, op.event.observed);
  if (op.kind === "death") await tracker.death(ids[op.session] ?? "unknown", op.event.content, op.event.observed);
  return null;
}

test("at every scrape the counters are a recount of the log since the server started, and the gauge is the table", async (t) => {
  const makeStore = await emptyStores(t);
  await fc.assert(
    fc.asyncProperty(fc.array(operation, { maxLength: 30, size: "max" }), async (operations) => {
      const { app, store, tracker, close } = await openPlace(t, makeStore);
      try {
        const ids = new Set<string>();
        let metrics = await createMetrics({ store: app.store, version: "1", storeDeadlineMs: 600_000 });
        let position = 0;
        let lengths = new Map<string, number>();
        for (const op of [...operations, { kind: "scrape" as const }]) {
          const id = await write(tracker, op, [...ids]);
          if (id !== null) ids.add(id);
          if (op.kind === "restart") {
            position = await store.lastSeq();
            lengths = new Map();
            metrics = await createMetrics({ store: app.store, version: "1", storeDeadlineMs: 600_000 });
          }
          if (op.kind !== "scrape") continue;
          const said = countsIn(readMetrics(await metrics.text()));
          const expected = await recount(store, position, lengths);
          assert.deepEqual(rounded(said), rounded(expected));
        }
      } finally {
        await close();
      }
    }),
    { numRuns: 25 },
  );
});

test("however many names come, the first ones keep their labels, and all others share one", () => {
  const name = fc.oneof(fc.stringMatching(/^[a-c]{1,3}$/), anyText);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 10 }), fc.array(name), (limit, names) => {
      const given: string[] = [];
      const labels = new LabelNames(limit, (label) => given.push(label));
      const known = new Map<string, string>();
      for (const one of names) {
        assert.equal(labels.find(one), known.get(one) ?? unknownLabel);
        const label = labels.admit(one);
        if (known.size < limit && !known.has(one)) known.set(one, label);
        assert.equal(label, known.get(one) ?? otherLabel);
      }
      assert.deepEqual(given, [...known.values()]);
      assert.deepEqual(labels.labels(), given.length === limit ? [...given, otherLabel] : given);
      assert.equal(labels.find(null), unknownLabel);
    }),
  );
});

/** Sums of fractions depend on their order in the last digits. */
function rounded(counts: ReadonlyMap<string, number>): [string, number][] {
  return [...counts].map(([key, value]): [string, number] => [key, Number(value.toPrecision(9))]).sort();
}
