/** Proves that no regular expression that reads what comes from outside takes longer than in proportion to its text (as in CVE-2026-0621). */
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parseJson } from "../../src/tracker/canonical.ts";
import { root } from "../support/sandbox.ts";

/** A text so many times as long may take so many times as long, twice that for noise, and not the square of it. */
const factor = 16;
const smallLength = 1_000;
/** What takes less needs no closer look, in microseconds; by the square of its length a text would take a hundred times as long. */
const quickMicros = 1_000;

/** @returns processor time in microseconds, so that other programs do not count */
function cost(run: (text: string) => unknown, text: string, times = 1): number {
  const before = process.cpuUsage();
  for (let count = 0; count < times; count += 1) run(text);
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

/** @returns whether long texts take more than their share, also when they are tried again */
function isSlow(run: (text: string) => unknown, textOf: (length: number) => string): boolean {
  const long = textOf(smallLength * factor);
  const small = textOf(smallLength);
  for (let tries = 0; tries < 5; tries += 1) {
    const longCost = cost(run, long);
    if (longCost < quickMicros || longCost < 2 * cost(run, small, factor)) return false;
  }
  return true;
}

const units = [
  "a",
  "A",
  "0",
  "-",
  "/",
  " ",
  "\t",
  "\n",
  "\r",
  "\r\n",
  '"',
  '\\"',
  "\\",
  "\\n",
  ".",
  "=",
  "[",
  "]",
  "<",
  ":",
  ";",
  "#",
  "_",
  "\uE000",
  "a/",
  "a ",
  "a0",
  "-0000",
  "-20260206-123456",
  "trap ",
  "\n(",
];
const heads = ["", '"', "a"];
const tails = ["", "\n!"];

/** Literals as they stand in a file; what is none of them and looks like one is tried all the same. */
function literalsOf(source: string): readonly RegExp[] {
  const literal = /(?<=[=(,:?&|![\s])\/((?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+)\/([dgimsuvy]*)/g;
  return [...source.matchAll(literal)].flatMap(([, pattern = "", flags = ""]) => {
    try {
      return [new RegExp(pattern, flags)];
    } catch {
      return [];
    }
  });
}

/** The rooms that read what others send or leave behind. */
const exposed = ["src/{tracker,wire,store,server,auth,capture}/**/*.ts", "src/app/{answers,track}.ts", "src/log.ts"];
/** Expressions that are given nine digits and no more. */
const bounded = new Set(["/(?:000)+$/"]);

test("every regular expression for what comes from outside takes time in proportion to its text", () => {
  const found = new Map<string, RegExp>();
  for (const path of globSync(exposed, { cwd: root })) {
    for (const expression of literalsOf(readFileSync(join(root, path), "utf8")))
      found.set(String(expression), expression);
  }
  assert.ok(found.size > 20, "the expressions are not where they are looked for");
  const slow: string[] = [];
  for (const [name, expression] of found) {
    if (bounded.has(name)) continue;
    const run = (text: string) => text.replace(expression, "");
    for (const unit of units) {
      for (const head of heads) {
        for (const tail of tails) {
          const textOf = (length: number) => head + unit.repeat(length / unit.length) + tail;
          if (isSlow(run, textOf)) slow.push(`${name} with ${JSON.stringify([head, unit, tail])}`);
        }
      }
    }
  }
  assert.deepEqual(slow, []);
});

test("JSON is refused in proportion to its length, wherever it breaks off", () => {
  for (const unit of ['\\"', "\\\\", '"\\n', '"\\n":', '{"\\n":', "\\u0000", "\\", '\\"\n']) {
    for (const head of ['"', '{"a\\n":"', "["]) {
      for (const tail of ["", "\\", '"']) {
        const textOf = (length: number) => head + unit.repeat(length / unit.length) + tail;
        assert.ok(!isSlow(quietly, textOf), JSON.stringify([head, unit, tail]));
      }
    }
  }
});

function quietly(text: string): void {
  try {
    parseJson(text);
  } catch {
    // What is said about it is proven elsewhere.
  }
}
