/** Proves how lines of users and groups are read, and that a name of a start comes from the machine's own file alone. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { groupsIn, userNameOf, usersIn } from "../../../src/host/account-files.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

test("names of users come from the file of users alone", (t) => {
  const path = join(temporaryFolder(t), "passwd");
  writeFileSync(
    path,
    "root:x:0:0::/root:/bin/sh\n# 1:x:7:7\nbad\n:x:9:9:::\ndeploy:x:1000:1000:a:/:/bin/sh\nlast:x:2:2:::",
  );
  const named = (uid: number) => userNameOf(uid, path);
  assert.deepEqual([named(0), named(1000), named(2)], ["root", "deploy", "last"]);
  assert.deepEqual([named(1), named(9), named(100), userNameOf(0, "/none")], [null, null, null, null]);
});

test("a line that is none of a user or a group is none, and what may be missing is", () => {
  const text = "root:x:0:0::/root:/bin/sh\n\n#\nbad\nx:x:-1:0\nx:x:1e3:0\nx:x:99999999999:0\n+::::::\nann:x:5::\n";
  assert.deepEqual(
    usersIn(text).map(({ username, uid, gid, home, shell }) => [username, uid, gid, home, shell]),
    [
      ["root", 0, 0, "/root", "/bin/sh"],
      ["ann", 5, 4_294_967_295, "", ""],
    ],
  );
  assert.deepEqual(groupsIn("adm:x:4:ann,,bob\nnone:x::ann\n:x:5:\nalone:x:6:"), [
    { name: "adm", gid: 4, members: ["ann", "bob"] },
    { name: "alone", gid: 6, members: [] },
  ]);
});
