/** Proves how sessions become a tree: every session once, each below its parent, whatever the record says. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type TreeLook, toTree, treeLooks } from "../../../../src/cli/terminal/session-tree.ts";
import { folded, observedNothing, startEvent } from "../../../support/store/session-events.ts";

function session(sessionId: string, parentSession: string | null) {
  const circumstances = parentSession === null ? null : { kernel: { parentSession } };
  return folded(startEvent({}, { sessionId, observed: { ...observedNothing, circumstances } }));
}

function drawn(
  parents: readonly (readonly [id: string, parent: string | null])[],
  look: TreeLook = treeLooks.unicode,
): string[] {
  const sessions = parents.map(([id, parent]) => session(id, parent));
  return toTree(sessions, look).map(({ session: { sessionId }, lines }) => lines + sessionId);
}

const family = [
  ["e", "b"],
  ["d", "c"],
  ["c", "a"],
  ["b", "a"],
  ["x", null],
  ["a", null],
  ["lost", "pruned"],
] as const;

test("children stand below their parent in the order of the answer, with lines to those that follow", () => {
  assert.deepEqual(drawn(family), ["x", "a", "├ c", "│ └ d", "└ b", "  └ e", "lost"]);
  assert.deepEqual(drawn(family, treeLooks.ascii), ["x", "a", "|-c", "| `-d", "`-b", "  `-e", "lost"]);
});

test("a ring of parents, and a session that is its own, are drawn once each", () => {
  assert.deepEqual(
    drawn([
      ["self", "self"],
      ["a", "b"],
      ["b", "a"],
      ["c", "a"],
    ]),
    ["self", "a", "├ b", "└ c"],
  );
});

test("whatever the parents, each session is drawn once, a parent before those below it where there is no ring", () => {
  const ids = fc.constantFrom("a", "b", "c", "d", "e", "f");
  const parents = fc.uniqueArray(fc.tuple(ids, fc.option(ids)), { selector: ([id]) => id });
  fc.assert(
    fc.property(parents, (pairs) => {
      const order = drawn(pairs).map((line) => line.replace(/^[^a-f]*/, ""));
      assert.deepEqual(order.toSorted(), pairs.map(([id]) => id).sort());
    }),
  );
});

test("ten thousand shells in each other are drawn without recursion", () => {
  const chain = Array.from({ length: 10_000 }, (_, at) => [`s${at}`, at === 0 ? null : `s${at - 1}`] as const);
  assert.equal(drawn(chain).length, 10_000);
});
