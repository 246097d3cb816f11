/** Proves that what a host sends of an event is read back as it was, and that a batch that is changed anywhere is taken or refused in words. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { SessionBuddyError } from "../../src/tracker/errors.ts";
import type { SessionEvent } from "../../src/tracker/event.ts";
import { parseBatch, parseSentEvent, refusalCodes, toSentEvent } from "../../src/wire/batch.ts";
import { anyLife } from "../support/arbitraries.ts";
import { hostLog } from "../support/delivery.ts";

/** How many changed batches are tried; FUZZ_INPUTS says more. */
const changedBatches = Number(process.env.FUZZ_INPUTS || 3_000);

const start = "6ba7b810-9dad-41d1-80b4-00c04fd430c1";

/** An exit status is one byte; what is delivered here was not delivered before. */
function asRecorded(event: SessionEvent): SessionEvent {
  const { origin, ...observed } = event.observed;
  if (event.kind !== "end") return { ...event, observed } as SessionEvent;
  const { exitCode } = event.content;
  return { ...event, observed, content: { ...event.content, exitCode: exitCode === null ? null : exitCode & 255 } };
}

const anyEvents = anyLife.map((events) => events.map(asRecorded));

test("an event is read as it was sent", () => {
  fc.assert(
    fc.property(anyEvents, ([event]) => {
      if (event === undefined) return;
      const sent = JSON.parse(JSON.stringify(toSentEvent({ seq: 7, event }, event.kind === "start" ? null : start)));
      const { seq, eventId, read } = parseSentEvent(sent);
      const { sessionId, ...others } = event;
      const startEventId = event.kind === "start" ? event.eventId : start;
      assert.deepEqual(
        { seq, eventId, read },
        {
          ...{ seq: 7, eventId: event.eventId },
          read: { ...others, localSessionId: sessionId, startEventId },
        },
      );
    }),
    { numRuns: 500 },
  );
});

/** Puts something else in one place of a value: a step of the path is taken at each level. */
function changed(value: unknown, path: readonly number[], put: unknown): unknown {
  const [step, ...rest] = path;
  if (step === undefined || typeof value !== "object" || value === null) return put;
  const keys = Object.keys(value);
  const key = keys[step % Math.max(1, keys.length)];
  if (key === undefined) return put;
  const inner = (value as Record<string, unknown>)[key];
  if (Array.isArray(value)) return value.map((item, at) => (String(at) === key ? changed(item, rest, put) : item));
  if (rest.length === 0 && put === undefined)
    return Object.fromEntries(Object.entries(value).filter(([name]) => name !== key));
  return { ...value, [key]: changed(inner, rest, put) };
}

const hostile = [
  1e300,
  -1,
  1.5,
  2 ** 53,
  Number.POSITIVE_INFINITY,
  "",
  "\0",
  "\ud800",
  "x".repeat(100_000),
  [],
  {},
  [[]],
  true,
];
const anyPut = fc.oneof(
  fc.constant(undefined),
  fc.jsonValue({ maxDepth: 2 }),
  fc.constantFrom<unknown>(...hostile, JSON.parse('{"__proto__":{"isVerified":true},"constructor":1}')),
);

test("a batch that is changed anywhere is read, or refused in words, as a whole or event by event", () => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(anyEvents, fc.array(fc.nat(60), { minLength: 1, maxLength: 6 }), anyPut, (events, path, put) => {
      const given = changed(hostLog(events).batch(), path, put);
      try {
        const batch = parseBatch(given);
        assert.ok(batch.after <= batch.upto && batch.upto <= batch.last);
        for (const { seq, read } of batch.events) {
          assert.ok(seq > batch.after && seq <= batch.upto);
          if (!("code" in read)) continue;
          assert.ok(refusalCodes.includes(read.code) && read.error.isWellFormed() && read.error.length <= 600);
          seen.add(read.code);
        }
        seen.add("read");
      } catch (error) {
        assert.ok(error instanceof SessionBuddyError && error.code === "invalid", String(error));
        seen.add("refused");
      }
    }),
    { numRuns: changedBatches },
  );
  assert.deepEqual(seen, new Set(["read", "refused", "invalid", "unknown_kind"]));
});
