/** Proves what stats counts by each key, with filters, for programs and for people. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { runWell } from "../support/rows.ts";
import { createSandbox, type Sandbox } from "../support/sandbox.ts";
import { recordHistory, type Story } from "../support/store/history.ts";

const stories: readonly Story[] = [
  { id: "a-1", from: "2026-03-09T08:00:00Z", to: "2026-03-09T08:00:10Z", start: { username: "anna" } },
  { id: "a-2", from: "2026-03-10T08:00:00Z", to: "2026-03-10T09:00:00Z", start: { username: "anna" } },
  { id: "a-3", from: "2026-03-10T10:00:00Z", start: { username: "anna", hostname: "db1" } },
  {
    id: "b-1",
    from: "2026-03-10T11:00:00Z",
    lost: ["2026-03-10T12:00:00Z", "2026-03-10T13:00:00Z"],
    start: { username: "bert", componentName: "deploy" },
  },
];

async function counted(t: TestContext): Promise<Sandbox> {
  const sandbox = createSandbox(t);
  await recordHistory(sandbox, stories);
  return sandbox;
}

const expected: readonly (readonly [args: readonly string[], rows: readonly (readonly unknown[])[]])[] = [
  [
    ["--by", "user"],
    [
      ["anna", 3, 1, 0, 0, 10_000, 3_600_000],
      ["bert", 1, 0, 1, 0, null, null],
    ],
  ],
  [
    ["--by", "day"],
    [
      ["2026-03-09", 1, 0, 0, 0, 10_000, 10_000],
      ["2026-03-10", 3, 1, 1, 0, 3_600_000, 3_600_000],
    ],
  ],
  [["--by", "host", "--user", "anna", "--started-since", "2026-03-10T09:30:00Z"], [["db1", 1, 1, 0, 0, null, null]]],
  [["--by", "component", "--state", "orphaned"], [["deploy", 1, 0, 1, 0, null, null]]],
  [["--by", "state", "--at", "2026-03-10T08:30:00Z"], [["ended", 1, 0, 0, 0, 3_600_000, 3_600_000]]],
  [["--user", "nobody"], []],
];

for (const [args, rows] of expected) {
  test(`stats ${args.join(" ")} counts ${rows.length} keys`, async (t) => {
    const answer = JSON.parse(await runWell(await counted(t), ["stats", "--json", ...args]));
    const keys = ["key", "sessions", "open", "orphaned", "replaced", "median_ms", "p95_ms"];
    for (const row of answer) assert.deepEqual(Object.keys(row), keys);
    assert.deepEqual(answer.map(Object.values), rows);
  });
}

test("people get a table with shares and lengths; without a terminal it has no bars", async (t) => {
  const sandbox = await counted(t);
  assert.equal(
    await runWell(sandbox, ["stats"]),
    [
      "USER  SESSIONS  OPEN  ORPHANED  REPLACED  MEDIAN  P95",
      "anna         3     1      0.0%      0.0%     10s   1h",
      "bert         1     0    100.0%      0.0%       -    -",
      "",
    ].join("\n"),
  );
  const none = await sandbox.run(["stats", "--user", "nobody"]);
  assert.deepEqual([none.status, none.stdout, none.stderr], [0, "", "No sessions match.\n"]);
});
