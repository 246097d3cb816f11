/** Proves that the checks of the house see what breaks a rule, and where, and are not misled by comments and texts. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { check, checkTopLevel } from "./rules.ts";
import { createSource, importsOf } from "./source.ts";

const head = "/** Owns a thing of the house. For nobody. */\n";

/** What each sample breaks, and on which line; a sample's own line 1 is the docstring. */
const broken: readonly (readonly [rule: string, line: number, path: string, text: string])[] = [
  ["pure core", 2, "src/tracker/a.ts", `${head}import { readFileSync } from "node:fs";`],
  ["pure core", 2, "src/tracker/a.ts", `${head}const fs = process.getBuiltinModule;`],
  ["pure core", 3, "src/tracker/a.ts", `${head}\nexport const now = () => Date.now();`],
  ["pure core", 2, "src/tracker/a.ts", `${head}export const now = () => new Date();`],
  ["pure core", 2, "src/tracker/a.ts", `${head}export const now = () => new Date().getTime();`],
  ["pure core", 2, "src/tracker/a.ts", `${head}export const now = () => \`at \${performance.now()}\`;`],
  ["pure core", 2, "src/tracker/a.ts", `${head}export const any = globalThis;`],
  ["pure core", 2, "src/tracker/a.ts", `${head}setTimeout(() => {}, 1);`],
  ["pure core", 2, "src/tracker/a.ts", `${head}export const id = Math.random();`],
  ["pure core", 2, "src/wire/a.ts", `${head}import { basename } from "node:path";`],
  ["pure core", 2, "src/tracker/a.ts", `${head}import { z } from "zod";`],
  ["room", 2, "src/tracker/a.ts", `${head}import { createLog } from "../log.ts";`],
  ["room", 2, "src/tracker/a.ts", `${head}import type { Row } from "../wire/view.ts";`],
  ["room", 2, "src/auth/a.ts", `${head}import { createLog } from "../log.ts";`],
  ["room", 2, "src/host/a.ts", `${head}import { openSqliteStore } from "../store/sqlite/store.ts";`],
  ["room", 2, "src/store/a.ts", `${head}const config = await import("../config/config.ts");`],
  ["room", 2, "src/host/a.ts", `${head}import { resolveConfig } from "../config/config.ts";`],
  ["room", 2, "src/config/a.ts", `${head}import { openSqliteStore } from "../store/sqlite/store.ts";`],
  ["room", 2, "src/capture/a.ts", `${head}import { openApp } from "../app/app.ts";`],
  ["room", 2, "src/app/a.ts", `${head}import { printLine } from "../cli/terminal/print.ts";`],
  ["room", 2, "src/app/a.ts", `${head}import { examine } from "../install/doctor.ts";`],
  ["room", 2, "src/install/a.ts", `${head}import { serveHttp } from "../server/serve.ts";`],
  ["room", 2, "src/log.ts", `${head}import type { Keys } from "./auth/key-set.ts";`],
  ["room", 2, "src/server/a.ts", `${head}import { openSqliteStore } from "../store/sqlite/store.ts";`],
  ["room", 2, "src/server/a.ts", `${head}import type { Machine } from "../host/machine.ts";`],
  ["room", 4, "src/cli/a.ts", `${head}import {\n  bootId,\n} from "../host/machine.ts";`],
  ["verb", 2, "src/cli/commands/a.ts", `${head}import { run } from "./b.ts";`],
  ["room", 2, "src/page/a.ts", `${head}import { escapeControls } from "../wire/escape.ts";`],
  ["room", 2, "src/page/a.ts", `${head}import type { Session } from "../tracker/fold.ts";`],
  ["room", 1, "src/elsewhere/a.ts", head],
  ["package room", 2, "src/cli/a.ts", `${head}import { z } from "zod";`],
  ["package room", 2, "src/cli/a.ts", `${head}import { Command } from "commander";`],
  ["package room", 2, "src/app/a.ts", `${head}import { SignJWT } from "jose";`],
  ["package room", 2, "src/app/a.ts", `${head}import { Server } from "@modelcontextprotocol/sdk/server/index.js";`],
  ["package room", 2, "src/config/config.ts", `${head}import Conf from 'conf';`],
  ["package room", 2, "src/server/a.ts", `${head}import leftPad from "left-pad";`],
  ["environment", 2, "src/app/a.ts", `${head}const home = process.env.HOME;`],
  ["environment", 2, "src/app/a.ts", `${head}const home = process.env["HOME"];`],
  ["environment", 2, "src/cli/a.ts", `${head}const { HOME } = process.env;`],
  ["console", 2, "src/cli/a.ts", `${head}console.log("x");`],
  ["computed import", 2, "src/app/a.ts", `${head}const name = "x"; await import(name);`],
  ["barrel", 2, "src/auth/a.ts", `${head}export * from "./gate.ts";`],
  ["barrel", 2, "src/auth/a.ts", `${head}export { createGate } from "./gate.ts";`],
  ["file name", 1, "src/auth/index.ts", head],
  ["file name", 1, "src/host/utils.ts", head],
  ["docstring", 1, "src/auth/a.ts", "export const a = 1;\n"],
  ["docstring", 1, "src/auth/a.ts", "/** gate */\nexport const a = 1;\n"],
  ["length", 251, "src/auth/a.ts", `${head}${"export {};\n".repeat(250)}`],
];

