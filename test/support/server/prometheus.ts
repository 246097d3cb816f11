/**
 * A strict reader of Prometheus' text format 0.0.4, written from its specification
 * (https://prometheus.io/docs/instrumenting/exposition_formats/), for tests that ask a server for its metrics.
 */
import assert from "node:assert/strict";

export type Labels = Readonly<Record<string, string>>;

export interface Sample {
  readonly name: string;
  readonly labels: Labels;
  readonly value: number;
}

export interface Family {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly samples: readonly Sample[];
}

const types = new Set(["counter", "gauge", "histogram", "summary", "untyped"]);
const helpLine = /^# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) ((?:[^\\]|\\[\\n])*)$/u;
const typeLine = /^# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) ([a-z]+)$/;
const sampleLine = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/u;
const labelPart = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\[\\"n])*)"(?:,|$)/uy;
/** What Go's ParseFloat takes, hexadecimal forms aside. */
const float = /^[+-]?(?:\d+(?:\.\d*)?(?:e[+-]?\d+)?|\.\d+(?:e[+-]?\d+)?|inf|nan)$/i;

/** @throws AssertionError when the text breaks a rule of the format, or a histogram does not add up */
export function readMetrics(text: string): ReadonlyMap<string, Family> {
  assert.ok(text.endsWith("\n"), "the last line has no end");
  assert.ok(text.isWellFormed(), "a lone surrogate");
  const families = new Map<string, { name: string; type: string; help: string; samples: Sample[] }>();
  const seen = new Set<string>();
  let current = "";
  for (const line of text.split("\n")) {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
    assert.doesNotMatch(line, /[\x00-\x1f\x7f-\x9f]/, "a control character");
    if (line === "") continue;
    const [, helped, help = ""] = helpLine.exec(line) ?? [];
    const [, typed, type = ""] = typeLine.exec(line) ?? [];
    if (helped !== undefined) {
      assert.ok(!families.has(helped), `${helped} comes twice`);
      families.set(helped, { name: helped, type: "untyped", help, samples: [] });
      current = helped;
    } else if (typed !== undefined) {
      assert.equal(typed, current, "a type without its help before it");
      assert.ok(types.has(type), line);
      const family = families.get(typed);
      assert.ok(family !== undefined && family.samples.length === 0, `${typed} has samples before its type`);
      family.type = type;
    } else {
      const sample = readSample(line);
      const family = families.get(current);
      assert.ok(family !== undefined && belongsTo(sample.name, family), `${sample.name} stands in ${current}`);
      const key = keyOf(sample.name, sample.labels);
      assert.ok(!seen.has(key), `${key} comes twice`);
      seen.add(key);
      family.samples.push(sample);
    }
  }
  for (const family of families.values()) checkFamily(family);
  return families;
}

/** @returns the sum over every sample that has at least these labels; 0 when there is none */
export function sumOf(families: ReadonlyMap<string, Family>, name: string, labels: Labels = {}): number {
  return samplesOf(families, name)
    .filter((sample) => Object.entries(labels).every(([key, value]) => sample.labels[key] === value))
    .reduce((sum, { value }) => sum + value, 0);
}

/** @param name - of a sample: for a histogram with `_bucket`, `_sum` or `_count` */
export function samplesOf(families: ReadonlyMap<string, Family>, name: string): readonly Sample[] {
  return [...families.values()].flatMap(({ samples }) => samples.filter((sample) => sample.name === name));
}

/** One text for equal labels, whatever their order. */
export function keyOf(name: string, labels: Labels): string {
  return `${name}${JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)))}`;
}

function readSample(line: string): Sample {
  const [, name = "", inside = "", value = ""] = sampleLine.exec(line) ?? [];
  assert.notEqual(name, "", `no sample: ${line}`);
  assert.match(value, float, line);
  const labels: Record<string, string> = {};
  for (let at = 0; at < inside.length; at = labelPart.lastIndex) {
    labelPart.lastIndex = at;
    const [whole, key = "", escaped = ""] = labelPart.exec(inside) ?? [];
    assert.ok(whole, `no label at ${at}: ${line}`);
    assert.ok(!Object.hasOwn(labels, key), `${key} comes twice: ${line}`);
    labels[key] = escaped.replace(/\\(.)/gu, (_, character: string) => (character === "n" ? "\n" : character));
  }
  return { name, labels, value: numberOf(value) };
}

function numberOf(text: string): number {
  const named = /^([+-]?)inf$/i.exec(text);
  if (named !== null) return named[1] === "-" ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  return Number(text);
}

function belongsTo(name: string, { name: family, type }: Family): boolean {
  if (type === "histogram") return [`${family}_bucket`, `${family}_sum`, `${family}_count`].includes(name);
  return name === family;
}

function checkFamily({ name, type, samples }: Family): void {
  assert.equal(name.endsWith("_total"), type === "counter", `${name} is a ${type}`);
  if (type === "counter")
    assert.ok(
      samples.every(({ value }) => value >= 0),
      `${name} is negative`,
    );
  if (type !== "histogram") return;
  const series = Map.groupBy(samples, ({ labels: { le: _, ...labels } }) => keyOf("", labels));
  for (const [key, one] of series) {
    const buckets = one.filter((sample) => sample.name.endsWith("_bucket"));
    const bounds = buckets.map(({ labels }) => numberOf(labels.le ?? ""));
    assert.deepEqual(
      bounds,
      bounds.toSorted((a, b) => a - b),
      `${name}${key}: buckets out of order`,
    );
    const counts = buckets.map(({ value }) => value);
    assert.deepEqual(
      counts,
      counts.toSorted((a, b) => a - b),
      `${name}${key}: a bucket holds less than a smaller one`,
    );
    assert.equal(bounds.at(-1), Number.POSITIVE_INFINITY, `${name}${key} has no last bucket`);
    assert.deepEqual(
      one.filter((sample) => sample.name === `${name}_count`).map(({ value }) => value),
      counts.slice(-1),
      `${name}${key}: the last bucket is not the count`,
    );
    assert.equal(one.filter((sample) => sample.name === `${name}_sum`).length, 1);
  }
}
