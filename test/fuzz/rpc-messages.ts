/** What fast-check makes up for the JSON-RPC layer: messages that clients send, with anything in any place of them. */
import fc from "fast-check";
import { anyCodePoint } from "../support/arbitraries.ts";
import { endArguments, startArguments } from "../support/events.ts";

const call = (name: string, args: unknown) => ({ method: "tools/call", params: { name, arguments: args } });

/** One of each that the server serves, and some that it does not. */
const real: readonly object[] = [
  {
    method: "initialize",
    params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "test", version: "1" } },
  },
  { method: "ping" },
  { method: "tools/list", params: {} },
  { method: "resources/list" },
  { method: "resources/templates/list" },
  { method: "resources/read", params: { uri: "session://x", _meta: { token: "x", progressToken: 1 } } },
  call("health_check", {}),
  call("track_session_start", startArguments({ metadata: { a: [1, { b: null }] }, token: "x" })),
  call("track_session_start", startArguments()),
  call("track_session_end", endArguments("mahavishnu-20260206-123456", { metadata: { exit_code: 1 } })),
  call("list_active_sessions", { limit: 1 }),
  call("search_sessions", { states: ["ended"], open_since: "2026-02-06T12:34:56Z", cursor: "x", limit: 1 }),
  call("get_session", { session_id: "mahavishnu-20260206-123456" }),
  call("explain_session", { session_id: "nobody" }),
  call("session_stats", { by: "host", limit: 1 }),
  call("session_timeline", { by: "user", open_since: "2026-02-06T12:34:56Z", limit: 1 }),
  call("unknown", {}),
  { method: "prompts/list" },
  { method: "logging/setLevel", params: { level: "debug" } },
  { method: "tasks/list" },
  { method: "completion/complete", params: {} },
  { method: "__proto__" },
];
const messages = real.map((message) => ({ jsonrpc: "2.0", id: 1, ...message }));
const silent: readonly object[] = [
  { method: "notifications/initialized" },
  { method: "notifications/cancelled", params: { requestId: 1, reason: "x" } },
  { method: "notifications/progress", params: { progressToken: 1, progress: 1 } },
  { id: 1, result: {} },
  { id: 1, error: { code: 1, message: "x" } },
];
const template = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom<object>(...messages) },
  fc.constantFrom(...silent.map((message) => ({ jsonrpc: "2.0", ...message }))),
);

const deep = (depth: number) => `${"[".repeat(depth)}${"]".repeat(depth)}`;
const deepObject = (depth: number) => `${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`;

/** JSON as text, because a value could not hold all of it: keys that come twice, numbers beyond every range. */
const anyJson = fc.oneof(
  { weight: 3, arbitrary: fc.json({ maxDepth: 1 }) },
  { weight: 1, arbitrary: fc.string({ unit: anyCodePoint, maxLength: 20 }).map((text) => JSON.stringify(text)) },
  {
    weight: 4,
    arbitrary: fc.constantFrom(
      "null",
      "true",
      "0",
      "-0",
      "1.5",
      "1e400",
      "-1e400",
      "5e-324",
      "9007199254740993",
      "1".repeat(400),
      '""',
      '"1"',
      '"\\ud800"',
      '"\\udc00\\ud800"',
      '"\\u0000"',
      '"\\u001b[2J"',
      '"__proto__"',
      '"constructor"',
      '"notifications/cancelled"',
      '"tools/call"',
      '"2026-02-06T12:34:56.789012+00:00"',
      "[]",
      "{}",
      "[[]]",
      '{"__proto__":{"polluted":true}}',
      '{"constructor":{"prototype":{"polluted":true}}}',
      '{"toString":1,"valueOf":2,"then":3,"toJSON":4}',
      '{"a":1,"a":2}',
      '{"progressToken":{}}',
      '{"taskId":"x"}',
      deep(100),
      deep(4_000),
      deepObject(1_500),
      JSON.stringify("x".repeat(2_000)),
      JSON.stringify("(".repeat(500)),
    ),
  },
);
const anyKey = fc.oneof(
  fc.constantFrom(
    "id",
    "method",
    "params",
    "jsonrpc",
    "result",
    "error",
    "name",
    "arguments",
    "_meta",
    "task",
    "token",
  ),
  fc.constantFrom("__proto__", "constructor", "toString", "then", "", "\ud800", "a\nb"),
  fc.string({ unit: anyCodePoint, maxLength: 8 }),
);