for (const [rule, line, path, text] of broken) {
  test(`${rule}: ${path} with ${JSON.stringify(text.replace(head, "").slice(0, 100))} is found on line ${line}`, () => {
    const found = check([createSource(path, text)]).map((finding) => [finding.rule, finding.line, finding.file]);
    assert.deepEqual(found, [[rule, line, path]]);
  });
}

const sound: readonly (readonly [path: string, text: string])[] = [
  [
    "src/tracker/a.ts",
    `${head}// process.exit, Date.now() and import "node:fs"\nexport const text = "Date.now() from 'x'";`,
  ],
  ["src/tracker/a.ts", `${head}export const date = (ms: number) => new Date(ms).toISOString() + Date.parse("x");`],
  ["src/tracker/a.ts", `${head}export const of = (session: { process: { pid: number } }) => session.process.pid;`],
  ["src/tracker/a.ts", `${head}export const quotes = /["'\`/]/.test(\`\${"}"} Date.now()\`) ? 1 / 2 : 2 / 1;`],
  ["src/cli/a.ts", `${head}import type { Session } from "../tracker/fold.ts";\nexport const env = [process.env];`],
  ["src/cli/commands/serve.ts", `${head}import { serveHttp } from "../../server/serve.ts";`],
  ["src/page/a.ts", `${head}import type { Row } from "../wire/view.ts";`],
  ["src/auth/a.ts", `/** Owns it all. Longer than 250 lines because it is. */\n${"export {};\n".repeat(250)}`],
];

for (const [path, text] of sound) {
  test(`${path} with ${JSON.stringify(text.replace(head, "").slice(0, 100))} breaks no rule`, () => {
    assert.deepEqual(check([createSource(path, text)]), []);
  });
}

test("imports of every form are seen with their line", () => {
  const text = `import a from "a";\nimport "b";\nawait import('c');\nrequire("d");\nimport type { E }\n  from "e";\n// from "f"`;
  assert.deepEqual(
    importsOf(createSource("x.ts", text)).map(({ specifier, line, isTypeOnly }) => [specifier, line, isTypeOnly]),
    [
      ["a", 1, false],
      ["b", 2, false],
      ["c", 3, false],
      ["d", 4, false],
      ["e", 6, true],
    ],
  );
});

test("a stranger at the top level is found, a dotfile is none", () => {
  const found = checkTopLevel(["src", ".ci", "docs", "README.md", "Makefile"]).map(({ rule, file }) => [rule, file]);
  assert.deepEqual(found, [
    ["top level", "docs"],
    ["top level", "Makefile"],
  ]);
});
