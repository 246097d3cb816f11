/** Proves in seconds what `test/bench/soak.ts` proves in minutes: under load and across a kill every answer was true. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createSandbox } from "../support/sandbox.ts";
import { soak } from "../support/server/soak.ts";

test("eight seconds of load with a kill in the middle: all that was acknowledged is on record, once", async (t) => {
  const { starts, ends, questions, repeated, memory } = await soak(createSandbox(t), { seconds: 8, connections: 32 });
  assert.ok(starts > 0 && ends > 0 && questions > 0, `${starts} starts, ${ends} ends, ${questions} questions`);
  assert.ok(repeated > 0, "the kill met no call");
  assert.equal(memory.length, 2);
});
