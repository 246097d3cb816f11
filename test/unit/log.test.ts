/** Proves that no value can forge a line or a field of the log, and that a log that cannot be written harms nothing. */
import assert from "node:assert/strict";
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { createLog, formatLine } from "../../src/log.ts";
import { escapeControls } from "../../src/wire/escape.ts";
import { anyCodePoint } from "../support/arbitraries.ts";
import { claims, tokenMakers } from "../support/server/jwt.ts";
import { readLogLine } from "../support/server/log-lines.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const values: readonly (readonly [value: string | number | null, written: string])[] = [
  ["plain text", "plain text"],
  [12345, "12345"],
  [null, ""],
  ["", ""],
  ["a\nb\r\tc", "a\\nb\\r\\tc"],
  ["\u001b[31m\0\u007f\u0085", "\\x1b[31m\\x00\\x7f\\x85"],
  ["\u2028\u2029\u202e\u2066\u061c\u200f", "\\u2028\\u2029\\u202e\\u2066\\u061c\\u200f"],
  ["half \ud83d", "half \\ud83d"],
  ["\u200b\u00ad\ufeff\u2060", "\\u200b\\xad\\ufeff\\u2060"],
  ["\u3164\uffa0\u115f\u1160\u2800", "\\u3164\\uffa0\\u115f\\u1160\\u2800"],
  ["\u{e0041}\u{e007f}\ufe0f\u{e0100}", "\\u{e0041}\\u{e007f}\\ufe0f\\u{e0100}"],
  ["\u{16fe4}\u{1d159}\u034f\u180e", "\\u{16fe4}\\u{1d159}\\u034f\\u180e"],
  ["é 😀 漢字", "é 😀 漢字"],
  ["C:\\new", "C:\\new"],
  ["C:\\new\n", "C:\\\\new\\n"],
  ["a, b", '"a, b"'],
  ["a=b", '"a=b"'],
  ['say "hi"', '"say \\"hi\\""'],
  ['\\", status=tracked, x="', '"\\\\\\", status=tracked, x=\\""'],
  ['\n\\", x=1', '"\\n\\\\\\", x=1"'],
];

for (const [value, written] of values) {
  test(`the value ${JSON.stringify(value)} is written ${written}`, () => {
    assert.equal(formatLine("INFO", "Message", { key: value }), `INFO - Message: key=${written}`);
  });
}

test("a token in a value is hidden, wherever it stands and whatever is left of it; names with points stay", async () => {
  const token = await tokenMakers.hand(claims());
  const [header = "", payload = "", signature = ""] = token.split(".");
  const spaced = Buffer.from('{ "alg":"HS256" }').toString("base64url");
  for (const [value, written] of [
    [token, "(token)"],
    [`Bearer ${token}`, "Bearer (token)"],
    [`x${token}y-z`, "x(token)"],
    [`a.b.${token}.c`, "a.b.(token)"],
    [`${token} and ${token}`, "(token) and (token)"],
    [`'${header}.${payload}': wrong`, "'(token)': wrong"],
    [`/${spaced}.${payload}.`, "/(token)"],
    [`${header}.${payload}.${signature}.${signature}.x`, "(token)"],
  ] as const) {
    assert.equal(formatLine("INFO", "Message", { key: value }), `INFO - Message: key=${written}`);
  }
  const names = [
    "key.eye.example",
    "monkey.eyewitness-news.example.org",
    "1.eyJ.eyJ",
    `${header}.example.org`,
    "..e.ey",
  ];
  for (const name of names) assert.equal(formatLine("INFO", "Message", { key: name }), `INFO - Message: key=${name}`);
});

test("a line without fields ends with its message", () => {
  assert.equal(formatLine("ERROR", "Mes\nsage", {}), "ERROR - Mes\\nsage");
});

const hostilePiece = fc.constantFrom(
  "\\",
  '"',
  ",",
  "=",
  " ",
  ", ",
  "\n",
  "\r",
  "\u2028",
  "\u202e",
  "\u200b",
  "\ue004",
  "\u{e0041}",
  "\u001b",
  "status=tracked",
  "a",
);
const hostileText = fc.oneof(
  fc.array(hostilePiece).map((pieces) => pieces.join("")),
  fc.string({ unit: anyCodePoint }),
);

test("whatever the values hold, there is one line with exactly the fields that were written", () => {
  fc.assert(
    fc.property(fc.array(hostileText, { minLength: 1, maxLength: 3 }), (texts) => {
      const fields = texts.map((text, index) => [`key${index}`, text] as const);
      const line = formatLine("WARNING", "Message", Object.fromEntries(fields));
      assert.match(line, /^[^\p{Cc}\p{Cs}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]*$/u);
      assert.deepEqual(
        readLogLine(line).fields.map(([key]) => key),
        fields.map(([key]) => key),
      );
    }),
    { numRuns: 500 },
  );
});

test("different texts that hold something unprintable stay different when it is escaped", () => {
  const unprintable = hostileText.map((text) => `${text}\n`);
  fc.assert(
    fc.property(unprintable, unprintable, (a, b) => {
      assert.equal(escapeControls(a) === escapeControls(b), a === b);
    }),
  );
});

test("lines are appended to the file, which only its user can read", (t) => {
  const file = join(temporaryFolder(t), "log");
  createLog({ toStandardError: false, file }).info("One", { a: 1 });
  createLog({ toStandardError: false, file }).warning("Two");
  createLog({ toStandardError: false, file }).error("Three");
  assert.equal(readFileSync(file, "utf8"), "INFO - One: a=1\nWARNING - Two\nERROR - Three\n");
  assert.equal(statSync(file).mode & 0o777, 0o600);
});

test("a file that was moved away or made by its user before is written on, its mode left alone", (t) => {
  const folder = temporaryFolder(t);
  const file = join(folder, "log");
  writeFileSync(file, "before\n");
  chmodSync(file, 0o640);
  createLog({ toStandardError: false, file }).info("One");
  assert.equal(readFileSync(file, "utf8"), "before\nINFO - One\n");
  assert.equal(statSync(file).mode & 0o777, 0o640);
});

test("a file that cannot be written is no failure", (t) => {
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, "folder"));
  for (const name of ["folder", "gone/log"]) {
    const log = createLog({ toStandardError: false, file: join(folder, name) });
    assert.doesNotThrow(() => log.error("One"));
  }
});
