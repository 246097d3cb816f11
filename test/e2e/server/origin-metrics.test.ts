/** Proves what a server says of the hosts that deliver to it, and that it says nothing of any before the first one has. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createReceive } from "../../../src/app/receive.ts";
import { createMetrics } from "../../../src/server/metrics/metrics.ts";
import { anyHost, batchOf, hostLog, otherHost } from "../../support/delivery.ts";
import { endEvent, startEvent } from "../../support/store/session-events.ts";
import { openAt, sqlitePlace } from "../../support/store/store-place.ts";

test("hosts are shown with their silence, backlog and faults, and what they delivered is counted by its outcome", async (t) => {
  const store = await openAt(sqlitePlace(t), t);
  const metrics = await createMetrics({ store, version: "1" });
  assert.doesNotMatch(await metrics.text(), /session_buddy_host|delivered/);
  const log = { info: () => {}, warning: () => {}, error: () => {} };
  const receive = createReceive({ store, log }, metrics.observeDelivery);
  const batch = hostLog([startEvent(), endEvent()]).batch();
  await receive.take(anyHost, { ...batch, last: 7 });
  await receive.take(anyHost, { ...batch, last: 7 });
  await receive.take(otherHost, { ...batch, sent_at: "2026-02-06T12:00:00Z" });
  await receive.take({ ...otherHost, originId: "key-3" }, batchOf({}));
  const text = await metrics.text();
  const value = (line: string) =>
    Number(
      text
        .split("\n")
        .find((one) => one.startsWith(`${line} `))
        ?.split(" ")[1],
    );
  const total = (outcome: string) => value(`session_buddy_delivered_events_total{outcome="${outcome}"}`);
  assert.deepEqual(["stored", "known", "event_id_taken", "no_start", "invalid"].map(total), [2, 2, 2, 0, 0]);
  const of = (name: string, host: typeof anyHost) =>
    value(`session_buddy_host_${name}{host="${host.name}",origin="${host.originId}"}`);
  assert.equal(value("session_buddy_hosts"), 3);
  assert.deepEqual(
    [of("backlog_events", anyHost), of("parked_events", otherHost), of("clone_suspected", anyHost)],
    [5, 2, 0],
  );
  assert.ok(of("silence_seconds", anyHost) >= 0 && Number.isFinite(of("clock_skew_seconds", otherHost)));
});
