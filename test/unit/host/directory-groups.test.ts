/** Proves what a directory is asked about a group, and that one that is silent, slow or wrong makes nobody a member. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createGroups } from "../../../src/host/groups.ts";

const noFiles = { group: "/none", passwd: "/none" };
const ann = { uid: 1001, username: "ann" };

/** @param answers - by what is asked, such as `group ops` */
function groupsOf(answers: Readonly<Record<string, string | null>>) {
  const asked: string[] = [];
  const groups = createGroups(noFiles, async (...args) => {
    asked.push(args.join(" "));
    return answers[args.join(" ")] ?? null;
  });
  return { groups, asked };
}

const passwd = "ann:x:1001:1001:Ann:/:/bin/sh\n";

const cases: readonly (readonly [name: string, answers: Readonly<Record<string, string>>, expected: boolean])[] = [
  ["named", { "group ops": "ops:x:50:bob,ann\n" }, true],
  ["her own group", { "group ops": "ops:x:50:\n", "passwd 1001": "ann:x:1001:50::/:/bin/sh\n" }, true],
  ["by way of another", { "group ops": "ops:x:50:\n", "passwd 1001": passwd, "initgroups ann": "ann   7 50\n" }, true],
  ["in others", { "group ops": "ops:x:50:\n", "passwd 1001": passwd, "initgroups ann": "ann 7 500 5\n" }, false],
  ["no answer about her", { "group ops": "ops:x:50:\n" }, false],
  ["no such group", {}, false],
  ["another group", { "group ops": "ops2:x:50:ann\n" }, false],
  ["no number", { "group ops": "ops:x::ann\n" }, false],
  ["another user of that number", { "group ops": "ops:x:50:\n", "passwd 1001": "eve:x:1001:50::/:/bin/sh\n" }, false],
  ["the groups of another", { "group ops": "ops:x:50:\n", "passwd 1001": passwd, "initgroups ann": "eve 50\n" }, false],
  ["nothing said", { "group ops": "ops:x:50:\n", "passwd 1001": passwd, "initgroups ann": "\n" }, false],
];

test("a member is whoever the directory says, by any of its ways", async () => {
  for (const [name, answers, expected] of cases) {
    assert.equal(await groupsOf(answers).groups.has("ops", ann), expected, name);
  }
});

test("an answer is kept, also while it is waited for, and for this user and group alone", async () => {
  const { groups, asked } = groupsOf({ "group ops": "ops:x:50:ann\n" });
  assert.deepEqual(await Promise.all([groups.has("ops", ann), groups.has("ops", ann)]), [true, true]);
  assert.equal(await groups.has("ops", ann), true);
  assert.deepEqual(asked, ["group ops"]);
  assert.equal(await groups.has("ops", { uid: 1002, username: "bob" }), false);
  assert.equal(await groups.has("dev", ann), false);
  assert.ok(asked.length > 2);
});

test("what could be an option or a number is no name of a group", async () => {
  const { groups, asked } = groupsOf({ "group -s": "-s:x:50:ann\n", "group 50": "50:x:50:ann\n" });
  assert.deepEqual([await groups.has("-s", ann), await groups.has("50", ann)], [false, false]);
  assert.deepEqual(asked, []);
});
