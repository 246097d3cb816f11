/** Proves how long delivery waits: up to a bound that doubles, and not at all when the clock was set back. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { backoffMs, leftToWaitMs } from "../../../src/delivery/backoff.ts";

test("the wait is anything up to a bound that doubles from two seconds to five minutes", () => {
  const waits = [1, 2, 3, 8, 9, 1_000].map((tries) => [0, 0.5, 1].map((chance) => backoffMs(tries, chance)));
  assert.deepEqual(waits, [
    [0, 1_000, 2_000],
    [0, 2_000, 4_000],
    [0, 4_000, 8_000],
    [0, 128_000, 256_000],
    [0, 150_000, 300_000],
    [0, 150_000, 300_000],
  ]);
});

test("a wait is over at its time, when the clock was set back behind it, and after an hour whatever was said", () => {
  assert.equal(leftToWaitMs({ triedAtMs: null, nextAtMs: null }, 5), 0);
  assert.equal(leftToWaitMs({ triedAtMs: 100, nextAtMs: 160 }, 110), 50);
  assert.equal(leftToWaitMs({ triedAtMs: 100, nextAtMs: 160 }, 160), 0);
  assert.equal(leftToWaitMs({ triedAtMs: 100, nextAtMs: 160 }, 99), 0);
  assert.equal(leftToWaitMs({ triedAtMs: 0, nextAtMs: 10 ** 12 }, 1), 3_600_000);
});
