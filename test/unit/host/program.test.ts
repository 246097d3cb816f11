/** Proves each row of the table by which a process's program is judged, and that what is not known proves nothing. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { compareProgram, type Files, isNameOf, type Program, type ProgramVerdict } from "../../../src/host/program.ts";

const bash: Program = { executable: "/usr/bin/bash", exeId: "8:1", comm: "bash" };
const byPath = (executable: string | null): Program => ({ executable, exeId: null, comm: null });

/** What the paths mean now. */
const ids: Readonly<Record<string, string>> = {
  "/usr/bin/bash": "8:1",
  "/bin/bash": "8:1",
  "/profile/bin/bash": "8:7",
};
const files: Files = {
  idOf: (path) => ids[path] ?? null,
  resolved: (path) => (path === "/profile/bin/bash" ? "/store/b/bin/bash" : path),
};

type Row = readonly [row: string, recorded: Program, seen: Program, expected: ProgramVerdict];

const rows: readonly Row[] = [
  ["2: another file of another name", bash, { executable: "/usr/bin/sleep", exeId: "8:9", comm: "sleep" }, "replaced"],
  ["2: the path is the same and proves nothing", bash, { ...bash, exeId: "8:9", comm: "sleep" }, "replaced"],
  ["3: another file of the same name", bash, { ...bash, exeId: "8:9" }, "uncertain"],
  ["3: another name of the same file", bash, { ...bash, comm: "sh" }, "uncertain"],
  ["3: another name, the file may not be seen", bash, { executable: null, exeId: null, comm: "sudo" }, "uncertain"],
  ["3: another name, the file was not recorded", { ...bash, exeId: null }, { ...bash, comm: "sh" }, "uncertain"],
  ["3: another file, the name was not recorded", { ...bash, comm: null }, { ...bash, exeId: "8:9" }, "uncertain"],
  ["4: moved", bash, { ...bash, executable: "/usr/bin/bash~" }, "same"],
  ["4: removed", bash, { ...bash, executable: "/usr/bin/bash (deleted)" }, "same"],
  ["4: nothing of it may be seen", bash, { executable: null, exeId: null, comm: null }, "same"],
  ["5: a path of the file that runs", byPath("/bin/bash"), { ...bash, executable: "/elsewhere" }, "same"],
  ["5: the path that it runs by", byPath("/old/bash"), { ...bash, exeId: "8:9", executable: "/old/bash" }, "same"],
  [
    "5: the path that it ran by, with another file there now",
    byPath("/usr/bin/bash"),
    { executable: "/usr/bin/bash (deleted)", exeId: "8:9", comm: "bash" },
    "same",
  ],
  [
    "5: a link to the path that it runs by",
    byPath("/profile/bin/bash"),
    { executable: "/store/b/bin/bash", exeId: "8:8", comm: "b" },
    "same",
  ],
  ["6: the file may not be seen", byPath("/usr/bin/bash"), { executable: null, exeId: null, comm: "sudo" }, "same"],
  [
    "7: a link that points elsewhere by now",
    byPath("/profile/bin/bash"),
    { executable: "/store/a/bin/bash", exeId: "8:6", comm: "bash" },
    "uncertain",
  ],
  [
    "7: a file with a version in its name, called by one without, and moved",
    byPath("/usr/bin/zsh-5.9"),
    { executable: "/usr/bin/old", exeId: "8:5", comm: "zsh" },
    "uncertain",
  ],
  [
    "7: moved, and named otherwise by prctl(2)",
    byPath("/usr/bin/bash"),
    { executable: "/usr/bin/bash.old", exeId: "8:5", comm: "work" },
    "uncertain",
  ],
  [
    "8: another file of another name",
    byPath("/usr/bin/bash"),
    { executable: "/usr/bin/sleep", exeId: "8:9", comm: "sleep" },
    "replaced",
  ],
  ["8: a name that is no path", byPath("bash"), { executable: "/bin/dash", exeId: "8:9", comm: "sh" }, "replaced"],
  ["9: nothing is recorded", byPath(null), { executable: "/usr/bin/sleep", exeId: "8:9", comm: "sleep" }, "same"],
];

for (const [row, recorded, seen, expected] of rows) {
  test(`row ${row}: ${expected}`, () => assert.equal(compareProgram(recorded, seen, files), expected));
}

test("a path is a name of the file that runs when the file is the recorded one, else when the path leads to it", () => {
  assert.equal(isNameOf(bash, { ...bash, executable: "/bin/bash" }, files), true);
  assert.equal(isNameOf(bash, { ...bash, exeId: "8:9" }, files), false);
  assert.equal(isNameOf(byPath("/bin/bash"), bash, files), true);
  assert.equal(isNameOf(byPath("/profile/bin/bash"), bash, files), null, "it may have led there");
  assert.equal(isNameOf(byPath("bash"), bash, files), null);
  assert.equal(isNameOf(bash, { ...bash, exeId: null }, files), null);
});
