/** Proves that a work which says what it will ask is answered without another round trip to the database. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { Client, type ClientConfig } from "pg";
import { parseAddress } from "../../../src/store/postgres/address.ts";
import type { Ask } from "../../../src/store/postgres/reading-ahead.ts";
import { transactionOver } from "../../../src/store/postgres/transaction.ts";
import { nothingWritten } from "../../../src/store/postgres/written.ts";
import { lasting } from "../../support/store/lives.ts";
import { postgresPlace } from "../../support/store/postgres.ts";
import { startEvent } from "../../support/store/session-events.ts";
import { openAt, recordLives } from "../../support/store/store-place.ts";

test("what a work said it would ask costs no round trip, whatever the answer", async (t) => {
  const place = postgresPlace(t);
  const store = await openAt(place, t);
  const lives = Array.from({ length: 20 }, (_, minutes) => lasting(minutes, "les"));
  await recordLives(store, lives);
  const client = new Client({ ...parseAddress(place.options.url, null).connection, pipeline: true } as ClientConfig);
  await client.connect();
  t.after(() => client.end());
  let asked = 0;
  const ask: Ask = async (text, values) => {
    asked += 1;
    return (await client.query(text, [...values])).rows;
  };
  const tx = transactionOver(ask, nothingWritten(), nothingWritten());
  const news = Array.from({ length: 20 }, () => startEvent({}, { sessionId: randomUUID() }));
  const ends = lives.flatMap(([, end]) => end ?? []);
  const starts = [...news, ...lives.flatMap(([start]) => start ?? [])];
  const sessionIds = [...news, ...ends].map(({ sessionId }) => sessionId);
  await tx.expect({
    eventIds: ends.map(({ eventId }) => eventId),
    startEventIds: starts.map(({ eventId }) => eventId),
    sessionIds,
  });
  assert.ok(asked <= 4, `${asked} statements for a batch`);
  asked = 0;
  for (const { eventId } of [...starts, ...ends]) await tx.eventById(eventId);
  for (const { eventId } of starts) await tx.prunedSessionId(eventId);
  for (const [start, end] of lives) assert.deepEqual(await tx.eventsOf(start?.sessionId ?? ""), [start, end]);
  for (const sessionId of sessionIds) await tx.isSessionIdTaken(sessionId);
  assert.equal(asked, 0);
  await tx.eventById(randomUUID());
  assert.equal(asked, 1, "what was not expected is asked");
});
