/** Proves that every error code is explained where it is declared, and thrown somewhere. */
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { errorCodes } from "../../src/tracker/errors.ts";
import { root } from "../support/sandbox.ts";

const declaration = "src/tracker/errors.ts";
const read = (path: string) => readFileSync(join(root, path), "utf8");

test("the list above ErrorCode explains every code, in the order of the table, and no other", () => {
  const list = /\/\*\*(?:(?!\*\/)[\s\S])*\*\/\nexport type ErrorCode/.exec(read(declaration))?.[0] ?? "";
  const entries = [...list.matchAll(/^ \* - ((?:`[\w.]+`(?:, )?)+): \S.+$/gm)].map((match) => match[1] ?? "");
  const explained = entries.flatMap((names) => names.replaceAll("`", "").split(", "));
  assert.deepEqual(explained, errorCodes);
});

test("every code is thrown somewhere", () => {
  const others = globSync("src/**/*.ts", { cwd: root }).filter((path) => path !== declaration);
  const source = others.map(read).join("\n");
  const isThrown = (code: string) =>
    // Thrown by its name, or through the table of SQLite's result codes.
    new RegExp(String.raw`(?:SessionBuddyError|refusal)\(\s*"${code}"|\[\d+, \["${code}", `).test(source);
  assert.deepEqual(
    errorCodes.filter((code) => !isThrown(code)),
    [],
  );
});
