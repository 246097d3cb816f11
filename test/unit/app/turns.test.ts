/** Proves that only so many works run at once, the others in the order in which they came, and that what is too much is refused. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createTurns } from "../../../src/app/turns.ts";

/** A work that lasts until it is let go. */
function held() {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { work: () => promise, letGo: resolve };
}

test("works run a few at a time, in their order, whatever becomes of those before", async () => {
  const turns = createTurns({ running: 2, waitingSize: 100 });
  const begun: number[] = [];
  const works = [0, 1, 2, 3, 4].map(() => held());
  const done = works.map(({ work }, n) =>
    turns.run(1, async () => {
      begun.push(n);
      await work();
      if (n === 0) throw new Error("failed");
      return n;
    }),
  );
  const failed = assert.rejects(done[0] as Promise<number>, /failed/);
  await Promise.resolve();
  assert.deepEqual(begun, [0, 1]);
  works[0]?.letGo();
  await failed;
  assert.deepEqual(begun, [0, 1, 2]);
  for (const { letGo } of works) letGo();
  assert.deepEqual(await Promise.all(done.slice(1)), [1, 2, 3, 4]);
  assert.deepEqual(begun, [0, 1, 2, 3, 4]);
});

test("what would wait beyond the limit is refused at once, and has room again later", async () => {
  const turns = createTurns({ running: 1, waitingSize: 10 });
  const first = held();
  const running = turns.run(99, first.work);
  const waiting = turns.run(10, async () => "done");
  await assert.rejects(
    turns.run(1, async () => {}),
    { code: "storage.busy" },
  );
  first.letGo();
  await running;
  assert.equal(await waiting, "done");
  assert.equal(await turns.run(10, async () => "again"), "again");
});
