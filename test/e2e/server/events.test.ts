/** Proves what a host that delivers over HTTP is answered: who is let in, what is read, and the codes it decides by. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { type TestContext, test } from "node:test";
import { gzipSync } from "node:zlib";
import { createReceive } from "../../../src/app/receive.ts";
import type { HostGate, HostRequest } from "../../../src/auth/host-caller.ts";
import { createEventsEntrance, type EventsOptions } from "../../../src/server/web/events.ts";
import type { LiveStreams } from "../../../src/server/web/live.ts";
import { SessionBuddyError } from "../../../src/tracker/errors.ts";
import type { Store } from "../../../src/tracker/store.ts";
import { anyHost, batchOf, hostLog, type Sent } from "../../support/delivery.ts";
import { openEntrance } from "../../support/server/entrance.ts";
import { endEvent, startEvent } from "../../support/store/session-events.ts";
import { eventsIn, openAt, sqlitePlace } from "../../support/store/store-place.ts";

const live = { handle: async () => {}, close: () => {} } as unknown as LiveStreams;

interface Centre {
  readonly store: Store;
  /** What the gate was shown. */
  readonly seen: HostRequest[];
  readonly logged: string[];
  ask(
    path: string,
    init?: RequestInit,
  ): Promise<{ status: number; headers: Headers; body: Readonly<Record<string, unknown>> }>;
  post(body: Sent, headers?: Readonly<Record<string, string>>): ReturnType<Centre["ask"]>;
}

async function openCentre(
  t: TestContext,
  changes: Partial<EventsOptions> = {},
  refusalsPerMinute = 0,
): Promise<Centre> {
  const store = await openAt(sqlitePlace(t), t);
  const [seen, logged]: [HostRequest[], string[]] = [[], []];
  const note = (message: string) => void logged.push(message);
  const log = { info: note, warning: note, error: note };
  const gate: HostGate = async (token, request) => {
    seen.push(request);
    if (token === "good") return anyHost;
    throw Object.assign(new Error("not let in"), { code: token === "" ? "unknown_host" : token });
  };
  const events = createEventsEntrance({
    receive: createReceive({ store, log }),
    gate,
    log,
    publicUrl: null,
    ...changes,
  });
  const api = { tools: new Map(), live, login: null, import: null, events, enrolment: null };
  const { url } = await openEntrance(t, { api, limits: { callsPerSecond: 1, refusalsPerMinute } });
  const ask: Centre["ask"] = async (path, init = {}) => {
    const headers = { authorization: "Bearer good", ...(init.headers as object) };
    const response = await fetch(new URL(path, url), { ...init, headers });
    return {
      status: response.status,
      headers: response.headers,
      body: (await response.json()) as Centre["ask"] as never,
    };
  };
  const post: Centre["post"] = (body, headers = {}) =>
    ask("/v1/events", { method: "POST", body: JSON.stringify(body), headers });
  return { store, seen, logged, ask, post };
}

function someLog() {
  const [start, end] = [startEvent(), endEvent()];
  return hostLog([start, end]);
}

test("a batch is answered once it is on record; the host asks how far it has come", async (t) => {
  const { store, seen, ask, post } = await openCentre(t);
  const log = someLog();
  const { status, headers, body } = await post(log.batch());
  const { server_time, skew_ms, ...answer } = body;
  assert.deepEqual(
    [status, answer],
    [200, { status: "ok", error: null, stream: log.stream, acked: 2, stored: 2, known: 0, refused: [] }],
  );
  assert.deepEqual(
    [typeof server_time, typeof skew_ms, headers.get("cache-control")],
    ["string", "number", "no-store"],
  );
  assert.equal((await eventsIn(store)).length, 2);
  const position = async (stream: string) => (await ask(`/v1/events/position?stream=${stream}`)).body;
  assert.deepEqual(await position(log.stream), { status: "ok", error: null, acked: 2 });
  assert.deepEqual(await position(randomUUID()), { status: "ok", error: null, acked: 0 });
  assert.equal((await ask("/v1/events/position")).status, 422);
  assert.match(seen[0]?.audience ?? "", /^http:\/\/127\.0\.0\.1:\d+$/);
  assert.equal(seen[1]?.body.length, 0);
});

