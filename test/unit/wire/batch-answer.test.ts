/** Proves how each answer to a batch is read, and that nothing is believed that does not fit what was sent. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type RawAnswer, readBatchAnswer } from "../../../src/wire/batch-answer.ts";

const sent = { stream: "s-1", after: 10, upto: 20, events: new Map([["e-1", 12]]) };
const good = { stream: "s-1", acked: 20, stored: 1, known: 2, refused: [], server_time: "", skew_ms: -5 };
const read = (status: number, body: unknown, head: Partial<RawAnswer> = {}) =>
  readBatchAnswer({ status, body, retryAfter: null, date: null, ...head }, sent);

test("what was taken is read, and never more than was sent", () => {
  const taken = { kind: "taken", acked: 20, stored: 1, known: 2, refused: [], skewMs: -5 };
  assert.deepEqual(read(200, good), taken);
  assert.deepEqual(read(200, { ...good, acked: 999, skew_ms: "x", refused: null }), { ...taken, skewMs: null });
  assert.deepEqual(read(200, { ...good, acked: 3 }), { ...taken, acked: 3 });
});

test("only what was sent can be refused, in texts that can be kept", () => {
  const refused = [
    { seq: 99, event_id: "e-1", code: "invalid", error: `a\0${"b".repeat(900)}` },
    { seq: 12, event_id: "other", code: "invalid", error: "no" },
    null,
    { event_id: 5 },
  ];
  const verdict = read(200, { ...good, refused });
  assert.ok(verdict.kind === "taken");
  assert.deepEqual(verdict.refused, [{ seq: 12, eventId: "e-1", code: "invalid", error: `a\uFFFD${"b".repeat(498)}` }]);
});

test("an answer that is not of this protocol is as good as none", () => {
  for (const body of [
    undefined,
    null,
    [],
    "x",
    {},
    { ...good, stream: "other" },
    { ...good, acked: -1 },
    { ...good, stored: "1" },
  ])
    assert.equal(read(200, body).kind, "busy", JSON.stringify(body));
  // Whoever says with this code that it has more than was sent before has another log in mind.
  for (const acked of [10, 11, -1, null, "5"])
    assert.equal(read(409, { code: "gap", acked }).kind, "busy", String(acked));
  assert.equal(read(409, {}).kind, "busy");
});

test("each refusal says whether it goes away by itself, and what to do", () => {
  assert.deepEqual(read(409, { code: "gap", acked: 4 }), { kind: "gap", acked: 4 });
  assert.deepEqual(read(409, { code: "new_stream" }), { kind: "new_stream" });
  assert.deepEqual(read(413, undefined), { kind: "too_large" });
  const date = "Tue, 24 Nov 2026 12:00:00 GMT";
  assert.deepEqual(read(401, { code: "clock" }, { date }), { kind: "clock", serverTimeMs: Date.parse(date) });
  assert.deepEqual(read(401, { code: "clock" }), { kind: "clock", serverTimeMs: null });
  const sentences: readonly (readonly [status: number, body: unknown, words: RegExp])[] = [
    [401, { code: "unknown_host" }, /enroll anew with an invitation/],
    [403, { code: "revoked" }, /has revoked the key/],
    [404, {}, /of an earlier version, or be reached by another address/],
    [422, { error: "format: update" }, /refuses \(422\): format: update/],
    [400, {}, /it gave no reason/],
    [308, {}, /sends elsewhere \(308\)/],
  ];
  for (const [status, body, words] of sentences) {
    const verdict = read(status, body);
    assert.ok(verdict.kind === "refused" && words.test(verdict.error), `${status}: ${JSON.stringify(verdict)}`);
  }
});

test("when to try again is a number of seconds, or a date by the other's own clock", () => {
  const wait = (head: Partial<RawAnswer>) => {
    const verdict = read(503, {}, head);
    return verdict.kind === "busy" ? verdict.retryAfterMs : "?";
  };
  assert.equal(wait({ retryAfter: "7" }), 7_000);
  const [date, later] = ["Tue, 24 Nov 2026 12:00:00 GMT", "Tue, 24 Nov 2026 12:01:00 GMT"];
  assert.equal(wait({ retryAfter: later, date }), 60_000);
  assert.equal(wait({ retryAfter: date, date: later }), 0);
  for (const head of [{}, { retryAfter: "soon" }, { retryAfter: "-1" }, { retryAfter: later }])
    assert.equal(wait(head), null, JSON.stringify(head));
  assert.equal(read(429, { error: "slow down" }).kind, "busy");
});
