/** Looking for texts that must not be written anywhere: in output, in files byte by byte, and in what `ps` shows. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { filesBelow } from "../support/shells/hook-homes.ts";

export interface Leaks {
  /** Looks into a text. @param where - what a person needs to find the place */
  look(where: string, text: string): void;
  /** Looks into every file of a folder, byte by byte, and into the values of databases. @param except - paths in it */
  lookBelow(folder: string, except?: readonly string[]): void;
  /** Looks at the command lines of all processes, again and again, until the returned function is called. */
  watchProcesses(): () => void;
  /** How many texts, files and command lines were looked into. */
  count(): number;
  assertNone(): void;
}

const pauseMs = 20;

/** @param needles - by what they are; short ones would be found by chance */
export function createLeaks(needles: Readonly<Record<string, string>>): Leaks {
  const forms = Object.entries(needles).flatMap(([name, needle]) =>
    formsOf(needle).map((form) => [name, form] as const),
  );
  const found = new Set<string>();
  const seen = new Set<string>();
  let count = 0;
  const look = (where: string, text: string) => {
    count += 1;
    for (const [name, form] of forms) if (text.includes(form)) found.add(`${name} in ${where}`);
  };
  return {
    look,
    lookBelow(folder, except = []) {
      for (const [name, bytes] of Object.entries(filesBelow(folder))) {
        const path = join(folder, name);
        if (except.includes(path)) continue;
        look(path, bytes);
        if (bytes.startsWith("SQLite format 3\0")) look(`the values of ${path}`, valuesOf(path));
      }
    },
    watchProcesses() {
      const take = () => {
        for (const line of commandLines()) {
          if (seen.has(line)) continue;
          seen.add(line);
          look(`a command line: ${line.slice(0, 40)}`, line);
        }
      };
      const timer = setInterval(take, pauseMs).unref();
      return () => {
        clearInterval(timer);
        assert.ok(
          [...seen].some((line) => /entry\.cjs serve/.test(line)),
          "no server was seen among the processes",
        );
      };
    },
    count: () => count,
    assertNone() {
      assert.deepEqual([...found].sort(), []);
    },
  };
}

/** As it is, and as programs write bytes. */
function formsOf(needle: string): string[] {
  const bytes = Buffer.from(needle);
  const encoded = [bytes.toString("base64").replace(/=+$/, ""), bytes.toString("base64url"), bytes.toString("hex")];
  return [...new Set([needle, encodeURIComponent(needle), ...encoded])];
}

function commandLines(): string[] {
  return readdirSync("/proc").flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      return readFileSync(`/proc/${name}/cmdline`, "utf8").replaceAll("\0", " ").trim();
    } catch {
      // It has ended meanwhile.
      return [];
    }
  });
}

/** In the file a long text may lie in pieces. */
function valuesOf(path: string): string {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    const tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all();
    return tables
      .flatMap(({ name }) => database.prepare(`SELECT * FROM "${name}"`).all())
      .flatMap((row) => Object.values(row).map(String))
      .join("\n");
  } finally {
    database.close();
  }
}
