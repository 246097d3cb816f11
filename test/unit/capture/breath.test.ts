/** Proves that long work lets others have their turn, and short work does not wait for them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createBreath } from "../../../src/capture/breath.ts";

test("work that has gone on for long pauses for what waits; what has just paused goes on", async () => {
  const breathe = createBreath();
  for (let until = performance.now() + 10; performance.now() < until; );
  let isServed = false;
  setImmediate(() => {
    isServed = true;
  });
  await breathe();
  assert.ok(isServed);
});
