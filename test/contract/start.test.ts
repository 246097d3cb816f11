/** Proves what `track_session_start` accepts and refuses, in its exact sentences, over both transports (sections 1, 3). */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createSandbox } from "../support/sandbox.ts";
import { connect, transportKinds } from "../support/server/transports.ts";
import { largestMetadata, type RefusedCase, refusedMetadata, refusedTimestamps, tooLong, wrongType } from "./cases.ts";

const v4 = "6ba7b810-9dad-41d1-80b4-00c04fd430c8";
const user = { username: "les", home: "/home/les" };
const environment = { python_version: "3.13.0", platform: "Linux-6.1", cwd: "/home/les/project" };

const notV4 = {
  "version 1": "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
  "version 7": "019c2f5e-7b1c-7d3e-8f00-00c04fd430c8",
  nil: "00000000-0000-0000-0000-000000000000",
  "another variant": "6ba7b810-9dad-41d1-c0b4-00c04fd430c8",
  "in braces": `{${v4}}`,
  "as a URN": `urn:uuid:${v4}`,
  "without hyphens": v4.replaceAll("-", ""),
  "with a newline": `${v4}\n`,
  empty: "",
};
const notComponents = ["", "a b", "a.b", "é", "a\n", "../a", "a'b", "\u001b[31m"];

const refusedFields: readonly (readonly [changes: Readonly<Record<string, unknown>>, sentence: string])[] = [
  [{ event_version: undefined }, "event_version: Field required"],
  [{ event_version: "2.0" }, "Unsupported event version: 2.0 (expected '1.0')"],
  [{ event_version: "" }, "Unsupported event version:  (expected '1.0')"],
  [{ event_version: 1 }, wrongType("event_version", "string")],
  [{ event_id: undefined }, "event_id: Field required"],
  [{ event_id: 5 }, wrongType("event_id", "string")],
  [{ event_type: "session_end" }, "Invalid event_type for SessionStartEvent: session_end"],
  [{ event_type: "" }, "Invalid event_type for SessionStartEvent: "],
  [{ event_type: null }, wrongType("event_type", "string")],
  [{ component_name: undefined }, "component_name: Field required"],
  [{ component_name: ["a"] }, wrongType("component_name", "string")],
  [{ component_name: "x".repeat(101) }, tooLong("component_name", 100)],
  [{ shell_type: undefined }, "shell_type: Field required"],
  [{ shell_type: null }, wrongType("shell_type", "string")],
  [{ shell_type: "x".repeat(101) }, tooLong("shell_type", 100)],
  [{ shell_type: "😀".repeat(101) }, tooLong("shell_type", 100)],
  [{ shell_type: "half of a character \ud83d" }, wrongType("shell_type", "string")],
  [{ pid: undefined }, "pid: Field required"],
  [{ pid: 0 }, "pid: Input should be greater than or equal to 1"],
  [{ pid: "-1" }, "pid: Input should be greater than or equal to 1"],
  [{ pid: 4_194_305 }, "pid: Input should be less than or equal to 4194304"],
  [{ pid: "9".repeat(400) }, "pid: Input should be less than or equal to 4194304"],
  ...[1.5, "1.5", "", "abc", "0x10", true, null, [1]].map((pid) => [{ pid }, wrongType("pid", "integer")] as const),
  [{ user: undefined }, "user: Field required"],
  ...["les", null, ["les"]].map((value) => [{ user: value }, wrongType("user", "object")] as const),
  [{ user: {} }, "user.username: Field required; user.home: Field required"],
  [{ user: { ...user, username: 5 } }, wrongType("user.username", "string")],
  [{ user: { ...user, username: "x".repeat(101) } }, tooLong("user.username", 100)],
  [{ user: { ...user, username: ` ${"x".repeat(100)}` } }, tooLong("user.username", 100)],
  [{ user: { username: "les" } }, "user.home: Field required"],
  [{ user: { ...user, home: "x".repeat(501) } }, tooLong("user.home", 500)],
  [{ hostname: undefined }, "hostname: Field required"],
  [{ hostname: 5 }, wrongType("hostname", "string")],
  [{ hostname: "x".repeat(256) }, tooLong("hostname", 255)],
  [{ environment: undefined }, "environment: Field required"],
  [{ environment: "bash" }, wrongType("environment", "object")],
  [{ environment: { ...environment, cwd: undefined } }, "environment.cwd: Field required"],
  [{ environment: { ...environment, python_version: null } }, wrongType("environment.python_version", "string")],
  [{ environment: { ...environment, python_version: "x".repeat(256) } }, tooLong("environment.python_version", 255)],
  [{ environment: { ...environment, platform: "x".repeat(256) } }, tooLong("environment.platform", 255)],
  [{ environment: { ...environment, cwd: "x".repeat(501) } }, tooLong("environment.cwd", 500)],
  [{ shell_typo: "bash" }, "shell_typo: Unexpected argument"],
  [
    { pid: 0, event_version: "2", user: { home: 5 }, hostname: undefined, more: 1 },
    "Unsupported event version: 2 (expected '1.0'); pid: Input should be greater than or equal to 1; " +
      "user.username: Field required; user.home: Input should be a valid string; hostname: Field required; " +
      "more: Unexpected argument",
  ],
];

