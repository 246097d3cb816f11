/** Proves the rules for text: lengths in code points, nothing cut, trimming after the check, and data that is kept. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { hostTextRules } from "../../../src/tracker/limits.ts";
import { parseStart } from "../../../src/wire/parse-event.ts";
import { startArguments } from "../../support/events.ts";
import { refusal } from "../../support/refusals.ts";

const limits: readonly (readonly [field: string, maxLength: number])[] = [
  ["component_name", 100],
  ["shell_type", 100],
  ["user.username", 100],
  ["user.home", 500],
  ["hostname", 255],
  ["environment.python_version", 255],
  ["environment.platform", 255],
  ["environment.cwd", 500],
];

/** Arguments with one field changed, named as in the sentences. */
function withField(field: string, value: unknown): Record<string, unknown> {
  const [outer = "", inner] = field.split(".");
  const input = startArguments();
  return { ...input, [outer]: inner === undefined ? value : { ...(input[outer] as object), [inner]: value } };
}

function contentValues(field: string, text: string): unknown[] {
  return Object.values(parseStart(withField(field, text)).content);
}

for (const [field, maxLength] of limits) {
  test(`${field} is taken whole up to ${maxLength} characters and refused above`, () => {
    const longest = "x".repeat(maxLength);
    assert.ok(contentValues(field, longest).includes(longest));
    const sentence = `${field}: String should have at most ${maxLength} characters`;
    for (const length of [maxLength + 1, maxLength * 2, maxLength * 2 + 1, 100_000]) {
      assert.throws(() => parseStart(withField(field, "x".repeat(length))), refusal("invalid", sentence));
    }
  });
}

for (const [field, maxLength] of limits.slice(1)) {
  test(`${field} counts an emoji as one character`, () => {
    const longest = "😀".repeat(maxLength);
    assert.ok(contentValues(field, longest).includes(longest));
    const sentence = `${field}: String should have at most ${maxLength} characters`;
    assert.throws(() => parseStart(withField(field, `${longest}x`)), refusal("invalid", sentence));
  });

  test(`${field} keeps every character and refuses half of one`, () => {
    const text = "a\0\n\u001b\u202e\uFFFD\\'\"z";
    assert.ok(contentValues(field, text).includes(text));
    const sentence = `${field}: Input should be a valid string`;
    assert.throws(() => parseStart(withField(field, "x\ud83d")), refusal("invalid", sentence));
  });
}

for (const [field, maxLength] of [
  ["user.username", 100],
  ["user.home", 500],
  ["environment.cwd", 500],
] as const) {
  test(`${field} is trimmed, but only after its length was checked`, () => {
    assert.ok(contentValues(field, " \t\n/some where\r\n ").includes("/some where"));
    const sentence = `${field}: String should have at most ${maxLength} characters`;
    assert.throws(() => parseStart(withField(field, ` ${"x".repeat(maxLength)}`)), refusal("invalid", sentence));
  });
}

for (const field of ["shell_type", "hostname", "environment.python_version", "environment.platform"]) {
  test(`${field} is not trimmed`, () => {
    assert.ok(contentValues(field, "  x ").includes("  x "));
  });
}

test("a shell of this machine may have longer paths, with spaces at their ends", () => {
  const path = `/${"d".repeat(4094)} `;
  const input = { ...withField("environment.cwd", path), user: { username: " les ", home: path } };
  const { cwd, home, username } = parseStart(input, hostTextRules).content;
  assert.deepEqual([cwd, home, username], [path, path, " les "]);
  const sentence = "environment.cwd: String should have at most 4096 characters";
  const longer = withField("environment.cwd", `/${path}`);
  assert.throws(() => parseStart(longer, hostTextRules), refusal("invalid", sentence));
});

test("further strings of the environment are kept as data, everything else of it is ignored", () => {
  const input = startArguments();
  const extra = '"term":"xterm","__proto__":"p","constructor":"c","depth":5,"list":[],"none":null';
  const environment = JSON.parse(`{${extra},${JSON.stringify(input.environment).slice(1)}`);
  const { environmentExtra } = parseStart({ ...input, environment }).content;
  assert.equal(JSON.stringify(environmentExtra), '{"term":"xterm","__proto__":"p","constructor":"c"}');
});
