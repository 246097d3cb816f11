/** Proves that the arguments of a start are taken, or refused in the contract's own sentences (contract section 1). */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseStart } from "../../../src/wire/parse-event.ts";
import { startArguments } from "../../support/events.ts";
import { refusal } from "../../support/refusals.ts";
import { at } from "../../support/store/session-events.ts";

type Changes = Readonly<Record<string, unknown>>;

const user = { username: "les", home: "/home/les" };
const environment = { python_version: "3.13.0", platform: "Linux-6.1", cwd: "/home/les/project" };
const v4 = "6ba7b810-9dad-41d1-80b4-00c04fd430c8";
const fieldNames = [
  "event_version",
  "event_id",
  "component_name",
  "shell_type",
  "timestamp",
  "pid",
  "user",
  "hostname",
  "environment",
];

function without(object: Changes, ...names: string[]): Changes {
  return Object.fromEntries(Object.entries(object).filter(([name]) => !names.includes(name)));
}

function refuses(input: unknown, sentence: string): void {
  assert.throws(() => parseStart(input), refusal("invalid", sentence), `accepted: ${JSON.stringify(input)}`);
}

test("a start that keeps every rule becomes content, with its time in UTC", () => {
  const { eventId, content } = parseStart(startArguments({ event_id: v4, metadata: { tags: ["a"] }, token: null }));
  assert.equal(eventId, v4);
  assert.deepEqual(content, {
    componentName: "mahavishnu",
    shellType: "MahavishnuShell",
    timestamp: at("2026-02-06T12:34:56.789012Z"),
    pid: 12345,
    ...user,
    hostname: "another-host",
    pythonVersion: "3.13.0",
    platform: "Linux-6.1",
    cwd: "/home/les/project",
    environmentExtra: {},
    metadata: { tags: ["a"] },
  });
});

const accepted: readonly Changes[] = [
  { event_type: "session_start" },
  { event_id: v4.toUpperCase() },
  { event_id: "00000000-0000-4000-8000-000000000000" },
  { component_name: "a_B-9" },
  { shell_type: "" },
  { hostname: "" },
  { user: { username: "", home: "", shell: 5 } },
  { metadata: null },
  { metadata: {} },
  { token: null },
  { token: 5 },
];
for (const changes of accepted) {
  test(`a start with ${JSON.stringify(changes)} is taken`, () => {
    assert.doesNotThrow(() => parseStart(startArguments(changes)));
  });
}

const pids: readonly (readonly [unknown, number | string])[] = [
  [1, 1],
  [4_194_304, 4_194_304],
  [12345.0, 12345],
  ["12345", 12345],
  ["00012", 12],
  [0, "pid: Input should be greater than or equal to 1"],
  [-5, "pid: Input should be greater than or equal to 1"],
  ["-5", "pid: Input should be greater than or equal to 1"],
  [4_194_305, "pid: Input should be less than or equal to 4194304"],
  [1e308, "pid: Input should be less than or equal to 4194304"],
  ["9".repeat(400), "pid: Input should be less than or equal to 4194304"],
  [`-${"9".repeat(400)}`, "pid: Input should be greater than or equal to 1"],
  ...[1.5, Number.NaN, Number.POSITIVE_INFINITY, "", " ", "12a", "0x10", "1e3", "1.5", "١٢", true, null, [], {}].map(
    (value) => [value, "pid: Input should be a valid integer"] as const,
  ),
];
for (const [value, expected] of pids) {
  test(`the pid ${typeof value} ${JSON.stringify(value)?.slice(0, 20)} is ${typeof expected === "number" ? "taken" : "refused"}`, () => {
    if (typeof expected === "string") refuses(startArguments({ pid: value }), expected);
    else assert.equal(parseStart(startArguments({ pid: value })).content.pid, expected);
  });
}

const badUuids = [
  "",
  "not-a-uuid",
  "6ba7b810-9dad-11d1-80b4-00c04fd430c8", // version 1
  "00000000-0000-0000-0000-000000000000", // nil
  "6ba7b810-9dad-41d1-c0b4-00c04fd430c8", // another variant
  `{${v4}}`,
  `urn:uuid:${v4}`,
  v4.replaceAll("-", ""),
  ` ${v4}`,
  `${v4}\n`,
];
for (const value of badUuids) {
  test(`the event id ${JSON.stringify(value)} is refused`, () => {
    refuses(startArguments({ event_id: value }), `Invalid UUID v4 format: ${value}`);
  });
}

