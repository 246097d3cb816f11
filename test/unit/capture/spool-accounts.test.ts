/** Proves whose turn it is in the spool: a user at a time, and nobody's files are looked at again and again in vain. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createAccounts, usualLimits } from "../../../src/capture/spool-accounts.ts";

/** @returns accounts by which a user may record two shells, and one more each second; and their clock */
function withAllowance() {
  const clock = { nowMs: 0 };
  const limits = { ...usualLimits, startsPerUser: 2, startsPerSecond: 1 };
  return { clock, accounts: createAccounts(limits, () => clock.nowMs) };
}

type Accounts = ReturnType<typeof createAccounts>;

function leave(accounts: Accounts, uid: number, names: readonly string[]): void {
  for (const name of names) {
    const entry = accounts.follow(name, uid, true, 10);
    if (entry !== null) accounts.wait(entry);
  }
}

/** Takes what there is, and records it. */
function record(accounts: Accounts): string[] {
  return accounts
    .take(100)
    .filter((entry) => accounts.allows(entry))
    .map((entry) => {
      entry.sessionId = `of ${entry.name}`;
      return entry.name;
    });
}

test("files of each user are taken in turn", () => {
  const accounts = createAccounts(usualLimits);
  leave(accounts, 1, ["a1", "a2", "a3"]);
  leave(accounts, 2, ["b1"]);
  assert.deepEqual(
    accounts.take(3).map(({ name }) => name),
    ["a1", "b1", "a2"],
  );
});

test("files beyond what their user may record are not taken until it may, and keep nobody else waiting", () => {
  const { accounts, clock } = withAllowance();
  leave(accounts, 1, ["a1", "a2"]);
  assert.deepEqual(record(accounts), ["a1", "a2"]);
  leave(accounts, 1, ["a3", "a4"]);
  assert.deepEqual(accounts.take(100), []);
  leave(accounts, 2, ["b1"]);
  assert.deepEqual(record(accounts), ["b1"]);
  for (const name of ["a3", "a4"]) {
    clock.nowMs += 1_000;
    assert.deepEqual(record(accounts), [name]);
    assert.deepEqual(accounts.take(100), []);
  }
});

test("what a shell on record tells is taken although its user may record no other", () => {
  const { accounts } = withAllowance();
  leave(accounts, 1, ["a1", "a2"]);
  assert.deepEqual(record(accounts), ["a1", "a2"]);
  leave(accounts, 1, ["a3"]);
  const told = accounts.entry("a2");
  assert.ok(told);
  accounts.wait(told);
  assert.deepEqual(
    accounts.take(100).map(({ name }) => name),
    ["a2"],
  );
  accounts.wait(told);
  accounts.forget("a2");
  assert.deepEqual(accounts.take(100), []);
});