test("a body may be zipped; the gate is shown it as it was sent", async (t) => {
  const { seen, ask } = await openCentre(t);
  const log = someLog();
  const body = gzipSync(JSON.stringify(log.batch()));
  const sent = (bytes: Uint8Array<ArrayBuffer>, encoding: string) =>
    ask("/v1/events", { method: "POST", body: bytes, headers: { "content-encoding": encoding } });
  assert.equal((await sent(body, "gzip")).body.stored, 2);
  assert.ok(Buffer.from(seen[0]?.body ?? []).equals(body));
  assert.deepEqual((await sent(body, "GZIP")).body.known, 2);
  const bomb = gzipSync(Buffer.alloc(4 * 1024 * 1024 + 1, " "));
  const outcomes = [
    await sent(bomb, "gzip"),
    await sent(gzipSync(JSON.stringify(Array.from({ length: 60_000 }, () => [1]))), "gzip"),
    await sent(body.subarray(0, -9), "gzip"),
    await sent(Buffer.from("{}"), "gzip"),
    await sent(body, "br"),
  ];
  assert.deepEqual(
    outcomes.map(({ status, body: { code } }) => `${status} ${code}`),
    ["413 too_large", "413 too_large", "422 invalid", "422 invalid", "415 invalid"],
  );
});

test("what is too large, no JSON or no batch has an answer of its own", async (t) => {
  const { store, ask, post } = await openCentre(t);
  const raw = (body: string) => ask("/v1/events", { method: "POST", body });
  const outcomes = [
    await raw(" ".repeat(1024 * 1024 + 1)),
    await raw("{"),
    await raw("[]"),
    await post({ ...someLog().batch(), format: 2 }),
    await post(someLog().batch(1, 2)),
  ];
  assert.deepEqual(
    outcomes.map(({ status, body: { code } }) => `${status} ${code}`),
    ["413 too_large", "422 invalid", "422 invalid", "422 invalid", "409 gap"],
  );
  assert.equal(outcomes[4]?.body.acked, 0);
  const log = someLog();
  await post(log.batch());
  const shorter = await post(batchOf({ stream: log.stream, last: 1 }));
  assert.deepEqual([shorter.status, shorter.body.code], [409, "new_stream"]);
  assert.equal((await eventsIn(store)).length, 2);
});

test("who is not let in learns why, and whoever tries too often waits", async (t) => {
  const { store, ask, logged } = await openCentre(t, {}, 2);
  const as = (token: string) =>
    ask("/v1/events", {
      method: "POST",
      body: JSON.stringify(someLog().batch()),
      headers: { authorization: `Bearer ${token}` },
    });
  const outcome = async (token: string) => {
    const { status, headers, body } = await as(token);
    return [status, body.code, headers.has("date"), headers.has("retry-after")];
  };
  assert.deepEqual(await outcome("clock"), [401, "clock", true, false]);
  assert.deepEqual(await outcome("revoked"), [403, "revoked", true, false]);
  assert.deepEqual(await outcome("unknown_host"), [401, "unknown_host", true, false]);
  assert.deepEqual(await outcome(""), [401, "unknown_host", true, false]);
  assert.deepEqual(await outcome("unknown_host"), [429, "later", true, true]);
  assert.equal(logged.length, 4);
  assert.deepEqual(await eventsIn(store), []);
  // Behind the same address, a host that is known is served.
  assert.equal((await outcome("good"))[0], 200);
});

test("a host that sends too often waits, and so does one while the store can do nothing", async (t) => {
  const eager = await openCentre(t, { most: 2 });
  const outcomes = [];
  for (let n = 0; n < 3; n += 1) outcomes.push(await eager.post(someLog().batch()));
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    [200, 200, 429],
  );
  assert.ok(Number(outcomes[2]?.headers.get("retry-after")) >= 1);
  const failing = (error: Error) => ({
    take: () => Promise.reject(error),
    position: () => Promise.reject(error),
  });
  const busy = await openCentre(t, {
    receive: failing(new SessionBuddyError("storage.busy", "/secret/place is locked")),
  });
  const { status, headers, body } = await busy.post(someLog().batch());
  assert.deepEqual([status, headers.get("retry-after"), body.code], [503, "5", "later"]);
  assert.ok(!JSON.stringify(body).includes("secret"));
  const broken = await openCentre(t, { receive: failing(new Error("secret")) });
  const { status: fault, body: words } = await broken.post(someLog().batch());
  assert.deepEqual([fault, words.code, words.error], [500, "internal", "internal error"]);
});

test("the paths have one method each, and are none where no host is enrolled", async (t) => {
  const { ask } = await openCentre(t);
  for (const [path, method, allowed] of [
    ["/v1/events", "GET", "POST"],
    ["/v1/events/position", "POST", "GET"],
  ] as const) {
    const { status, headers } = await ask(path, { method });
    assert.deepEqual([status, headers.get("allow")], [405, allowed]);
  }
  const { url } = await openEntrance(t, {
    api: { tools: new Map(), live, login: null, import: null, events: null, enrolment: null },
  });
  const response = await fetch(new URL("/v1/events", url), { method: "POST" });
  assert.equal(response.status, 404);
});