/** A change of one place, counted over all values of the message, the message itself among them. */
interface Change {
  readonly kind: "replace" | "remove" | "wrap" | "add before" | "add after";
  readonly place: number;
  readonly key: string;
  readonly json: string;
}

const change: fc.Arbitrary<Change> = fc.record({
  kind: fc.constantFrom("replace", "replace", "remove", "wrap", "add before", "add after"),
  place: fc.nat(60),
  key: anyKey,
  json: anyJson,
});

/** Text that stands for itself where the message is written. */
class Raw {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** A message as a tree of lists of fields, because an object cannot have a key twice. */
type Node = Raw | Field[];
interface Field {
  /** The key as JSON; null in a list. */
  readonly key: string | null;
  value: Node;
}

function toNode(value: unknown): Node {
  if (typeof value !== "object" || value === null) return new Raw(JSON.stringify(value));
  const isList = Array.isArray(value);
  return Object.entries(value).map(([key, inner]) => ({
    key: isList ? null : JSON.stringify(key),
    value: toNode(inner),
  }));
}

function write(node: Node): string {
  if (node instanceof Raw) return node.text;
  const fields = node.map(({ key, value }) => (key === null ? write(value) : `${key}:${write(value)}`)).join(",");
  return node[0]?.key === null ? `[${fields}]` : `{${fields}}`;
}

interface Place {
  readonly siblings: Field[];
  readonly index: number;
}

function placesOf(siblings: Field[]): Place[] {
  return siblings.flatMap(({ value }, index) => [
    { siblings, index },
    ...(value instanceof Raw ? [] : placesOf(value)),
  ]);
}

function apply(whole: Field, { kind, place, key, json }: Change): void {
  const places = placesOf([whole]);
  const { siblings, index } = places[place % places.length] as Place;
  const field = siblings[index] as Field;
  const added = { key: field.key === null ? null : JSON.stringify(key), value: new Raw(json) };
  const isWhole = field === whole || siblings[0] === whole;
  if (kind === "replace") field.value = new Raw(json);
  else if (kind === "wrap") field.value = [{ key: null, value: field.value }];
  else if (isWhole) whole.value = new Raw(write(whole.value));
  else if (kind === "remove") siblings.splice(index, 1);
  else siblings.splice(index + (kind === "add after" ? 1 : 0), 0, added);
}

const changed = fc.tuple(template, anyJson, fc.array(change, { maxLength: 3 })).map(([message, id, changes]) => {
  const whole: Field = { key: null, value: toNode(message) };
  const fields = whole.value as Field[];
  const idField = fields.find(({ key }) => key === '"id"');
  if (idField !== undefined && changes.length === 0) idField.value = new Raw(id);
  for (const one of changes) apply(whole, one);
  return write(whole.value);
});

/** A body of fewer bytes has not more elements than a server reads. */
const largestBytes = 10_000;

/** One body of a POST. */
export const anyMessage: fc.Arbitrary<string> = fc
  .oneof(
    { weight: 30, arbitrary: changed },
    { weight: 2, arbitrary: fc.array(changed, { maxLength: 3 }).map((batch) => `[${batch.join(",")}]`) },
    { weight: 3, arbitrary: fc.tuple(changed, fc.nat(500)).map(([text, at]) => text.slice(0, at % (text.length + 1))) },
    {
      weight: 3,
      arbitrary: fc
        .tuple(changed, fc.nat(500), fc.string({ unit: anyCodePoint, maxLength: 2 }))
        .map(
          ([text, at, inserted]) =>
            text.slice(0, at % (text.length + 1)) + inserted + text.slice(at % (text.length + 1)),
        ),
    },
    { weight: 1, arbitrary: anyJson },
  )
  .filter((text) => Buffer.byteLength(text) < largestBytes);
