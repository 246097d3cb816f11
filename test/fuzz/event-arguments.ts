/** What fast-check makes up for the parsers: arguments that are right but for a few places, and anything at all. */
import fc from "fast-check";
import { anyText } from "../support/arbitraries.ts";

const timestamps = [
  "2026-02-06T12:34:56.789Z",
  "9999-12-31T23:59:59.999999999+00:00",
  "0001-01-01T00:00:00Z",
  "2026-02-30T00:00:00Z",
];
/** Values at the edges of the rules, and of kinds that no JSON has. */
const edges: readonly unknown[] = [
  ...[
    "",
    " ",
    "\ud800",
    "é".repeat(100),
    "😀".repeat(101),
    "x".repeat(255),
    "x".repeat(256),
    "x".repeat(500),
    "x".repeat(5_000),
  ],
  ...["1", "+01", "0", "-1", "4194304", "4194305", "1".repeat(400), "1e3", "１"],
  ...[0, 1, -1, 1.5, 12_345.0, 4_194_304, 4_194_305, 2 ** 53, 1e308, Number.NaN, Number.POSITIVE_INFINITY, -0],
  ...["1.0", "1.00", "session_start", "session_end", "active", "host", "/", "/x", "x"],
  ...timestamps,
  ...[null, undefined, true, [], {}, [[]], ["active"], ["active", "active"], ["nothing"], { a: "x".repeat(16_380) }],
  JSON.parse('{"__proto__":{"polluted":true},"constructor":1,"toString":2}'),
  JSON.parse(`${'{"a":'.repeat(2_000)}1${"}".repeat(2_000)}`),
];
const value = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...edges) },
  { weight: 3, arbitrary: anyText },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 1 }) },
  { weight: 1, arbitrary: fc.anything({ maxDepth: 1 }) },
);
const otherKey = fc.constantFrom(
  "__proto__",
  "constructor",
  "toString",
  "token",
  "metadata",
  "event_type",
  "",
  "a\nb",
  "x",
);

/** @param right - arguments that keep every rule; places in them, or in the objects among them, are changed */
export function changedArguments(right: object): fc.Arbitrary<unknown> {
  const key = fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...Object.keys(right)) }, otherKey);
  const inner = Object.values(right).flatMap((one) =>
    typeof one === "object" && one !== null ? Object.keys(one) : [],
  );
  const innerKey = inner.length === 0 ? otherKey : fc.oneof(fc.constantFrom(...inner), otherKey);
  const change = fc.record({ key, innerKey, value, isInner: fc.boolean() }, { noNullPrototype: true });
  return fc.oneof(
    { weight: 9, arbitrary: fc.array(change, { maxLength: 3 }).map((changes) => changes.reduce(changed, right)) },
    { weight: 1, arbitrary: value },
  );
}

interface Change {
  readonly key: string;
  readonly innerKey: string;
  readonly value: unknown;
  readonly isInner: boolean;
}

/** Own keys alone, `__proto__` too, as JSON.parse makes them. */
function changed(before: object, change: Change): object {
  const entries = new Map(Object.entries(before));
  const inside = entries.get(change.key);
  const isObject = typeof inside === "object" && inside !== null && !Array.isArray(inside);
  const put =
    change.isInner && isObject
      ? Object.fromEntries([...Object.entries(inside), [change.innerKey, change.value]])
      : change.value;
  return Object.fromEntries([...entries, [change.key, put]]);
}
