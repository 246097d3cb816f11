/** Proves who counts as a member of a group of the system: those that it names, and those whose own group it is. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { isInGroup } from "../../../src/host/groups.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

test("a member is named in the group, or has it for its own", (t) => {
  const folder = temporaryFolder(t);
  const files = { group: join(folder, "group"), passwd: join(folder, "passwd") };
  writeFileSync(files.group, "root:x:0:\nadm:x:4:ann,bob\nempty:x:7:\nbroken:x::ann\nannex:x:8:\n#adm:x:4:eve\n");
  writeFileSync(files.passwd, "ann:x:1001:1001::/:/bin/sh\neve:x:1003:4::/:/bin/sh\neve2:x:1003:7::/:/bin/sh\n");
  const cases: readonly (readonly [uid: number, username: string, group: string, expected: boolean])[] = [
    [1001, "ann", "adm", true],
    [1002, "bob", "adm", true],
    [1003, "eve", "adm", true],
    [1003, "eve", "empty", false],
    [1004, "an", "adm", false],
    [1004, "ann,bob", "adm", false],
    [1004, "", "adm", false],
    [1004, "", "empty", false],
    [1001, "ann", "broken", false],
    [1001, "ann", "none", false],
    [1001, "ann", "", false],
  ];
  for (const [uid, username, group, expected] of cases) {
    assert.equal(isInGroup({ uid, username }, group, files), expected, `${username} in ${group}`);
  }
  assert.equal(isInGroup({ uid: 1001, username: "ann" }, "adm", { group: "/none", passwd: "/none" }), false);
});
