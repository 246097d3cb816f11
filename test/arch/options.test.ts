/** Proves that a verb knows its options from the command table alone: one that is renamed there no longer compiles. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, globSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { root } from "../support/sandbox.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

/** The packages that options have their types from. Of all others the copy has none, so that the compiler spares itself theirs. */
const typed = ["@commander-js/extra-typings", "@types/node"];
const flag = /"--([a-z][a-z-]*)/g;

/** A function of the command table that declares options, itself or by calling others, and the name of its type. */
interface Description {
  readonly name: string;
  readonly body: string;
  readonly type: string | null;
}

const table = globSync("src/cli/syntax/*.ts", { cwd: root }).map((path) => readFileSync(join(root, path), "utf8"));
const descriptions: readonly Description[] = table.flatMap((text) =>
  [...text.matchAll(/^function (\w+)\([\s\S]*?^}$/gm)].map(([body, name = ""]) => ({
    name,
    body,
    type: new RegExp(`export type (\\w+) = [^;]*OptionsOf<typeof ${name}>`).exec(text)?.[1] ?? null,
  })),
);
const files = new Map(
  globSync("src/cli/{commands,input}/*.ts", { cwd: root }).map((path) => [
    path,
    readFileSync(join(root, path), "utf8"),
  ]),
);

test("every option of every command, renamed in the command table, is missed by the verb that reads it", (t) => {
  const missed = missedIn(renamedCopy(t));
  const flags = descriptions.flatMap((description) =>
    [...description.body.matchAll(flag)].map(([, name = ""]) => ({ name, readers: readersOf(description) })),
  );
  assert.ok(flags.length > 60, "the options are not where they are looked for");
  const unnoticed = flags.filter(({ name, readers }) => !readers.some((path) => missed.has(`${path} ${camel(name)}`)));
  assert.deepEqual(unnoticed, []);
});

test("no option is declared outside the functions whose types the verbs import", () => {
  const everywhere = table.flatMap((text) => [...text.matchAll(flag)]);
  const described = descriptions.flatMap(({ body }) => [...body.matchAll(flag)]);
  assert.equal(described.length, everywhere.length);
});

/** @returns the files that import the type of a description, or of one that calls it */
function readersOf({ name, type }: Description): string[] {
  const callers = descriptions.filter(({ body }) => new RegExp(`(?<!function )\\b${name}\\(`).test(body));
  const own = [...files].filter(([, text]) => type !== null && new RegExp(`\\b${type}\\b`).test(text));
  return [...own.map(([path]) => path), ...callers.flatMap(readersOf)];
}

/** @returns a folder with the source in which every option of the command table has another name */
function renamedCopy(t: TestContext): string {
  const folder = temporaryFolder(t);
  cpSync(join(root, "src"), join(folder, "src"), { recursive: true });
  for (const name of ["package.json", "tsconfig.json"]) cpSync(join(root, name), join(folder, name));
  for (const name of typed) {
    mkdirSync(join(folder, "node_modules", dirname(name)), { recursive: true });
    symlinkSync(join(root, "node_modules", name), join(folder, "node_modules", name));
  }
  for (const path of globSync(join(folder, "src/cli/syntax/*.ts"))) {
    writeFileSync(path, readFileSync(path, "utf8").replaceAll(flag, '"--renamed-$1'));
  }
  return folder;
}

/** @returns `FILE PROPERTY` of each property that the compiler does not find */
function missedIn(folder: string): ReadonlySet<string> {
  // Several checkers would each find out about the same types.
  const args = ["-p", ".", "--pretty", "false", "--singleThreaded"];
  const { stdout } = spawnSync(join(root, "node_modules/.bin/tsc"), args, { cwd: folder, encoding: "utf8" });
  const form = /^(\S+?)\(\d+,\d+\): error TS\d+: [^\n]*?'(\w+)' does not exist (?:on|in) type/gm;
  return new Set([...stdout.matchAll(form)].map(([, path, property]) => `${path} ${property}`));
}

/** One that takes something away has the name of what it takes away. */
function camel(name: string): string {
  return name.replace(/^no-/, "").replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
}
