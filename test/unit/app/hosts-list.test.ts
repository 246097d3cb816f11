/** Proves what is listed of hosts: how they were let in, beside what they have delivered. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { listHosts } from "../../../src/app/hosts.ts";
import { createReceive } from "../../../src/app/receive.ts";
import type { EnrolledHost } from "../../../src/tracker/hosts.ts";
import { instantToMs } from "../../../src/tracker/instant.ts";
import { anyHost, batchOf } from "../../support/delivery.ts";
import { at } from "../../support/store/session-events.ts";
import { openAt, sqlitePlace } from "../../support/store/store-place.ts";

function enrolled(originId: string, name: string): EnrolledHost {
  const key = { kid: originId, x: "x", state: "current" as const, addedAt: at("2026-02-06T10:00:00Z") };
  const enrolledAt = at("2026-02-06T10:00:00Z");
  return { originId, name, username: null, hostname: name, inviteId: "i", enrolledAt, revokedAt: null, keys: [key] };
}

test("a host is listed with what it delivered; one that has not yet has nothing there", async (t) => {
  const store = await openAt(sqlitePlace(t), t);
  const log = { info: () => {}, warning: () => {}, error: () => {} };
  await store.changeHosts(async (tx) => {
    await tx.putHost(enrolled("key-1", "web-01"));
    await tx.putHost(enrolled("key-9", "web-09"));
  });
  const receive = createReceive(
    { store, log },
    () => {},
    () => instantToMs(at("2026-02-06T12:00:07Z")),
  );
  await receive.take(anyHost, batchOf({ last: 4 }));
  const [first, second] = await listHosts({ store });
  assert.deepEqual(
    [first?.name, first?.heard_at, first?.skew_ms, first?.backlog, first?.program],
    ["web-01", "2026-02-06T12:00:07Z", -7_000, 4, "0.2.0"],
  );
  assert.deepEqual([second?.name, second?.heard_at, second?.backlog, second?.clone], ["web-09", null, null, null]);
});