const refused: readonly RefusedCase[] = [
  ...refusedFields.map(([changes, sentence]) => ({ name: nameOf(changes), changes, sentence })),
  ...Object.entries(notV4).map(([name, event_id]) => ({
    name: `an event_id that is ${name}`,
    changes: { event_id },
    sentence: `Invalid UUID v4 format: ${event_id}`,
  })),
  ...notComponents.map((component_name) => ({
    name: `component_name ${JSON.stringify(component_name)}`,
    changes: { component_name },
    sentence: `Invalid component_name '${component_name}': must match pattern ^[a-zA-Z0-9_-]+$`,
  })),
  ...refusedTimestamps,
  ...refusedMetadata,
];

/** What is recorded of a start, as `show --json` tells it. */
const accepted: readonly (readonly [
  changes: Readonly<Record<string, unknown>>,
  row: Readonly<Record<string, unknown>>,
])[] = [
  [{ event_type: "session_start", event_id: v4.toUpperCase() }, { state: "active" }],
  [{ component_name: "aZ09_-".padEnd(100, "x") }, { component_name: "aZ09_-".padEnd(100, "x") }],
  [{ shell_type: "" }, { shell_type: "" }],
  [{ shell_type: "😀".repeat(100) }, { shell_type: "😀".repeat(100) }],
  [{ shell_type: "a\0\n\u001b'\"\\;--" }, { shell_type: "a\0\n\u001b'\"\\;--" }],
  [{ pid: "4194304" }, { pid: 4_194_304 }],
  [{ pid: 1 }, { pid: 1 }],
  [{ user: { username: " les\n", home: "", more: 5 } }, { username: "les" }],
  [
    { hostname: "", environment: { ...environment, cwd: "\t/a b \n", LANG: "C", n: 5 } },
    { hostname: "", cwd: "/a b" },
  ],
  [{ hostname: "x".repeat(255) }, { hostname: "x".repeat(255) }],
  [{ metadata: null }, { state: "active" }],
  [{ metadata: largestMetadata }, { state: "active" }],
  [{ timestamp: "2026-02-06T12:34:56Z" }, { started_at: "2026-02-06T12:34:56Z" }],
  [{ timestamp: "2026-02-06T12:34:56.5-11:30" }, { started_at: "2026-02-07T00:04:56.500Z" }],
  [{ timestamp: "2026-02-06T12:34:56.123456789Z" }, { started_at: "2026-02-06T12:34:56.123456789Z" }],
  [{ timestamp: "2028-02-29T00:00:00+14:00" }, { started_at: "2028-02-28T10:00:00Z" }],
];

for (const kind of transportKinds) {
  test(`over ${kind}, a start that breaks a rule is refused in the contract's sentence`, async (t) => {
    const sandbox = createSandbox(t);
    const { start } = await connect(t, sandbox, kind);
    for (const { name, changes, sentence } of refused) {
      await t.test(name, async () => {
        const error = `Session start tracking failed: ${sentence}`;
        assert.deepEqual(await start(changes), { session_id: null, status: "error", error });
      });
    }
    assert.equal((await sandbox.run(["list", "--all", "--json"])).stdout, "[]\n");
  });

  test(`over ${kind}, a start that keeps every rule is recorded as it was sent`, async (t) => {
    const sandbox = createSandbox(t);
    const { start } = await connect(t, sandbox, kind);
    for (const [changes, row] of accepted) {
      await t.test(nameOf(changes), async () => {
        const { session_id: id, ...rest } = await start(changes);
        assert.deepEqual(rest, { status: "tracked", error: null });
        const shown = JSON.parse((await sandbox.run(["show", String(id), "--json"])).stdout);
        assert.deepEqual(Object.fromEntries(Object.keys(row).map((key) => [key, shown[key]])), row);
      });
    }
  });
}

function nameOf(changes: Readonly<Record<string, unknown>>): string {
  const text = Object.entries(changes).map(([field, value]) => `${field} ${JSON.stringify(value) ?? "left out"}`);
  return text.join(", ").slice(0, 80);
}
