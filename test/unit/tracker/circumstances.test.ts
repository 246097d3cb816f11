/** Proves which word counts where several tell of a circumstance, and what each is worth. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  circumstanceNames,
  circumstanceSources,
  circumstancesOf,
  noCircumstances,
  toldBy,
  toldOnes,
  worthOf,
} from "../../../src/tracker/circumstances.ts";
import { anyTold } from "../../support/arbitraries.ts";

test("the kernel's word counts before the shell's, and the shell's before a command's", () => {
  const told = {
    kernel: { loginUid: 1000 },
    hook: { loginUid: 0, tty: "pts/1" },
    command: { tty: "pts/2", via: "sudo:les" },
  };
  assert.deepEqual(circumstancesOf(told), { ...noCircumstances, loginUid: 1000, tty: "pts/1", via: "sudo:les" });
  assert.deepEqual(toldOnes(told), [
    { name: "tty", value: "pts/1", source: "hook" },
    { name: "loginUid", value: 1000, source: "kernel" },
    { name: "via", value: "sudo:les", source: "command" },
  ]);
});

test("user 0 and an empty text are known, null is not", () => {
  const told = toldBy({ kernel: { loginUid: 0, tty: null, uid: null }, hook: { via: "" } });
  assert.deepEqual(told, { kernel: { loginUid: 0 }, hook: { via: "" } });
  assert.deepEqual(circumstancesOf(told), { ...noCircumstances, loginUid: 0, via: "" });
  assert.equal(toldBy({ kernel: { tty: null }, hook: {} }), null);
  assert.equal(toldBy({}), null);
  assert.deepEqual(circumstancesOf(null), noCircumstances);
});

test("what is kept has each circumstance once, by its strongest source, and tells the same", () => {
  fc.assert(
    fc.property(anyTold, (told) => {
      const kept = toldBy(told);
      assert.deepEqual(toldOnes(kept), toldOnes(told));
      assert.deepEqual(circumstancesOf(kept), circumstancesOf(told));
      const names = circumstanceSources.flatMap((source) => Object.keys(kept?.[source] ?? {}));
      assert.equal(new Set(names).size, names.length);
      for (const name of circumstanceNames) {
        const strongest = circumstanceSources.map((source) => told[source]?.[name]).find((value) => value != null);
        assert.equal(circumstancesOf(kept)[name], strongest ?? null);
      }
    }),
  );
});

test("the kernel's word is reliable, marks of containers are good, the shell's own word is a claim", () => {
  const worth = (name: (typeof circumstanceNames)[number], source: (typeof circumstanceSources)[number]) =>
    worthOf({ name, value: "", source });
  assert.equal(worth("loginUser", "kernel"), "reliable");
  assert.equal(worth("container", "kernel"), "good");
  assert.equal(worth("loginUser", "hook"), "claim");
  assert.equal(worth("container", "hook"), "claim");
  assert.equal(worth("via", "command"), "claim");
});