for (const value of ["", "has space", "mahavishnu\n", "a.b", "a/b", "naïve", "x'y", "\u0000"]) {
  test(`the component name ${JSON.stringify(value)} is refused`, () => {
    const sentence = `Invalid component_name '${value}': must match pattern ^[a-zA-Z0-9_-]+$`;
    refuses(startArguments({ component_name: value }), sentence);
  });
}

test("another version or type of event is refused by name", () => {
  refuses(startArguments({ event_version: "2.0" }), "Unsupported event version: 2.0 (expected '1.0')");
  refuses(startArguments({ event_version: "" }), "Unsupported event version:  (expected '1.0')");
  refuses(startArguments({ event_version: 1.0 }), "event_version: Input should be a valid string");
  refuses(startArguments({ event_type: "session_end" }), "Invalid event_type for SessionStartEvent: session_end");
  refuses(startArguments({ event_type: null }), "event_type: Input should be a valid string");
});

for (const name of fieldNames) {
  test(`a start without ${name} is refused`, () => {
    refuses(without(startArguments(), name), `${name}: Field required`);
  });
}

test("a missing or wrong field of an object is named with the object", () => {
  for (const name of ["username", "home"]) {
    refuses(startArguments({ user: without(user, name) }), `user.${name}: Field required`);
    refuses(startArguments({ user: { ...user, [name]: 5 } }), `user.${name}: Input should be a valid string`);
  }
  for (const name of ["python_version", "platform", "cwd"]) {
    const sentence = `environment.${name}: Field required`;
    refuses(startArguments({ environment: without(environment, name) }), sentence);
    const wrong = { ...environment, [name]: null };
    refuses(startArguments({ environment: wrong }), `environment.${name}: Input should be a valid string`);
  }
});

for (const name of ["event_id", "component_name", "shell_type", "timestamp", "hostname"]) {
  for (const value of [null, 5, true, [], {}]) {
    test(`${name} of the type of ${JSON.stringify(value)} is refused`, () => {
      refuses(startArguments({ [name]: value }), `${name}: Input should be a valid string`);
    });
  }
}

for (const name of ["user", "environment"]) {
  for (const value of [null, "x", 5, []]) {
    test(`${name} of the type of ${JSON.stringify(value)} is refused in one sentence`, () => {
      refuses(startArguments({ [name]: value }), `${name}: Input should be a valid object`);
    });
  }
}

for (const input of [undefined, null, "x", 5, []]) {
  test(`arguments that are ${JSON.stringify(input)} are refused`, () => {
    assert.throws(() => parseStart(input), refusal("invalid", /^arguments: Input should be a valid object; /));
  });
}

test("an unknown argument is refused by name, a name that objects inherit included", () => {
  refuses(startArguments({ shell: "bash" }), "shell: Unexpected argument");
  const input = JSON.parse(`{"__proto__":1,"constructor":2,${JSON.stringify(startArguments()).slice(1)}`);
  refuses(input, "__proto__: Unexpected argument; constructor: Unexpected argument");
});

test("inherited names do not stand in for missing arguments", () => {
  assert.throws(
    () => parseStart(Object.create(startArguments())),
    refusal("invalid", /^event_version: Field required; /),
  );
});

test("every broken rule is told, in the order of the contract's table", () => {
  const input = {
    unknown: 1,
    metadata: [],
    environment: { cwd: 5, platform: "x".repeat(256) },
    hostname: null,
    user: { home: "x".repeat(501) },
    pid: 0,
    timestamp: "2026-02-06",
    shell_type: 5,
    component_name: "a b",
    event_type: "x",
    event_id: "y",
    event_version: "z",
  };
  const sentences = [
    "Unsupported event version: z (expected '1.0')",
    "Invalid UUID v4 format: y",
    "Invalid event_type for SessionStartEvent: x",
    "Invalid component_name 'a b': must match pattern ^[a-zA-Z0-9_-]+$",
    "shell_type: Input should be a valid string",
    "Invalid ISO 8601 timestamp: 2026-02-06 (missing time component, expected format: 2026-02-06T12:34:56.789Z)",
    "pid: Input should be greater than or equal to 1",
    "user.username: Field required",
    "user.home: String should have at most 500 characters",
    "hostname: Input should be a valid string",
    "environment.python_version: Field required",
    "environment.platform: String should have at most 255 characters",
    "environment.cwd: Input should be a valid string",
    "metadata: Input should be a valid object",
    "unknown: Unexpected argument",
  ];
  refuses(input, sentences.join("; "));
});
